"""What a task is: its batches, loss and metrics."""

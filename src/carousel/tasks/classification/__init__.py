"""Text classification: one label for each document."""

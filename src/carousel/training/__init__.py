"""The Lightning fit: batches, callbacks, and the best weights."""

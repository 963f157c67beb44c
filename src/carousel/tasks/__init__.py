"""The tasks, a folder for each. Nothing outside imports one by name: `carousel.task.find` does."""

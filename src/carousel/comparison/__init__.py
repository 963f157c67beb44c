"""Two models on the same test data: paired statistics, plots, size and speed."""

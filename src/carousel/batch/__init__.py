"""Predicting for files of any size: read, predicted and written in chunks."""

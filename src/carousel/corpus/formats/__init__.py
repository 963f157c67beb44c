"""Readers of the file formats that documents come in, and the recognition of those that they do not."""

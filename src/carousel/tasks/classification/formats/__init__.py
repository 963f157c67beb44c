"""Files of labelled documents, a module for each format."""

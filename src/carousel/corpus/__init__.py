"""Labelled documents: sources, cleaning, splitting, and their ids on disk."""

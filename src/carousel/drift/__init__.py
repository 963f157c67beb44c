"""Drift: what a model was asked and what it predicted, counted in training and in production, and compared."""

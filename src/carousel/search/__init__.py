"""Optuna: the space, the study, the pruning."""

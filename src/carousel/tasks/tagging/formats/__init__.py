"""Readers of tagged sentences, a module for each family of formats."""

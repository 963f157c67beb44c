"""Test metrics, slices, plots, and the linear baseline that a recurrent model has to beat."""

"""Carousel: recurrent text models, trained by a pipeline and inseparable from their vocabulary."""

__version__ = "0.1.0"

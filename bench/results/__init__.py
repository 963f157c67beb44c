"""How accurate Carousel is on published data sets: `python -m bench.results` writes docs/results.md."""

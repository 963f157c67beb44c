"""Side-by-side benchmarks; never run by the tests."""

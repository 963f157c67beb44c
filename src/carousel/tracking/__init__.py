"""MLflow runs: where they are kept, what they are called, and what they say of their origin."""

"""The HTTP service: a supervisor that follows the registry, and worker processes that predict without torch."""

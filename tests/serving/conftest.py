"""The registry fixture."""

from tests.support.registry import registry

__all__ = ["registry"]

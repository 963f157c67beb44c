"""Which version answers a request: by its address, or by a hash of its id."""

import hashlib

SHARDS = 1 << 32


def fraction(identifier: str) -> float:
    """Return a number in [0, 1) that is the same for an identifier everywhere."""
    digest = hashlib.blake2b(identifier.encode("utf-8", "surrogateescape"), digest_size=4).digest()
    return int.from_bytes(digest) / SHARDS


def goes_to_canary(identifier: str, canary_fraction: float) -> bool:
    """Return whether a request or session of that id is of the canary's fraction."""
    return canary_fraction > 0 and fraction(identifier) < canary_fraction

"""Memory that one training step frees, kept for the next one."""

import ctypes

# From glibc's malloc.h
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8


def keep_freed_memory() -> None:
    """Have glibc give freed memory to the next step; elsewhere do nothing.

    By default it returns large pieces to the system, which clears each page again before the next step may have
    it: a tenth of the time of a step. The threads of `nn.side_by_side` each have an arena of their own, of which
    glibc returns whole parts whatever the threshold, so there is to be one arena for all.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_ARENA_MAX, 1)
        mallopt(_MMAP_THRESHOLD, 2**25)  # the most that glibc accepts
        mallopt(_TRIM_THRESHOLD, 2**31 - 1)

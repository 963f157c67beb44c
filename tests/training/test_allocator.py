import re
import subprocess
import sys

import pytest

# What glibc says of its arenas and the memory that it holds, after four threads took and freed 160 MB
FREED = """
import ctypes
import torch
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from carousel.training.allocator import keep_freed_memory

together = Barrier(4)

def take():
    pieces = [torch.ones(250_000) for _ in range(40)]
    together.wait()
    return len(pieces)

if {kept}:
    keep_freed_memory()
with ThreadPoolExecutor(4) as pool:
    for done in [pool.submit(take) for _ in range(4)]:
        done.result()
    ctypes.CDLL(None).malloc_stats()
"""


def arenas_and_bytes(*, kept):
    done = subprocess.run(
        [sys.executable, "-c", FREED.format(kept=kept)], capture_output=True, text=True, check=True
    )
    arenas = re.findall(r"^Arena", done.stderr, flags=re.MULTILINE)
    held = re.findall(r"^system bytes += +(\d+)", done.stderr, re.MULTILINE)  # of each arena, and of all
    return len(arenas), max(map(int, held))


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="malloc_stats is glibc's")
def test_freed_memory_stays_in_one_arena():
    assert arenas_and_bytes(kept=False)[0] > 1
    arenas, held = arenas_and_bytes(kept=True)
    assert arenas == 1
    assert held > 160e6

"""Thousands of damaged and forged bundles: each is refused in a line, or is a model that predicts."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

MUTATED, FORGED = 10_000, 5_000
MEMORY = 200  # MB, the most that one takes


@pytest.mark.parametrize(("how", "count"), [("mutated", MUTATED), ("forged", FORGED)])
def test_every_bundle_is_refused_or_predicts(tmp_path: Path, how: str, count: int) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.support.fuzzing", how, str(count), str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )
    last = (tmp_path / "case").read_text() if (tmp_path / "case").exists() else "none"
    assert done.returncode == 0, f"case {last}, exit code {done.returncode}: {done.stderr[-2000:]}"
    found = json.loads(done.stdout)
    print(f"\n{how}: {found}")
    assert found["bundles"] == count
    assert found["refused"] > 0.8 * count if how == "mutated" else found["refused"] > 0.5 * count
    assert found["largest_mb"] < MEMORY

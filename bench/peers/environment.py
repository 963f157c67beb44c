"""Make the peers' environments, the missing and the outdated ones: `python -m bench.peers.environment`.

They lie in `.carousel/peers/<name>`, and hold exactly what `bench/peers/<name>.txt` lists.
"""

import hashlib
import shutil
import subprocess
import sys
import time
from pathlib import Path

NAMES = ("flair", "keras", "litserve", "ludwig")
HERE = Path(__file__).parent
ENVIRONMENTS = HERE.parents[1] / ".carousel" / "peers"


def python(name: str) -> Path:
    """Return the interpreter of a peer's environment, which may not exist yet."""
    return ENVIRONMENTS / name / "bin" / "python"


def ready(name: str) -> bool:
    """Say whether a peer's environment is complete and holds what its requirement file lists now."""
    marker = _marker(name)
    return marker.exists() and marker.read_text() == _digest(name)


def make(name: str) -> None:
    """Make one environment anew.

    Raises:
        subprocess.CalledProcessError: pip or venv failed; what it said is in `stderr`.
    """
    folder, requirements = ENVIRONMENTS / name, HERE / f"{name}.txt"
    shutil.rmtree(folder, ignore_errors=True)
    _run(sys.executable, "-m", "venv", str(folder))
    install = (str(python(name)), "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
    # torch goes first and with its own requirements, which differ between its CPU and CUDA builds. For the rest the
    # list is complete, and pip must not add to it.
    for torch in [line for line in requirements.read_text().splitlines() if line.startswith("torch==")]:
        _run(*install, "--constraint", str(requirements), torch)
    _run(*install, "--no-deps", "--requirement", str(requirements))
    # Written last: an installation that was interrupted is made again
    _marker(name).write_text(_digest(name))


def main() -> None:
    """Make what is missing, a line each."""
    for name in NAMES:
        if ready(name):
            print(f"{name:<7} is there")
            continue
        print(f"{name:<7} is being installed ...", end=" ", flush=True)
        began = time.perf_counter()
        try:
            make(name)
        except subprocess.CalledProcessError as error:
            sys.exit(f"failed\n{error.stderr}")
        print(f"done in {time.perf_counter() - began:.0f} s")


def _marker(name: str) -> Path:
    return ENVIRONMENTS / name / "requirements.sha256"


def _digest(name: str) -> str:
    return hashlib.sha256((HERE / f"{name}.txt").read_bytes()).hexdigest()


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, text=True)


if __name__ == "__main__":
    main()

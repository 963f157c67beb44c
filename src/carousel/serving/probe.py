"""Loading an exported model in a process of its own: what would crash or fill a worker crashes this one."""

import subprocess
import sys
from pathlib import Path

from carousel.errors import UserError
from carousel.serving.log import reason_of

SECONDS = 120.0


def check(file: Path, title: str) -> None:
    """Load an exported model in another process, and predict with it.

    Raises:
        UserError: when that fails, or the process was killed.
    """
    try:
        done = subprocess.run(
            [sys.executable, "-m", __name__, str(file)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise UserError(f"{title}: could not be loaded within {SECONDS:g} s") from error
    if done.returncode < 0:
        raise UserError(f"{title}: the process that loaded it was killed by signal {-done.returncode}")
    if done.returncode:
        lines = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise UserError(f"{title}: could not be loaded: {lines[-1] if lines else 'no reason was given'}")


def main() -> None:
    """Run the process: `python -m carousel.serving.probe FILE`."""
    from carousel.runtime import load

    try:
        predictor = load(Path(sys.argv[1]))
        predictor.predict(predictor.example)
    except Exception as error:  # noqa: BLE001 - the other process wants one line
        sys.exit(reason_of(error))


if __name__ == "__main__":
    main()

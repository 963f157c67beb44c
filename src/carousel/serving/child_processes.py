"""The supervisor's processes: started, started again when they die, told when to end."""

import contextlib
import logging
import subprocess
import sys
import time
from collections.abc import Sequence

from carousel.serving.commands import DRAIN, FINISH

FAST_DEATH = 10.0  # seconds; a process that lives shorter is started again after a pause
LONGEST_PAUSE = 10.0
log = logging.getLogger("carousel.serving")


class Child:
    """A process that is started again whenever it dies.

    Args:
        title: for the log.
        module: that it runs, with the arguments.
        arguments: of the command line.
        fds: file descriptors that it inherits.
        environment: of the process.
    """

    def __init__(
        self, title: str, module: str, arguments: Sequence[str], fds: Sequence[int], environment: dict[str, str]
    ) -> None:
        self._title, self._command = title, [sys.executable, "-m", module, *arguments]
        self._fds, self._environment = fds, environment
        self._pause, self._not_before = 0.0, 0.0
        self.process: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        """Start the process."""
        self._started = time.monotonic()
        self.process = subprocess.Popen(
            self._command, stdin=subprocess.PIPE, pass_fds=self._fds, env=self._environment
        )

    def look(self) -> int | None:
        """Start the process again if it has died; returns the id of a process that died since the last call."""
        if self.process is None:
            if time.monotonic() >= self._not_before:
                self.start()
            return None
        code = self.process.poll()
        if code is None:
            return None
        died, now = self.process.pid, time.monotonic()
        self._close()
        how = f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"
        fast = now - self._started < FAST_DEATH
        self._pause = min(max(2 * self._pause, 0.1), LONGEST_PAUSE) if fast else 0.0
        self._not_before = now + self._pause
        log.error("%s %d %s; another one starts in %g s", self._title, died, how, self._pause)
        return died

    def drain(self) -> None:
        """Tell the process that the service is about to end."""
        self._tell(DRAIN)

    def finish(self) -> None:
        """Tell the process to answer what it was asked, and to end."""
        self._tell(FINISH)

    def wait(self, until: float) -> None:
        """Wait for the process to end; kill it at a time of the monotonic clock."""
        if self.process is None:
            return
        try:
            self.process.wait(max(until - time.monotonic(), 0.0))
        except subprocess.TimeoutExpired:
            log.error("%s %d did not end, and is killed", self._title, self.process.pid)
            self.process.kill()
            self.process.wait()
        self._close()

    def _close(self) -> None:
        assert self.process is not None
        if self.process.stdin is not None:
            with contextlib.suppress(OSError):
                self.process.stdin.close()
        self.process = None

    def _tell(self, command: str) -> None:
        if self.process is not None and self.process.stdin is not None:
            with contextlib.suppress(OSError):  # it has just died
                self.process.stdin.write(f"{command}\n".encode("ascii"))
                self.process.stdin.flush()

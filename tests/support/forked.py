"""Commands in processes of their own, forked from one that has imported the heavy libraries already."""

import ctypes
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from multiprocessing import get_context
from multiprocessing.context import ForkServerProcess
from pathlib import Path

# What most commands import
PRELOADED = [
    "torch",
    "mlflow",
    "mlflow.pyfunc",
    "mlflow.store.tracking.sqlalchemy_store",
    "mlflow.store.model_registry.sqlalchemy_store",
    "carousel.cli.compare",
]


def run(
    target: Callable[..., None], *arguments: object, cwd: Path, env: Mapping[str, str], timeout: float
) -> subprocess.CompletedProcess[str]:
    """Call a function of a module in a forked process, and return its exit code and what it printed."""
    with tempfile.TemporaryDirectory() as folder:
        streams = [Path(folder) / "stdout", Path(folder) / "stderr"]
        process = start(target, *arguments, cwd=cwd, env=env, streams=streams)
        process.join(timeout)
        if process.is_alive():
            process.kill()
            process.join()
            raise subprocess.TimeoutExpired([target.__name__, *map(str, arguments)], timeout)
        printed = [stream.read_text("utf-8") for stream in streams]
        return subprocess.CompletedProcess(arguments, process.exitcode or 0, *printed)


def start(
    target: Callable[..., None], *arguments: object, cwd: Path, env: Mapping[str, str], streams: list[Path]
) -> ForkServerProcess:
    """Start a function of a module in a forked process, whose output and errors go to two files."""
    context = get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    process = context.Process(target=_call, args=(target, arguments, cwd, dict(env), streams))
    process.start()
    return process


def _call(
    target: Callable[..., None],
    arguments: tuple[object, ...],
    cwd: Path,
    env: dict[str, str],
    streams: list[Path],
) -> None:
    for number, stream in enumerate(streams, start=1):
        opened = os.open(stream, os.O_WRONLY | os.O_CREAT)
        os.dup2(opened, number)
        os.close(opened)
    os.environ.clear()
    os.environ.update(env)
    os.chdir(cwd)
    target(*arguments)


def carousel(*arguments: str) -> None:
    """Run a command of `carousel`."""
    from carousel.cli import main

    sys.argv = ["carousel", *arguments]
    main()


def unprivileged_carousel(*arguments: str) -> None:
    """Run a command of `carousel` for which file permissions hold, also where the user is root."""
    if os.geteuid() == 0:
        libc = ctypes.CDLL(None)
        for capability in (1, 2, 3):  # dac_override, dac_read_search, fowner: of the processes that it starts
            assert libc.prctl(24, capability, 0, 0, 0) == 0  # PR_CAPBSET_DROP
        version_3, this_process = 0x20080522, 0
        header, none = (ctypes.c_uint32 * 2)(version_3, this_process), (ctypes.c_uint32 * 6)()
        assert libc.capset(header, none) == 0
    carousel(*arguments)


def python(code: str) -> None:
    """Run Python code."""
    exec(code, {"__name__": "__main__"})

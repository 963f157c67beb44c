"""Clients of a service on loopback, and what its processes cost."""

import asyncio
import os
import time
from collections.abc import Sequence
from pathlib import Path


class Closed(Exception):  # noqa: N818
    """A connection was closed before its answer."""


class Connection:
    """A kept-alive connection that sends one prepared request after the other."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    @classmethod
    async def to(cls, port: int) -> "Connection":
        """Connect."""
        return cls(*await asyncio.open_connection("127.0.0.1", port))

    async def ask(self, request: bytes) -> int:
        """Return the status of an answer, which is read to its end."""
        self._writer.write(request)
        head = await self._reader.readuntil(b"\r\n\r\n")
        lines = head.lower().split(b"\r\n")
        length = next((int(line[15:]) for line in lines if line.startswith(b"content-length:")), None)
        if length is None:
            raise Closed("an answer without a length")
        await self._reader.readexactly(length)
        return int(head.split(b" ", 2)[1])

    def close(self) -> None:
        """Close it."""
        self._writer.close()


def request(path: str, body: bytes) -> bytes:
    """Return the bytes of a POST of JSON."""
    lines = (
        f"POST {path} HTTP/1.1",
        "Host: bench",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
    )
    return "\r\n".join([*lines, "", ""]).encode("ascii") + body


async def closed_loop(port: int, requests: Sequence[bytes], clients: int) -> None:
    """Send all requests, each client the next one when it has an answer.

    Raises:
        RuntimeError: when an answer is not 200.
    """
    waiting = iter(requests)

    async def client() -> None:
        connection = await Connection.to(port)
        for one in waiting:
            if (status := await connection.ask(one)) != 200:
                raise RuntimeError(f"status {status}")
        connection.close()

    async with asyncio.TaskGroup() as group:
        for _ in range(clients):
            group.create_task(client())


async def open_loop(port: int, requests: Sequence[bytes], rate: float, seconds: float) -> list[float]:
    """Send requests at a rate, whether earlier ones are answered or not; return seconds from the planned time."""
    free: asyncio.LifoQueue[Connection] = asyncio.LifoQueue()
    took: list[float] = []
    start = time.perf_counter() + 0.1

    async def one(number: int) -> None:
        planned = start + number / rate
        await asyncio.sleep(planned - time.perf_counter())
        connection = free.get_nowait() if not free.empty() else await Connection.to(port)
        if await connection.ask(requests[number % len(requests)]) == 200:
            took.append(time.perf_counter() - planned)
        free.put_nowait(connection)

    async with asyncio.TaskGroup() as group:
        for number in range(int(rate * seconds)):
            group.create_task(one(number))
    return took


def tree(pid: int) -> list[int]:
    """Return a process and all that descend from it."""
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (fields := _stat(int(entry.name))) is not None:
            parents.setdefault(int(fields[1]), []).append(int(entry.name))
    found, todo = list[int](), [pid]
    while todo:
        found.append(todo.pop())
        todo += parents.get(found[-1], [])
    return found


def cpu_seconds(pids: Sequence[int]) -> float:
    """Return the CPU time of processes, and of their children that have ended, in seconds."""
    ticks = 0
    for pid in pids:
        if (fields := _stat(pid)) is not None:
            ticks += sum(int(field) for field in fields[11:15])
    return ticks / os.sysconf("SC_CLK_TCK")


def resident_megabytes(pid: int) -> float:
    """Return a process's resident memory."""
    return int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def pressure() -> float:
    """Return the share of the last 10 seconds in which a process waited for a CPU, in percent."""
    line = Path("/proc/pressure/cpu").read_text("ascii").splitlines()[0]
    return float(line.split("avg10=")[1].split()[0])


def _stat(pid: int) -> list[str] | None:
    """Return the fields of a process's stat file from its state on; None if it has ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None

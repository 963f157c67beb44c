"""What the supervisor tells its processes: a word a line on their standard input, whose end is the supervisor's."""

import asyncio
import sys
from collections.abc import AsyncIterator

DRAIN, FINISH = "drain", "finish"


async def commands() -> AsyncIterator[str]:
    """Yield each command; ends when the supervisor is gone."""
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        yield line.decode("ascii").strip()


async def closed() -> None:
    """Wait until the supervisor says `finish`, or is gone."""
    async for command in commands():
        if command == FINISH:
            return

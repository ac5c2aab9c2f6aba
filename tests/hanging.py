"""An SQLite file that answers nobody for a while, as on a disk that hangs."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

# Readers of a WAL database take one of five locks, on these bytes beside it; without one they ask again, for
# ten seconds. Locks are a process's: another one has to hold them.
HOLD = """
import fcntl, sys
with open(sys.argv[1], "r+b") as file:
    fcntl.lockf(file, fcntl.LOCK_EX, 5, 123)
    print("held", flush=True)
    sys.stdin.read()
"""


@asynccontextmanager
async def hanging(file: Path) -> AsyncIterator[None]:
    """Have everything that asks this database wait meanwhile; what is open stays open."""
    holder = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", HOLD, f"{file}-shm"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert holder.stdout is not None
    await holder.stdout.readline()
    try:
        yield
    finally:
        await holder.communicate(b"")

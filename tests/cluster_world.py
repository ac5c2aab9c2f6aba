"""PostgreSQL as the tests of several processes need it: a database for each test, and a way to cut it off."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import psycopg

_numbers = itertools.count(1)


def new_database(server_url: str) -> str:
    """Make an empty database on the server and return its URL."""
    name = f"cluster{next(_numbers)}"
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        connection.execute(f'CREATE DATABASE "{name}"')
    base, _, query = server_url.partition("?")
    return f"{base.rsplit('/', 1)[0]}/{name}" + (f"?{query}" if query else "")


@dataclass
class Cable:
    """A way to a server on a unix socket that can be cut and joined again; `url` leads through it."""

    url: str
    _folder: Path
    _target: Path
    _server: asyncio.Server | None = None
    _lines: set[asyncio.Task[None]] = field(default_factory=set)

    async def join(self) -> None:
        self._server = await asyncio.start_unix_server(self._carry, self._folder / self._target.name)

    async def cut(self) -> None:
        """Break every connection, and refuse new ones."""
        assert self._server is not None
        self._server.close()
        (self._folder / self._target.name).unlink(missing_ok=True)
        for line in self._lines:
            line.cancel()
        await asyncio.gather(*self._lines, return_exceptions=True)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._lines.add(task)
        task.add_done_callback(self._lines.discard)
        far_reader, far_writer = await asyncio.open_unix_connection(self._target)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(_copy(reader, far_writer))
                group.create_task(_copy(far_reader, writer))
        except asyncio.CancelledError:
            return
        finally:
            writer.transport.abort()
            far_writer.transport.abort()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while chunk := await reader.read(65536):
            writer.write(chunk)
            await writer.drain()
    writer.close()


@asynccontextmanager
async def cable(database_url: str, folder: Path) -> AsyncIterator[Cable]:
    """A cable to this database; `folder` must have a short path, for unix sockets."""
    parts = urlsplit(database_url)
    [socket_folder] = parse_qs(parts.query)["host"]
    [target] = Path(socket_folder).glob(".s.PGSQL.*[0-9]")
    line = Cable(database_url.replace(socket_folder, str(folder)), folder, target)
    await line.join()
    try:
        yield line
    finally:
        await line.cut()

"""SQLite's connection with one trip to its thread for each statement, where aiosqlite alone makes four."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import aiosqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from studio.settings import SettingsError

BUSY_TIMEOUT_SECONDS = 10

SINGLE = "studio_single"
"""The execution option of connections that begin no transaction: each statement is one by itself."""

CACHE_KIB = 512
"""How much of the file each connection keeps, a quarter of what SQLite would: whatever another one writes
empties it, so that it serves little beyond a statement, and the kernel has the file in memory anyway."""


class Connection(aiosqlite.Connection):
    """What SQLAlchemy's dialect for aiosqlite needs; rows come with the trip that executes the statement."""

    _in_doubt = False
    _to_begin = False

    def begin_with_next(self) -> None:
        """Begin a transaction, which has the write lock, in the trip of the statement that comes next."""
        self._to_begin = True

    @property
    def is_at_rest(self) -> bool:
        """Whether there is nothing to commit or to take back."""
        return not (self._in_doubt or self._conn.in_transaction)

    def run(self, how: Callable[..., sqlite3.Cursor], sql: str, parameters: Any) -> sqlite3.Cursor:
        """In the thread: execute a statement."""
        if self._to_begin:
            self._conn.execute("BEGIN IMMEDIATE")
            self._to_begin = False
        return how(self._conn.cursor(), sql, parameters)

    def cursor(self) -> Any:
        return _Cursor(self)

    async def trip(self, work: Callable[..., Any], *arguments: Any) -> Any:
        """Have the thread do it, after all that it was given before."""
        try:
            return await self._execute(work, *arguments)  # type: ignore[no-untyped-call]
        except asyncio.CancelledError:
            # It is done all the same, nobody knows when.
            self._in_doubt = True
            raise

    async def commit(self) -> None:
        await self._end(self._conn.commit)

    async def rollback(self) -> None:
        await self._end(self._conn.rollback)

    async def _end(self, work: Callable[[], None]) -> None:
        if self.is_at_rest:
            self._to_begin = False
        else:
            await self.trip(self._finish, work)
            self._in_doubt = False

    def _finish(self, work: Callable[[], None]) -> None:
        """In the thread."""
        self._to_begin = False
        work()


class _Cursor:
    """One statement and what came of it."""

    arraysize = 1

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._rows: list[Any] = []
        self.description: Any = None
        self.rowcount = -1
        self.lastrowid: int | None = None

    async def __aenter__(self) -> _Cursor:
        return self

    async def execute(self, sql: str, parameters: Sequence[Any] = ()) -> None:
        await self._connection.trip(self._run, sqlite3.Cursor.execute, sql, parameters)

    async def executemany(self, sql: str, parameters: Sequence[Sequence[Any]]) -> None:
        await self._connection.trip(self._run, sqlite3.Cursor.executemany, sql, parameters)

    async def fetchall(self) -> list[Any]:
        return self._rows

    async def close(self) -> None:
        self._rows = []

    def _run(self, how: Callable[..., sqlite3.Cursor], sql: str, parameters: Any) -> None:
        """In the thread."""
        cursor = self._connection.run(how, sql, parameters)
        self._rows = cursor.fetchall()
        self.description, self.rowcount, self.lastrowid = (
            cursor.description,
            cursor.rowcount,
            cursor.lastrowid,
        )
        cursor.close()


def make_room(file: Path) -> None:
    """Make the folder and the file if they are not there. Raises `SettingsError` when they cannot be."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        problem = f"DATABASE_URL: the folder {file.parent} cannot be made ({error.strerror})."
        raise SettingsError([problem]) from error
    try:
        # Asked here, because aiosqlite's thread complains on its own when it cannot open the file.
        sqlite3.connect(file).close()
    except sqlite3.Error as error:
        raise SettingsError([f"DATABASE_URL: {file} cannot be used ({error})."]) from error


def begin(connection: Any) -> None:
    """For SQLAlchemy's event "begin"."""
    if not connection.get_execution_options().get(SINGLE):
        connection.connection.driver_connection.begin_with_next()


def is_at_rest(connection: AsyncConnection) -> bool:
    """Whether giving the connection back takes no trip."""
    plain = connection.sync_connection
    if plain is None or plain.closed or plain.invalidated:
        return False
    driver = plain.connection.driver_connection
    return isinstance(driver, Connection) and driver.is_at_rest


async def connect(file: str) -> Connection:
    """Open a connection, whose thread does not keep the process alive."""
    connection = Connection(partial(_open, file), iter_chunk_size=1)
    connection._thread.daemon = True
    try:
        await connection
    except sqlite3.Error:
        # Its thread ends by itself, but complains if the loop has ended before.
        await asyncio.to_thread(connection._thread.join)
        raise
    return connection


def _open(file: str) -> sqlite3.Connection:
    # Begins no transactions by itself: `studio.database` does, so that a transaction that reads before it
    # writes cannot fail half-way for want of the lock.
    connection = sqlite3.connect(file, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    # FULL: an attempt that was committed before a paid call must survive a power cut.
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_SECONDS * 1000}")
    connection.execute("PRAGMA foreign_keys=ON")
    connection.execute(f"PRAGMA cache_size=-{CACHE_KIB}")
    return connection

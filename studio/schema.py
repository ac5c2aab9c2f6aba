"""Brings the database to the newest revision of `migrations/`, and says which one it has."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, func, select, text
from sqlalchemy.exc import DBAPIError

from studio.database import Database
from studio.settings import SettingsError

MIGRATIONS = Path(__file__).parent.parent / "migrations"

_SCHEMA_LOCK = 0x73636865
"""Key of the PostgreSQL advisory lock under which one process at a time changes the tables."""


async def upgrade(database: Database) -> None:
    """Apply every missing revision, in one transaction.

    Raises `SettingsError` for a database that cannot be used.
    """
    try:
        async with database.write() as connection:
            if connection.dialect.name == "postgresql":
                # Several processes may start at once; the later ones wait, and find nothing left to do.
                await connection.execute(text("SET LOCAL statement_timeout = 0"))
                await connection.execute(select(func.pg_advisory_xact_lock(_SCHEMA_LOCK)))
            else:
                # Takes SQLite's write lock now: what Alembic sets up before its first statement is global.
                await connection.execute(select(1))
            await connection.run_sync(_upgrade)
    except DBAPIError as error:
        reason = str(error.orig).partition("\n")[0]
        raise SettingsError([f"DATABASE_URL: the database cannot be used ({reason})."]) from error
    except CommandError as error:
        problem = (
            "DATABASE_URL: the database is of a newer version of this bot; install that one again, or "
            "bring back the copy of the database that you made before."
        )
        raise SettingsError([problem]) from error


async def revision(database: Database) -> str | None:
    """The revision that the database has; None when it is empty."""
    async with database.read() as connection:
        return await connection.run_sync(lambda sync: MigrationContext.configure(sync).get_current_revision())


def newest_revision() -> str | None:
    return ScriptDirectory.from_config(_config()).get_current_head()


def _upgrade(connection: Connection) -> None:
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    return config

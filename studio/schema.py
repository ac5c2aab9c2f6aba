"""Brings the database to the newest revision of `migrations/`, and says which one it has."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from studio.database import Database

MIGRATIONS = Path(__file__).parent.parent / "migrations"


async def upgrade(database: Database) -> None:
    """Apply every missing revision, in one transaction."""
    async with database.write() as connection:
        await connection.run_sync(_upgrade)


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

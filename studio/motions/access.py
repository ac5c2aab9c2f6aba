"""The library's ways to the database, whose troubles become refusals that people can read."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from studio.database import Database
from studio.errors import OrderRefused


@asynccontextmanager
async def looking(database: Database) -> AsyncIterator[AsyncConnection]:
    """A connection for single SELECTs. Raises `OrderRefused` while the database is away."""
    try:
        async with database.read() as connection:
            yield connection
    except SQLAlchemyError as error:
        raise OrderRefused("motions_busy") from error


@asynccontextmanager
async def changing(database: Database) -> AsyncIterator[AsyncConnection]:
    """A transaction. Raises `OrderRefused` while the database is away; nothing was changed then."""
    try:
        async with database.write() as connection:
            yield connection
    except SQLAlchemyError as error:
        raise OrderRefused("moderation_busy") from error

"""Small values by key that outlive the process."""

from __future__ import annotations

from sqlalchemy import bindparam, delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from studio.database import Database, notes


async def read(connection: AsyncConnection, key: str) -> str | None:
    return (await connection.execute(_VALUE, {"its_key": key})).scalar_one_or_none()


# Made once: to write the statement takes longer than the database takes for it.
_VALUE = select(notes.c.value).where(notes.c.key == bindparam("its_key"))


async def write(connection: AsyncConnection, key: str, value: str) -> None:
    await erase(connection, key)
    await connection.execute(notes.insert().values(key=key, value=value))


async def add(connection: AsyncConnection, key: str, value: str) -> None:
    """Write what is not there yet; raises SQLAlchemy's `IntegrityError` when it is."""
    await connection.execute(notes.insert().values(key=key, value=value))


async def values(connection: AsyncConnection, prefix: str) -> list[str]:
    """The values of all keys that begin with `prefix`."""
    found = await connection.execute(
        select(notes.c.value).where(notes.c.key.startswith(prefix, autoescape=True))
    )
    return list(found.scalars())


async def erase(connection: AsyncConnection, key: str) -> None:
    await connection.execute(delete(notes).where(notes.c.key == key))


class Notes:
    """The same for those who know no connections."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def read(self, key: str) -> str | None:
        async with self._database.read() as connection:
            return await read(connection, key)

    async def write(self, key: str, value: str) -> None:
        async with self._database.write() as connection:
            await write(connection, key, value)

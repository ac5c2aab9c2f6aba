"""Further messages that show a clip: where it was shared, and where its member had it shown again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import RowMapping, delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from studio.sharing.tables import copies


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """One message. `message_id` None: it is just being posted, or nobody knows whether it was."""

    id: str
    at: datetime
    job_id: str
    guild_id: int
    channel_id: int
    message_id: int | None = None
    shared: bool = False

    @property
    def link(self) -> str:
        return f"https://discord.com/channels/{self.guild_id}/{self.channel_id}/{self.message_id}"


async def add(connection: AsyncConnection, copy: Copy) -> None:
    """Note it before it is posted, so that it is found whatever happens. A clip is shared once."""
    values = {name: getattr(copy, name) for name in Copy.__dataclass_fields__}
    await connection.execute(copies.insert().values(**values))


async def of_job(connection: AsyncConnection, job_id: str) -> Sequence[Copy]:
    """All of the clip's copies, oldest first."""
    query = select(copies).where(copies.c.job_id == job_id).order_by(copies.c.id)
    return [_copy(row) for row in (await connection.execute(query)).mappings()]


async def note_posted(connection: AsyncConnection, copy_id: str, message_id: int) -> None:
    await connection.execute(update(copies).where(copies.c.id == copy_id).values(message_id=message_id))


async def remove(connection: AsyncConnection, copy_id: str) -> None:
    """It stands nowhere: it was never posted, or is gone."""
    await connection.execute(delete(copies).where(copies.c.id == copy_id))


def _copy(row: RowMapping) -> Copy:
    return Copy(**{name: row[name] for name in Copy.__dataclass_fields__})

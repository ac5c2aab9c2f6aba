"""The record of who decided what, whom it concerned and why: only ever added to."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from studio.ids import new_job_id
from studio.sharing.tables import audit


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One decision. `action` is a text code (`audit_<action>`), `actor_id` None = the studio itself.

    `subject` is what or whom it concerns, as Discord writes it: `<@1>`, `<@&2>`, a setting's name.
    """

    at: datetime
    guild_id: int
    actor_id: int | None
    action: str
    subject: str = ""
    job_id: str | None = None
    reason: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)


async def add(connection: AsyncConnection, entry: Entry) -> None:
    """Write the entry in the transaction of what it records; the server's log channel is told of it later."""
    values = {name: getattr(entry, name) for name in Entry.__dataclass_fields__}
    await connection.execute(audit.insert().values(id=new_job_id(entry.at), **values))


async def newest(
    connection: AsyncConnection, guild_id: int, *, limit: int = 20, before: str | None = None
) -> list[tuple[str, Entry]]:
    """The server's entries with their ids, newest first; `before`: older than the one with this id."""
    query = select(audit).where(audit.c.guild_id == guild_id).order_by(audit.c.at.desc(), audit.c.id.desc())
    if before is not None:
        query = query.where(audit.c.id < before)
    rows = (await connection.execute(query.limit(limit))).mappings()
    return [(row["id"], _entry(row)) for row in rows]


async def untold(
    connection: AsyncConnection, *, limit: int = 50, but_not_of: Collection[int] = ()
) -> list[tuple[str, Entry]]:
    """What no log channel has been told of yet, oldest first; `but_not_of`: without these servers'."""
    query = select(audit).where(audit.c.told_at.is_(None)).order_by(audit.c.at, audit.c.id).limit(limit)
    if but_not_of:
        query = query.where(audit.c.guild_id.not_in(list(but_not_of)))
    return [(row["id"], _entry(row)) for row in (await connection.execute(query)).mappings()]


async def mark_told(connection: AsyncConnection, entry_id: str, now: datetime) -> bool:
    """Claim the entry for telling; False when another process has."""
    told = await connection.execute(
        update(audit).where(audit.c.id == entry_id, audit.c.told_at.is_(None)).values(told_at=now)
    )
    return told.rowcount == 1


def _entry(row: RowMapping) -> Entry:
    return Entry(**{name: row[name] for name in Entry.__dataclass_fields__})

"""Who may make no clips in a server, until when, by whose word: lifted, never deleted."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from studio.aliases import names_of
from studio.sharing import servers
from studio.sharing.tables import blocks


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """`until` None = for good; `lifted_at` None = it was never lifted, though it may have run out."""

    id: str
    at: datetime
    guild_id: int
    member_id: int
    actor_id: int
    reason: str = ""
    until: datetime | None = None
    lifted_at: datetime | None = None
    lifted_by: int | None = None


async def add(connection: AsyncConnection, block: Block) -> None:
    """Write it, and have every process know of it."""
    values = {name: getattr(block, name) for name in Block.__dataclass_fields__}
    await connection.execute(blocks.insert().values(**values))
    await servers.announce(connection)


async def lift(connection: AsyncConnection, guild_id: int, member_id: int, *, by: int, now: datetime) -> int:
    """End all of the member's blocks; return how many there were."""
    lifted = await connection.execute(
        update(blocks)
        .where(
            blocks.c.guild_id == guild_id,
            # Also as it stands there since they asked to be forgotten.
            blocks.c.member_id.in_(names_of(member_id)),
            blocks.c.lifted_at.is_(None),
            or_(blocks.c.until.is_(None), blocks.c.until > now),
        )
        .values(lifted_at=now, lifted_by=by)
    )
    if lifted.rowcount:
        await servers.announce(connection)
    return lifted.rowcount


async def history(
    connection: AsyncConnection, guild_id: int, member_id: int, *, limit: int = 8
) -> list[Block]:
    """The member's blocks, newest first."""
    query = select(blocks).where(blocks.c.guild_id == guild_id, blocks.c.member_id.in_(names_of(member_id)))
    rows = await connection.execute(query.order_by(blocks.c.at.desc()).limit(limit))
    return [Block(**{name: row[name] for name in Block.__dataclass_fields__}) for row in rows.mappings()]

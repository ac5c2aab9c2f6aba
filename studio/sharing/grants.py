"""What moderators gave or took: only ever added to, each entry with its maker, its reason and its end."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from studio.aliases import alias_of, names_of
from studio.sharing.quotas import Grant
from studio.sharing.tables import grants


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """One entry. For a role (then each of its members has it) or a member; `until` None = for good.

    `replaces`: not on top of the roles' clips for each period, but instead of them.
    """

    id: str
    at: datetime
    guild_id: int
    clips: int
    replaces: bool
    until: datetime | None
    actor_id: int
    reason: str
    role_id: int | None = None
    member_id: int | None = None


async def add(connection: AsyncConnection, given: Given) -> None:
    values = {name: getattr(given, name) for name in Given.__dataclass_fields__}
    await connection.execute(grants.insert().values(**values))


async def of_member(
    connection: AsyncConnection, *, guild_id: int, member_id: int, role_ids: Iterable[int], now: datetime
) -> list[Grant]:
    """What is valid now for a member with these roles."""
    values = {
        "guild": guild_id,
        "member": member_id,
        "alias": alias_of(member_id),
        "roles": list(role_ids),
        "now": now,
    }
    return [Grant(clips, replaces) for clips, replaces in await connection.execute(_VALID, values)]


# Made once: to write the statement takes longer than the database takes for it.
_VALID = select(grants.c.clips, grants.c.replaces).where(
    grants.c.guild_id == bindparam("guild"),
    or_(grants.c.until.is_(None), grants.c.until > bindparam("now")),
    or_(
        grants.c.member_id.in_([bindparam("member"), bindparam("alias")]),
        grants.c.role_id.in_(bindparam("roles", expanding=True)),
    ),
)


async def newest(connection: AsyncConnection, guild_id: int, *, limit: int = 50) -> list[Given]:
    """The server's entries, newest first."""
    query = select(grants).where(grants.c.guild_id == guild_id).order_by(grants.c.at.desc()).limit(limit)
    return [Given(**row) for row in (await connection.execute(query)).mappings()]


async def end_limits(connection: AsyncConnection, guild_id: int, member_id: int, now: datetime) -> int:
    """End the member's personal limits now, so that another may hold instead; return how many there were."""
    ended = await connection.execute(
        update(grants)
        .where(
            grants.c.guild_id == guild_id,
            # Also as it stands there since they asked to be forgotten.
            grants.c.member_id.in_(names_of(member_id)),
            grants.c.replaces,
            or_(grants.c.until.is_(None), grants.c.until > now),
        )
        .values(until=now)
    )
    return ended.rowcount


async def servers_with_limits(connection: AsyncConnection, now: datetime) -> set[int]:
    """The servers in which some member has a personal limit now."""
    query = select(grants.c.guild_id).distinct()
    query = query.where(grants.c.replaces, or_(grants.c.until.is_(None), grants.c.until > now))
    return set((await connection.execute(query)).scalars())

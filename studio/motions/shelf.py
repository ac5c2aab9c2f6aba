"""Reading and writing the rows of the motion library."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, RowMapping, and_, delete, func, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from studio.database import jobs
from studio.errors import OrderRefused
from studio.models import Order
from studio.motions.motion import LONGEST_NAME, Content, Cut, Motion, folded
from studio.motions.tables import motion_uses, motions


def _on_shelf(guild_id: int) -> ColumnElement[bool]:
    return and_(motions.c.guild_id == guild_id, motions.c.removed_at.is_(None))


async def find(connection: AsyncConnection, guild_id: int, named: str) -> Motion | None:
    """The server's motion with this id or name; None also while its files are being made."""
    query = select(motions).where(
        _on_shelf(guild_id),
        motions.c.content.is_not(None),
        (motions.c.id == named) | (motions.c.folded == folded(named)),
    )
    found = [_motion(row) for row in (await connection.execute(query)).mappings()]
    # An id is no name that anybody would give, but it could be given.
    return next((motion for motion in found if motion.id == named), found[0] if found else None)


async def required(connection: AsyncConnection, guild_id: int, named: str) -> Motion:
    """The same, raising `OrderRefused` when there is none."""
    found = await find(connection, guild_id, named)
    if found is None:
        raise OrderRefused("motion_unknown", name=named[:LONGEST_NAME])
    return found


async def all_of(connection: AsyncConnection, guild_id: int) -> list[Motion]:
    """The server's motions, the most used first; there are never more than a hundred."""
    query = (
        select(motions)
        .where(_on_shelf(guild_id), motions.c.content.is_not(None))
        .order_by(motions.c.used.desc(), motions.c.added_at.desc(), motions.c.id)
    )
    return [_motion(row) for row in (await connection.execute(query)).mappings()]


async def known_to(connection: AsyncConnection, guild_id: int, member_id: int) -> list[Motion]:
    """The server's motions: first those that the member used, the latest first, then the most used."""
    mine = and_(
        motion_uses.c.guild_id == guild_id,
        motion_uses.c.member_id == member_id,
        motion_uses.c.motion_id == motions.c.id,
    )
    query = (
        select(motions)
        .select_from(motions.outerjoin(motion_uses, mine))
        .where(_on_shelf(guild_id), motions.c.content.is_not(None))
        .order_by(
            motion_uses.c.at.is_(None), motion_uses.c.at.desc(), motions.c.used.desc(), motions.c.folded
        )
    )
    return [_motion(row) for row in (await connection.execute(query)).mappings()]


async def content_of(connection: AsyncConnection, motion_id: str) -> Content | None:
    """The files of a motion, also of a removed one that an order still needs."""
    query = select(motions.c.content).where(motions.c.id == motion_id)
    content = (await connection.execute(query)).scalar_one_or_none()
    return None if content is None else _content(content)


async def room_taken(connection: AsyncConnection, guild_id: int) -> tuple[int, int]:
    """How many motions the server has, those that are being made included, and how many bytes."""
    query = select(func.count(), func.coalesce(func.sum(motions.c.size), 0)).where(_on_shelf(guild_id))
    number, size = (await connection.execute(query)).one()
    return int(number), int(size)


async def is_taken(connection: AsyncConnection, guild_id: int, name: str, *, but_by: str = "") -> bool:
    """Whether another motion of the server has the name."""
    query = select(motions.c.id).where(
        _on_shelf(guild_id), motions.c.folded == folded(name), motions.c.id != but_by
    )
    return (await connection.execute(query)).first() is not None


async def use(connection: AsyncConnection, order: Order) -> bool:
    """Count that the order takes its motion; False when it was removed meanwhile.

    Whoever removes it afterwards waits for this transaction, and finds the order in the jobs.
    """
    motion_id, guild_id = order.video.motion_id, order.place.guild_id
    used = await connection.execute(
        update(motions)
        .where(_on_shelf(guild_id), motions.c.id == motion_id, motions.c.content.is_not(None))
        .values(used=motions.c.used + 1, last_used_at=order.ordered_at)
    )
    if used.rowcount != 1:
        return False
    make = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    row = {
        "guild_id": guild_id,
        "member_id": order.member.id,
        "motion_id": motion_id,
        "at": order.ordered_at,
    }
    added = make(motion_uses).values(row)
    await connection.execute(
        added.on_conflict_do_update(
            index_elements=list(motion_uses.primary_key), set_={"at": added.excluded.at}
        )
    )
    return True


async def needed(connection: AsyncConnection, guild_id: int) -> set[str]:
    """Ids of the motions that unfinished orders of the server take."""
    query = select(jobs.c.video).where(jobs.c.guild_id == guild_id, jobs.c.closed_at.is_(None))
    videos = (await connection.execute(query)).scalars()
    return {video["motion_id"] for video in videos if video.get("motion_id")}


# ── writing ─────────────────────────────────────────────────────────────────────────────────────


async def reserve(
    connection: AsyncConnection, *, motion_id: str, guild_id: int, name: str, by: int, now: datetime
) -> None:
    """Take the name for a motion whose files are going to be made."""
    await connection.execute(
        motions.insert().values(
            id=motion_id,
            guild_id=guild_id,
            name=name,
            folded=folded(name),
            tags=[],
            added_by=by,
            added_at=now,
            size=0,
            used=0,
        )
    )


async def change(connection: AsyncConnection, guild_id: int, motion_id: str, **values: Any) -> bool:
    """Set columns of a motion that is on the shelf; False when it is there no more."""
    if "name" in values:
        values["folded"] = folded(values["name"])
    changed = await connection.execute(
        update(motions).where(_on_shelf(guild_id), motions.c.id == motion_id).values(**values)
    )
    return changed.rowcount == 1


async def removed(connection: AsyncConnection, *, abandoned_before: datetime) -> list[tuple[str, int]]:
    """Ids and servers of motions whose files may go; also of those that nobody has finished making."""
    gone = select(motions.c.id, motions.c.guild_id).where(motions.c.removed_at.is_not(None))
    unmade = select(motions.c.id, motions.c.guild_id).where(
        motions.c.content.is_(None), motions.c.added_at < abandoned_before
    )
    rows = [*(await connection.execute(gone)), *(await connection.execute(unmade))]
    return sorted({(row.id, row.guild_id) for row in rows})


async def of_server(connection: AsyncConnection, guild_id: int) -> list[str]:
    """Ids of all motions that anything is stored about."""
    query = select(motions.c.id).where(motions.c.guild_id == guild_id)
    return list((await connection.execute(query)).scalars())


async def forget(connection: AsyncConnection, motion_id: str) -> None:
    """Delete the row, once the files are gone."""
    await connection.execute(delete(motion_uses).where(motion_uses.c.motion_id == motion_id))
    await connection.execute(delete(motions).where(motions.c.id == motion_id))


def _motion(row: RowMapping) -> Motion:
    return Motion(
        id=row["id"],
        guild_id=row["guild_id"],
        name=row["name"],
        tags=tuple(row["tags"]),
        added_by=row["added_by"],
        added_at=row["added_at"],
        content=_content(row["content"]),
        size=row["size"],
        used=row["used"],
        last_used_at=row["last_used_at"],
    )


def _content(value: Mapping[str, Any]) -> Content:
    return Content(**{**value, "cuts": tuple(Cut(**cut) for cut in value["cuts"])})

"""What a member chose last time, and the picture they used in the last hour."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import Insert, RowMapping, bindparam, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from studio.database import jobs
from studio.models import HABITS, Order, Orientation, ShotType, SourceFile, Wishes, looks_swapped
from studio.wishing.tables import habits

PICTURE_KEPT = timedelta(hours=1)

BY_LENGTH = "auto"
"""How the choice is stored that the orientation depends on the video's length, which is None elsewhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Habits:
    """`choices` has those of `HABITS` that the member has ever chosen; `picture` is None after an hour.

    `spoiler`: the clip with that picture was covered.
    """

    choices: Mapping[str, Any] = field(default_factory=dict)
    picture: SourceFile | None = None
    spoiler: bool = False

    def applied(self, wishes: Wishes) -> Wishes:
        """The wishes with what was left out as it was chosen last time."""
        changed = {
            name: self.choices[name]
            for name in wishes.left_out
            if name in self.choices and self.choices[name] != getattr(wishes, name)
        }
        return replace(wishes, **changed, left_out=(), as_last_time=tuple(changed))


async def read(connection: AsyncConnection, guild_id: int, member_id: int, now: datetime) -> Habits:
    """What is known of the member in the server. The picture of a clip that was taken down is not offered."""
    found = await connection.execute(_OF_MEMBER, {"guild": guild_id, "member": member_id})
    row = found.mappings().one_or_none()
    if row is None:
        return Habits()
    known = Habits(choices=_choices(row))
    if row["picture"] is None or row["removed_at"] is not None or row["picture_at"] <= now - PICTURE_KEPT:
        return known
    return replace(
        known, picture=SourceFile(**row["picture"]["file"]), spoiler=bool(row["picture"]["spoiler"])
    )


async def apply(connection: AsyncConnection, order: Order) -> Order:
    """The order with what its member left out as last time."""
    if not order.wishes.left_out:
        return order
    known = await read(connection, order.place.guild_id, order.member.id, order.ordered_at)
    return replace(order, wishes=known.applied(order.wishes))


async def remember(connection: AsyncConnection, order: Order) -> None:
    """Keep what was chosen with this order, as its member gave it, and its picture."""
    chosen = {name: _stored(order.wishes, name) for name in HABITS if name not in order.wishes.left_out}
    values = chosen | _picture(order)
    if not values:
        return
    key = {"guild_id": order.place.guild_id, "member_id": order.member.id}
    await connection.execute(_keeping(connection.dialect.name, tuple(values)), key | values)


# Made once: to write a statement takes longer than the database takes for it.
_OF_MEMBER = (
    select(habits, jobs.c.removed_at)
    .join(jobs, jobs.c.id == habits.c.job_id, isouter=True)
    .where(habits.c.guild_id == bindparam("guild"), habits.c.member_id == bindparam("member"))
)


@cache
def _keeping(dialect: str, names: tuple[str, ...]) -> Insert:
    make = postgresql.insert if dialect == "postgresql" else sqlite.insert
    row = make(habits)
    return row.on_conflict_do_update(
        index_elements=list(habits.primary_key), set_={name: row.excluded[name] for name in names}
    )


async def sweep(connection: AsyncConnection, now: datetime) -> None:
    """Forget the pictures whose hour is over."""
    await connection.execute(
        update(habits)
        .where(habits.c.picture_at <= now - PICTURE_KEPT)
        .values(job_id=None, picture=None, picture_at=None)
    )


def _picture(order: Order) -> dict[str, Any]:
    """Nothing for a picture that an earlier order has left: it has not been attached anew."""
    picture = order.video if looks_swapped(order.picture, order.video) else order.picture
    if not picture.url:
        return {}
    return {
        "job_id": order.job_id,
        "picture": {"file": asdict(picture), "spoiler": order.wishes.spoiler},
        "picture_at": order.ordered_at,
    }


def _stored(wishes: Wishes, name: str) -> Any:
    value = getattr(wishes, name)
    if value is None:
        return BY_LENGTH
    return value if isinstance(value, bool) else str(value)


def _choices(row: RowMapping) -> dict[str, Any]:
    readers: Mapping[str, Any] = {
        "orientation": lambda value: None if value == BY_LENGTH else Orientation(value),
        "keep_sound": bool,
        "shot_type": ShotType,
    }
    return {name: readers[name](row[name]) for name in HABITS if row[name] is not None}

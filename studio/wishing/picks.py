"""Files that a member has picked from messages for their next clip."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import bindparam, delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from studio.models import Order, SourceFile
from studio.wishing.tables import picks

KEPT = timedelta(minutes=15)


class Slot(StrEnum):
    """What a picked file is for."""

    PICTURE = "picture"
    MOTION = "motion"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pick:
    """`spoiler`: whoever posted it has covered it, so what is made of it is covered as well."""

    file: SourceFile
    spoiler: bool
    at: datetime

    @property
    def until(self) -> datetime:
        return self.at + KEPT


async def put(connection: AsyncConnection, guild_id: int, member_id: int, slot: Slot, pick: Pick) -> None:
    """Keep it in the place of an earlier one."""
    owner = (picks.c.guild_id == guild_id, picks.c.member_id == member_id)
    await connection.execute(delete(picks).where(*owner, picks.c.slot == slot.value))
    await connection.execute(
        picks.insert().values(
            guild_id=guild_id,
            member_id=member_id,
            slot=slot.value,
            at=pick.at,
            url=pick.file.url,
            filename=pick.file.filename,
            size=pick.file.size,
            content_type=pick.file.content_type,
            spoiler=pick.spoiler,
        )
    )


async def read(connection: AsyncConnection, guild_id: int, member_id: int, now: datetime) -> dict[Slot, Pick]:
    """What the member has picked in the server and is not too old by now."""
    query = select(picks).where(
        picks.c.guild_id == guild_id,
        picks.c.member_id == member_id,
        picks.c.at > now - KEPT,
        picks.c.job_id.is_(None),
    )
    return {
        Slot(row["slot"]): Pick(
            file=SourceFile(row["url"], row["filename"], row["size"], row["content_type"]),
            spoiler=row["spoiler"],
            at=row["at"],
        )
        for row in (await connection.execute(query)).mappings()
    }


async def use(connection: AsyncConnection, order: Order) -> None:
    """What was ordered with is no longer kept for the next clip."""
    values = {
        "its_guild": order.place.guild_id,
        "its_member": order.member.id,
        "its_picture": order.picture.url,
        "its_video": order.video.url,
        "job_id": order.job_id,
    }
    await connection.execute(_USED, values)


# Made once: to write the statement takes longer than the database takes for it.
_USED = update(picks).where(
    picks.c.guild_id == bindparam("its_guild"),
    picks.c.member_id == bindparam("its_member"),
    picks.c.url.in_([bindparam("its_picture"), bindparam("its_video")]),
)


async def put_back(connection: AsyncConnection, job_id: str) -> None:
    """Keep what this order has taken for the next clip again, for what is left of its time."""
    await connection.execute(update(picks).where(picks.c.job_id == job_id).values(job_id=None))


async def sweep(connection: AsyncConnection, now: datetime) -> None:
    await connection.execute(delete(picks).where(picks.c.at <= now - KEPT))

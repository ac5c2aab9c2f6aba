"""Orders that wait for one more step of their member, with all that was attached to them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from studio.lineage import Parent
from studio.models import SourceFile, Wishes
from studio.records import to_wishes
from studio.sharing.tables import petitions

KEPT = timedelta(hours=6)
"""How long the press counts; Discord does not say for how long it keeps what was attached, it seems a day."""


class Want(StrEnum):
    """What the step says; a form's row is a `studio.wishing.drafts.Draft` until it is sent."""

    MODERATOR = "moderator"
    CONSENT = "consent"
    FORM = "form"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What the member ordered. `overruled`: moderators are asked to let it pass the server's limits.

    `parent`: the clip of which it is another version.
    """

    picture: SourceFile
    video: SourceFile
    wishes: Wishes
    overruled: bool = False
    parent: Parent | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Petition:
    """An order that its member may still go on with, once, until `KEPT` is over.

    `agrees_to`: the version of the words that were put to them; the press is a word on no others.
    """

    id: str
    at: datetime
    guild_id: int
    member_id: int
    wants: Want
    wanted: Wanted
    used_at: datetime | None = None
    agrees_to: int | None = None

    def is_open_to(self, member_id: int, guild_id: int, now: datetime) -> bool:
        whose = (self.member_id, self.guild_id) == (member_id, guild_id)
        return whose and self.used_at is None and now < self.at + KEPT


async def add(connection: AsyncConnection, petition: Petition) -> None:
    await connection.execute(
        petitions.insert().values(
            id=petition.id,
            at=petition.at,
            guild_id=petition.guild_id,
            member_id=petition.member_id,
            wants=petition.wants.value,
            payload=asdict(petition.wanted) | {"agrees_to": petition.agrees_to},
        )
    )


async def read(connection: AsyncConnection, petition_id: str) -> Petition | None:
    """The refused order with this id; None for a form's, which is none yet."""
    row = (
        (
            await connection.execute(
                select(petitions).where(petitions.c.id == petition_id, petitions.c.wants != Want.FORM.value)
            )
        )
        .mappings()
        .one_or_none()
    )
    if row is None:
        return None
    return Petition(
        id=row["id"],
        at=row["at"],
        guild_id=row["guild_id"],
        member_id=row["member_id"],
        wants=Want(row["wants"]),
        wanted=_wanted(row["payload"]),
        used_at=row["used_at"],
        # Petitions of an earlier version have none.
        agrees_to=row["payload"].get("agrees_to"),
    )


async def use(connection: AsyncConnection, petition_id: str, job_id: str, now: datetime) -> bool:
    """Take the one press that counts, for this order or petition; False when it was made before."""
    used = await connection.execute(
        update(petitions)
        .where(petitions.c.id == petition_id, petitions.c.used_at.is_(None))
        .values(used_at=now, job_id=job_id)
    )
    return used.rowcount == 1


async def reopen(connection: AsyncConnection, job_id: str) -> None:
    """Let the press count once more that this order came by."""
    await connection.execute(
        update(petitions).where(petitions.c.job_id == job_id).values(used_at=None, job_id=None)
    )


async def sweep(connection: AsyncConnection, now: datetime) -> None:
    """Forget those whose time is over, with the addresses of what was attached."""
    await connection.execute(delete(petitions).where(petitions.c.at < now - KEPT))


def _wanted(payload: Mapping[str, Any]) -> Wanted:
    return Wanted(
        picture=SourceFile(**payload["picture"]),
        video=SourceFile(**payload["video"]),
        wishes=to_wishes(payload["wishes"]),
        overruled=payload["overruled"],
        # Petitions of an earlier version have none.
        parent=Parent(**payload["parent"]) if payload.get("parent") else None,
    )

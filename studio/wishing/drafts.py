"""Orders that are being filled in: what is known before their form is sent, stored until then."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from studio.lineage import Parent
from studio.models import SourceFile, Wishes
from studio.moderation.petitions import KEPT, Want
from studio.records import to_wishes
from studio.sharing.tables import petitions


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What a form already has, and asks for otherwise.

    `replaceable`: it asks for both files all the same; a field that is left empty keeps what is there.
    `parent`: the clip of which it becomes another version.
    """

    picture: SourceFile | None = None
    video: SourceFile | None = None
    wishes: Wishes = field(default_factory=Wishes)
    replaceable: bool = False
    parent: Parent | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredDraft:
    """`used`: it was sent, and an order came of it."""

    draft: Draft
    at: datetime
    used: bool

    def is_open(self, now: datetime) -> bool:
        return not self.used and now < self.at + KEPT


async def add(
    connection: AsyncConnection, draft_id: str, draft: Draft, *, guild_id: int, member_id: int, now: datetime
) -> None:
    """Keep it beside the petitions: both are used once, in the transaction that records the order."""
    await connection.execute(
        petitions.insert().values(
            id=draft_id,
            at=now,
            guild_id=guild_id,
            member_id=member_id,
            wants=Want.FORM.value,
            payload=asdict(draft),
        )
    )


async def revise(connection: AsyncConnection, draft_id: str, draft: Draft) -> None:
    """Keep what was filled in, unless an order has come of it meanwhile."""
    await connection.execute(
        update(petitions)
        .where(petitions.c.id == draft_id, petitions.c.used_at.is_(None))
        .values(payload=asdict(draft))
    )


async def read(
    connection: AsyncConnection, draft_id: str, *, guild_id: int, member_id: int
) -> StoredDraft | None:
    """The member's own draft with this id."""
    query = select(petitions.c.payload, petitions.c.at, petitions.c.used_at).where(
        petitions.c.id == draft_id,
        petitions.c.wants == Want.FORM.value,
        petitions.c.guild_id == guild_id,
        petitions.c.member_id == member_id,
    )
    row = (await connection.execute(query)).mappings().one_or_none()
    if row is None:
        return None
    return StoredDraft(draft=_draft(row["payload"]), at=row["at"], used=row["used_at"] is not None)


def _draft(payload: Mapping[str, Any]) -> Draft:
    return Draft(
        picture=None if payload["picture"] is None else SourceFile(**payload["picture"]),
        video=None if payload["video"] is None else SourceFile(**payload["video"]),
        wishes=to_wishes(payload["wishes"]),
        replaceable=payload["replaceable"],
        parent=Parent(**payload["parent"]) if payload["parent"] else None,
    )

"""What is stored about one member: told, handed over, and deleted when they wish so."""

from __future__ import annotations

import asyncio
import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import Any

from sqlalchemy import Select, Table, or_, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from studio.database import jobs, ledger
from studio.equipment import Equipment
from studio.errors import OrderRefused
from studio.moderation.forgetting import Forgetting
from studio.moments import Moment
from studio.motions.tables import motion_uses, motions
from studio.sharing.tables import (
    approvals,
    audit,
    blocks,
    consents,
    copies,
    grants,
    petitions,
    reports,
    tallies,
)
from studio.wishing.tables import habits, picks

MOST_PLAIN_BYTES = 4_000_000
"""Discord takes files of 10 MiB everywhere."""

_NOT_TOLD: Mapping[str, frozenset[str]] = {
    # A key that opens something, or somebody else's name.
    "jobs": frozenset({"interaction_token"}),
    "grants": frozenset({"actor_id"}),
    "blocks": frozenset({"actor_id", "lifted_by"}),
    "approvals": frozenset({"decided_by"}),
    "reports": frozenset({"decided_by", "channel_id", "message_id"}),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """What `/privacy` tells: for how long files and words are kept, and to whom they go.

    `trial`: to nobody, clips are made on our own machine.
    """

    retention_days: float
    provider: str
    trial: bool


class Privacy:
    """The door for members who ask about themselves. Raises `OrderRefused` while the database is away."""

    def __init__(self, equipment: Equipment, forgetting: Forgetting) -> None:
        self._equipment = equipment
        self._forgetting = forgetting

    def promise(self) -> Promise:
        terms = self._equipment.terms
        return Promise(
            retention_days=terms.retention_seconds / 86_400,
            provider=terms.provider_name,
            trial=terms.is_trial,
        )

    async def export(self, member_id: int) -> ExportFile:
        """Everything about the member as one file: JSON, or a ZIP of it where that would be large."""
        now = self._equipment.clock()
        try:
            async with self._equipment.database.read() as connection:
                found = await export(connection, member_id, now=now)
        except SQLAlchemyError as error:
            raise OrderRefused("moderation_busy") from error
        return await asyncio.to_thread(_packed, found)

    async def forget(self, member_id: int) -> bool:
        """Delete everything about the member; False when some has to wait, which goes by itself then."""
        try:
            return await self._forgetting.ask(member_id)
        except SQLAlchemyError as error:
            raise OrderRefused("moderation_busy") from error


@dataclass(frozen=True, slots=True)
class ExportFile:
    name: str
    content: bytes


def _packed(found: Mapping[str, Any]) -> ExportFile:
    text = json.dumps(found, indent=1, ensure_ascii=False).encode()
    if len(text) <= MOST_PLAIN_BYTES:
        return ExportFile("my-data.json", text)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("my-data.json", text)
    return ExportFile("my-data.zip", packed.getvalue())


async def export(connection: AsyncConnection, member_id: int, *, now: datetime) -> dict[str, Any]:
    """Everything about the member in all servers, as plain JSON; moments are ISO 8601, money in usd_micros.

    Who reported the member's clips is not in it, nor which moderator decided what.
    """
    found: dict[str, Any] = {"member_id": str(member_id), "exported_at": now.isoformat()}
    queries: list[tuple[str, Table, Select[Any]]] = [
        ("jobs", jobs, select(jobs).where(jobs.c.member_id == member_id)),
        ("copies", copies, select(copies).where(copies.c.job_id.in_(_jobs_of(member_id)))),
        ("ledger", ledger, select(ledger).where(ledger.c.member_id == member_id)),
        ("shares_used", tallies, select(tallies).where(tallies.c.member_id == member_id)),
        ("grants", grants, select(grants).where(grants.c.member_id == member_id)),
        ("blocks", blocks, select(blocks).where(blocks.c.member_id == member_id)),
        ("consents", consents, select(consents).where(consents.c.member_id == member_id)),
        ("petitions", petitions, select(petitions).where(petitions.c.member_id == member_id)),
        ("picks", picks, select(picks).where(picks.c.member_id == member_id)),
        ("habits", habits, select(habits).where(habits.c.member_id == member_id)),
        ("approvals", approvals, select(approvals).where(approvals.c.member_id == member_id)),
        ("reports_by_me", reports, select(reports).where(reports.c.reporter_id == member_id)),
        ("motions_added", motions, select(motions).where(motions.c.added_by == member_id)),
        ("motions_used", motion_uses, select(motion_uses).where(motion_uses.c.member_id == member_id)),
        ("decisions", audit, select(audit).where(_concerns(member_id))),
    ]
    for name, table, query in queries:
        rows = (await connection.execute(query)).mappings().all()
        found[name] = [_told(table, row, member_id) for row in rows]
    return found


def _jobs_of(member_id: int) -> Select[str]:
    return select(jobs.c.id).where(jobs.c.member_id == member_id)


def _concerns(member_id: int) -> Any:
    return or_(audit.c.actor_id == member_id, audit.c.subject == f"<@{member_id}>")


def _told(table: Table, row: Mapping[Any, Any], member_id: int) -> dict[str, Any]:
    hidden = _NOT_TOLD.get(table.name, frozenset())
    told = {
        column.name: _plain(column.type, row[column.name])
        for column in table.columns
        if column.name not in hidden
    }
    if table is audit and row["actor_id"] != member_id:
        told["actor_id"] = None
    if table is ledger and row["actor"].startswith("member:") and row["actor"] != f"member:{member_id}":
        told["actor"] = "member"
    if table is jobs and row["ending"] is not None:
        told["ending"] = _without_others(row["ending"], f"<@{member_id}>")
    return told


def _without_others(ending: Mapping[str, Any], member: str) -> dict[str, Any]:
    facts = {key: value for key, value in ending["facts"].items() if key != "actor" or value == member}
    return {**ending, "facts": facts}


def _plain(kind: Any, value: Any) -> Any:
    if isinstance(kind, Moment) and value is not None:
        return value.astimezone(UTC).isoformat()
    if isinstance(value, Enum):
        return value.value
    # Discord's ids are larger than what many readers of JSON keep exactly.
    return str(value) if isinstance(value, int) and abs(value) > 2**53 else value

"""Who in a server used how much over a period, as its moderators are told and as a file."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from io import StringIO
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from studio.database import jobs
from studio.ids import first_job_id
from studio.sharing.periods import Period, Span, span_of
from studio.sharing.quotas import Usage
from studio.sharing.tables import tallies as sums
from studio.sharing.tallies import QUARTER_SECONDS, within

THIRTY_DAYS = "thirty_days"

COLUMNS = ("member_id", "member", "clips", "usd")

FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What spreadsheets take for the beginning of a formula, which a member's name must never become."""


@dataclass(frozen=True, slots=True)
class MemberUsage:
    """What one member used; the name is that of their latest order, empty if it is no longer kept.

    `member_id` is negative when the member had everything about them deleted.
    """

    member_id: int
    name: str
    used: Usage

    @property
    def is_forgotten(self) -> bool:
        return self.member_id < 0


def span_named(name: str, now: datetime, zone: ZoneInfo) -> Span:
    """The day, week or month around `now` in the server's zone, or the thirty days up to now."""
    if name == THIRTY_DAYS:
        # To the end of the running quarter of an hour, in which the newest sums are.
        return Span(now - timedelta(days=30), now + timedelta(seconds=QUARTER_SECONDS))
    return span_of(Period(name), now, zone)


async def by_member(connection: AsyncConnection, guild_id: int, span: Span) -> Sequence[MemberUsage]:
    """Whoever used anything that counts, the dearest first; clips under way with what is held for them."""
    clips, money = func.sum(sums.c.clips), func.sum(sums.c.usd_micros - sums.c.forgiven_usd_micros)
    query = (
        select(sums.c.member_id, clips, money)
        .where(
            sums.c.guild_id == guild_id,
            sums.c.member_id != 0,
            within(span),
        )
        .group_by(sums.c.member_id)
        .having((clips != 0) | (money != 0))
        .order_by(money.desc(), clips.desc(), sums.c.member_id)
    )
    rows = (await connection.execute(query)).all()
    names = await _names(connection, guild_id, span)
    return [
        MemberUsage(member_id, names.get(member_id, ""), Usage(int(number), int(spent)))
        for member_id, number, spent in rows
    ]


async def _names(connection: AsyncConnection, guild_id: int, span: Span) -> dict[int, str]:
    # By the ids, which are in the order of time: there is no index over the clips of a server that ended.
    query = (
        select(jobs.c.member_id, jobs.c.member_name)
        .where(
            jobs.c.guild_id == guild_id,
            jobs.c.member_id > 0,
            jobs.c.id >= first_job_id(span.start),
            jobs.c.id < first_job_id(span.end),
        )
        .order_by(jobs.c.id)
    )
    return {member_id: " ".join(name.split()) for member_id, name in await connection.execute(query)}


def sheet(members: Sequence[MemberUsage]) -> bytes:
    """A CSV file with a row for each member and the columns `COLUMNS`; no cell of it is a formula.

    It begins with UTF-8's mark, without which Excel reads names wrongly.
    """
    text = StringIO(newline="")
    written = csv.writer(text)
    written.writerow(COLUMNS)
    for member in members:
        written.writerow(
            (
                "" if member.is_forgotten else member.member_id,
                _harmless(member.name),
                member.used.clips,
                f"{Decimal(member.used.usd_micros) / 1_000_000:f}",
            )
        )
    return text.getvalue().encode("utf-8-sig")


def _harmless(name: str) -> str:
    return f"'{name}" if name.startswith(FORMULA) else name

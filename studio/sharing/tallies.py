"""What has been used, summed up as it happens: by server, by member and over all, in quarters of an hour.

Every entry of the ledger and every clip is booked here in the transaction that writes it, at the moment of
its order, so that a decision adds up a few thousand short rows however long the ledger is. Time zones begin
their days at quarters of an hour, so any period is a whole number of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Select, func, literal, select, union_all
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from studio.models import Job
from studio.sharing.periods import Span
from studio.sharing.quotas import Usage
from studio.sharing.tables import tallies

QUARTER_SECONDS = 900

EVERYBODY = (0, 0)
"""The owner of the sums over all servers."""


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose sums: a member of a server, the whole server (member 0), or all servers (0, 0).

    `with_forgiven`: also the money of clips that do not count, since the operator paid for them all the same.
    """

    guild_id: int
    member_id: int = 0
    with_forgiven: bool = False


async def book(
    connection: AsyncConnection, job: Job, *, clips: int = 0, usd_micros: int = 0, forgiven: int = 0
) -> None:
    """Add to the sums of the job's member, server and all; figures may be negative, money in usd_micros."""
    guild, member = job.place.guild_id, job.order.member.id
    quarter = quarter_of(job.order.ordered_at)
    # Always in this order, so that two transactions cannot wait for each other.
    rows = [
        {
            "guild_id": of_guild,
            "member_id": of_member,
            "quarter": quarter,
            "clips": clips,
            "usd_micros": usd_micros,
            "forgiven_usd_micros": forgiven,
        }
        for of_guild, of_member in dict.fromkeys((EVERYBODY, (guild, 0), (guild, member)))
    ]
    make = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    added = make(tallies).values(rows)
    await connection.execute(
        added.on_conflict_do_update(
            index_elements=[tallies.c.guild_id, tallies.c.member_id, tallies.c.quarter],
            set_={
                name: tallies.c[name] + added.excluded[name]
                for name in ("clips", "usd_micros", "forgiven_usd_micros")
            },
        )
    )


async def used(connection: AsyncConnection, wanted: Sequence[tuple[Owner, Span]]) -> list[Usage]:
    """What each owner used in each span, in the order asked for; one statement for all."""
    if not wanted:
        return []
    queries = [_sum(index, owner, span) for index, (owner, span) in enumerate(wanted)]
    rows = (await connection.execute(union_all(*queries))).mappings().all()
    by_index = {row["index"]: Usage(int(row["clips"]), int(row["money"])) for row in rows}
    return [by_index[index] for index in range(len(wanted))]


def quarter_of(moment: datetime) -> int:
    """The number of the quarter of an hour since 1970."""
    return int(moment.astimezone(UTC).timestamp() // QUARTER_SECONDS)


def _sum(index: int, owner: Owner, span: Span) -> Select[tuple[int, int, int]]:
    money = tallies.c.usd_micros
    counted = money if owner.with_forgiven else money - tallies.c.forgiven_usd_micros
    return select(
        literal(index).label("index"),
        func.coalesce(func.sum(tallies.c.clips), 0).label("clips"),
        func.coalesce(func.sum(counted), 0).label("money"),
    ).where(
        tallies.c.guild_id == owner.guild_id,
        tallies.c.member_id == owner.member_id,
        tallies.c.quarter >= quarter_of(span.start),
        tallies.c.quarter < quarter_of(span.end),
    )

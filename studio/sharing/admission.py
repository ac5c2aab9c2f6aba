"""Whether the limits let an order pass: reads what was used, decides, and holds money, in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from studio import ledger
from studio.aliases import names_of
from studio.database import jobs as job_rows
from studio.database import ledger as ledger_rows
from studio.errors import LimitReached
from studio.ledger import Because
from studio.models import Job, Member
from studio.sharing import grants, servers, tallies
from studio.sharing.periods import Period, Span, span_of
from studio.sharing.quotas import Allotment, Allotments, Cap, Limit, Refusal, members_caps, pool_caps
from studio.sharing.servers import Server
from studio.sharing.tallies import Owner
from studio.texts import moment

_UTC = ZoneInfo("UTC")


async def allotments(
    connection: AsyncConnection,
    server: Server,
    member: Member,
    *,
    now: datetime,
    budget: int | None,
    overruled: bool = False,
) -> Allotments:
    """Every limit that an order of the member meets, and what was used of it.

    `budget` is the operator's monthly cap over all servers in usd_micros; `overruled`: a moderator let
    this order pass the server's own limits.
    """
    always, either = _operators_caps(server, now, budget), list[list[Cap]]()
    if not overruled:
        # Everyone is in the role that has the server's own id; Discord does not list it.
        roles = (*member.role_ids, server.guild_id)
        given = await grants.of_member(
            connection, guild_id=server.guild_id, member_id=member.id, role_ids=roles, now=now
        )
        always += pool_caps(server.policy, now)
        either = members_caps(server.policy, role_ids=roles, grants=given, now=now)
    # One statement for all of them.
    wanted = list(dict.fromkeys([*always, *(cap for share in either for cap in share)]))
    used = await tallies.used(
        connection, [(_owner(cap, server.guild_id, member.id), cap.span) for cap in wanted]
    )
    found = {cap: Allotment(cap, use) for cap, use in zip(wanted, used, strict=True)}
    return Allotments([found[cap] for cap in always], [[found[cap] for cap in share] for share in either])


async def counts_clips(
    connection: AsyncConnection,
    server: Server,
    *,
    role_ids: Sequence[int],
    member_id: int | None,
    now: datetime,
) -> bool:
    """Whether the member, or some member with the roles, has a number of clips to give to or to take from."""
    if member_id is None:
        counted = any(each.share.clips is not None for each in server.policy.allowances)
        return counted or server.guild_id in await grants.servers_with_limits(connection, now)
    roles = (*role_ids, server.guild_id)
    given = await grants.of_member(
        connection, guild_id=server.guild_id, member_id=member_id, role_ids=roles, now=now
    )
    shares = members_caps(server.policy, role_ids=roles, grants=given, now=now)
    return any(cap.counts_clips for share in shares for cap in share)


async def hold(
    connection: AsyncConnection,
    job: Job,
    amount: int,
    *,
    now: datetime,
    because: Because,
    budget: int | None,
    clips: int = 0,
    server: Server | None = None,
) -> None:
    """Bring the job's hold up to `amount` usd_micros, and count `clips` more.

    Raises `LimitReached` when a limit forbids it; nothing is written then. Compare and write cannot be
    separated by another order: on PostgreSQL a lock stands around them, SQLite has one writer. Repeats are
    harmless. `server`: the job's, if it was read in this transaction.
    """
    sheet = await ledger.sheet_of(connection, job.id)
    await ledger.lock(connection)
    more = amount - sheet.held
    if more <= 0 and not clips:
        return
    server = server or await servers.read_rules(connection, job.place.guild_id)
    found = await allotments(
        connection,
        server,
        job.order.member,
        # An order belongs to the period in which it was made, whenever its money moves.
        now=job.order.ordered_at,
        budget=budget,
        overruled=job.order.overruled,
    )
    if not clips:
        found = await _as_ordered(connection, job, found)
    refusal = found.refusal(clips=clips, usd_micros=max(0, more), price=amount)
    if refusal is not None:
        raise limit_reached(refusal)
    await ledger.hold(connection, job, amount, now=now, because=because, clips=clips, sheet=sheet)


async def _as_ordered(connection: AsyncConnection, job: Job, found: Allotments) -> Allotments:
    """The same without the clips that were taken after this one: what its order fitted, it fits still."""

    async def without_later(each: Allotment) -> Allotment:
        if not each.cap.counts_clips or each.left >= 0:
            return each
        later = await _taken_after(connection, job, each.cap.span)
        return replace(each, used=replace(each.used, clips=each.used.clips - later))

    return replace(found, either=[[await without_later(each) for each in share] for share in found.either])


async def _taken_after(connection: AsyncConnection, job: Job, span: Span) -> int:
    """How many clips of the member that count in the span were taken after the job's own.

    Every order's first hold is written when it is taken, one after the other: their numbers say it, which
    neither the orders' moments nor their ids do.
    """
    own = select(ledger_rows.c.id).where(ledger_rows.c.ref == job.id + ledger.FIRST_HOLD)
    query = select(func.count()).where(
        job_rows.c.guild_id == job.place.guild_id,
        job_rows.c.member_id.in_(names_of(job.order.member.id)),
        job_rows.c.counts,
        job_rows.c.created_at >= span.start,
        job_rows.c.created_at < span.end,
        ledger_rows.c.ref == job_rows.c.id + ledger.FIRST_HOLD,
        ledger_rows.c.id > own.scalar_subquery(),
    )
    return int((await connection.execute(query)).scalar_one())


def limit_reached(refusal: Refusal) -> LimitReached:
    """The refusal as the member reads it: with the moment at which it ends, if waiting ends it."""
    facts: dict[str, Any] = {"limit": refusal.cap.most, "left": refusal.left}
    if refusal.returns_at is not None:
        facts["when"] = moment(refusal.returns_at)
    return LimitReached(refusal.cap.limit.value, can_ask=refusal.cap.limit.is_moderators, **facts)


def _operators_caps(server: Server, now: datetime, budget: int | None) -> list[Cap]:
    month = span_of(Period.MONTH, now.astimezone(UTC), _UTC)
    caps = [] if budget is None else [Cap(Limit.BUDGET, budget, month)]
    if server.cap_usd_micros is not None:
        caps.append(Cap(Limit.SERVER_CAP, server.cap_usd_micros, month))
    return caps


def _owner(cap: Cap, guild_id: int, member_id: int) -> Owner:
    if cap.limit is Limit.BUDGET:
        return Owner(*tallies.EVERYBODY, with_forgiven=True)
    if cap.limit is Limit.SERVER_CAP:
        return Owner(guild_id, with_forgiven=True)
    return Owner(guild_id, member_id if cap.is_members else 0)

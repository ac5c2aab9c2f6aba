"""What moderation and shares ask of the database comes out alike on SQLite and on PostgreSQL."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from studio import jobs
from studio.database import Database
from studio.database import jobs as rows
from studio.equipment import because
from studio.errors import OrderRefused
from studio.models import JobState
from studio.moderation import approvals, audit, blocking, docket, petitions, reports, takedowns
from studio.moderation.hearing import Answer, Heard, Hearings
from studio.moderation.petitions import Petition, Want, Wanted
from studio.moderation.questions import Standing, needed
from studio.moderation.reports import ReportState
from studio.moderation.safety import Complaint, Safety
from studio.sharing import admission, blocks, servers, spending, usage
from studio.sharing.blocks import Block
from studio.sharing.periods import Period, span_of
from studio.sharing.policy import Approval, ApprovalMode, Policy
from studio.sharing.rules import Wish, check_member
from tests.builders import FixedClock, a_job, an_order
from tests.bureau import Bells
from tests.pool_world import LEAST, equipment_on, set_rules

SERVER, MEMBER, MODERATOR = 1, 10, 99
ASKING = Policy(approval=Approval(mode=ApprovalMode.EVERYONE, channel_id=5))


async def waiting(database: Database, clock: FixedClock, **order: Any) -> str:
    """A job that waits for its moderators' answer; return its id."""
    job = await a_job(database, JobState.PREPARING, at=clock(), **order)
    async with database.write() as connection:
        await jobs.move(connection, job, JobState.PENDING_APPROVAL, now=clock())
        await approvals.put(connection, needed(ASKING, job.order, LEAST, clock()))
    return job.id


async def test_of_many_answers_at_once_one_counts_and_is_recorded_once(
    database: Database, clock: FixedClock
) -> None:
    await set_rules(database, ASKING)
    job_id, hearings = await waiting(database, clock), Hearings(database, Bells(), clock)
    answers = [
        Answer(guild_id=SERVER, actor_id=MODERATOR + each, state=Standing.APPROVED, price=LEAST)
        for each in range(4)
    ]

    heard = await asyncio.gather(*(hearings.answer(job_id, each) for each in answers))

    async with database.read() as connection:
        found = [entry.action for _, entry in await audit.newest(connection, SERVER)]
    assert sorted(each.heard for each in heard) == [Heard.APPROVED, *[Heard.TOO_LATE] * 3]
    assert found == ["request_approved"]


async def test_a_block_rouses_what_waits_holds_and_is_lifted_with_its_history(
    database: Database, clock: FixedClock
) -> None:
    own, other = await waiting(database, clock), await waiting(database, clock, member_id=11)
    new = Block(
        id="b1", at=clock(), guild_id=SERVER, member_id=MEMBER, actor_id=MODERATOR, reason="rude",
        until=clock() + timedelta(days=2),
    )  # fmt: skip

    async with database.write() as connection:
        roused = await blocking.block(connection, new, job_id=own)
        held = await servers.read(connection, SERVER, clock())
        lifted = await blocks.lift(connection, SERVER, MEMBER, by=MODERATOR, now=clock())
        free = await servers.read(connection, SERVER, clock())
        [past] = await blocks.history(connection, SERVER, MEMBER)
        [(_, entry)] = await audit.newest(connection, SERVER)
        left = await approvals.waiting_of(connection, guild_id=SERVER, member_id=11)

    assert (roused, left) == ([own], [other])
    assert held.is_blocked(MEMBER, clock())
    assert (lifted, free.is_blocked(MEMBER, clock())) == (1, False)
    assert (past.reason, past.lifted_by) == ("rude", MODERATOR)
    assert (entry.action, entry.job_id, entry.subject) == ("blocked", own, f"<@{MEMBER}>")


async def test_reports_are_filed_once_listed_by_urgency_and_decided_once(
    database: Database, clock: FixedClock
) -> None:
    safety = Safety(equipment_on(database, clock=clock), Bells())
    job = await a_job(database)
    calm = Complaint(guild_id=SERVER, job_id=job.id, reporter_id=5, reason="dull")
    await asyncio.gather(*(safety.report(calm) for _ in range(3)), return_exceptions=True)
    clock.tick(1)
    await safety.report(replace(calm, reporter_id=6, reason="me", urgent=True))
    listed = [report for report, _ in await safety.undecided(SERVER)]

    results = await asyncio.gather(
        *(
            safety.decide(listed[0].id, state, guild_id=SERVER, by=MODERATOR)
            for state in (ReportState.DISMISSED, ReportState.DISMISSED, ReportState.BLOCKED)
        ),
        return_exceptions=True,
    )
    async with database.write() as connection:
        await takedowns.mark(connection, job.id, by=MODERATOR, named=True, now=clock())
        after = await reports.of_job(connection, job.id)
        unposted = await reports.unposted(connection)

    assert [report.reason for report in listed] == ["me", "dull"]
    assert sum(isinstance(each, OrderRefused) for each in results) == 2
    assert ReportState.DELETED in {report.state for report in after}
    assert unposted == []


async def test_a_petition_is_used_once_and_swept_when_it_is_old(
    database: Database, clock: FixedClock
) -> None:
    order = an_order()
    wanted = Wanted(picture=order.picture, video=order.video, wishes=order.wishes, overruled=True)
    kept = Petition(
        id="p", at=clock(), guild_id=SERVER, member_id=MEMBER, wants=Want.MODERATOR, wanted=wanted
    )

    async with database.write() as connection:
        await petitions.add(connection, kept)
        found = await petitions.read(connection, "p")
        used = [await petitions.use(connection, "p", "job1", clock()) for _ in range(2)]
        await petitions.sweep(connection, clock() + petitions.KEPT + timedelta(seconds=1))
        gone = await petitions.read(connection, "p")

    assert found == kept
    assert used == [True, False]
    assert gone is None


async def test_the_record_is_read_in_pages_and_told_once(database: Database, clock: FixedClock) -> None:
    async with database.write() as connection:
        for number in range(5):
            clock.tick(1)
            await audit.add(
                connection,
                audit.Entry(at=clock(), guild_id=SERVER, actor_id=MODERATOR, action=f"a{number}"),
            )

    async with database.write() as connection:
        first = await audit.newest(connection, SERVER, limit=2)
        second = await audit.newest(connection, SERVER, limit=2, before=first[-1][0])
        untold = await audit.untold(connection, but_not_of=[7])
        told = [await audit.mark_told(connection, untold[0][0], clock()) for _ in range(2)]
        left = await audit.untold(connection)

    assert [entry.action for _, entry in (*first, *second)] == ["a4", "a3", "a2", "a1"]
    assert [entry.action for _, entry in untold] == ["a0", "a1", "a2", "a3", "a4"]
    assert (told, len(left)) == ([True, False], 4)


@pytest.mark.parametrize("forgiven", [False, True])
async def test_who_used_what_and_what_the_operator_paid(
    database: Database, clock: FixedClock, forgiven: bool
) -> None:
    await set_rules(database, Policy(), cap=10 * LEAST)
    job = await a_job(database, at=clock())
    async with database.write() as connection:
        why = because("ordered")
        await admission.hold(connection, job, LEAST, now=clock(), because=why, budget=None, clips=1)
        if forgiven:
            await admission.tallies.book(connection, job, clips=-1, forgiven=LEAST)

    async with database.read() as connection:
        month = span_of(Period.MONTH, clock(), Policy().zone)
        members = await usage.by_member(connection, SERVER, month)
        overview = await spending.overview(connection, clock(), budget=None)

    assert [(each.member_id, each.used.clips) for each in members] == ([] if forgiven else [(MEMBER, 1)])
    assert overview.month.usd_micros == LEAST
    assert [(each.guild_id, each.cap_usd_micros) for each in overview.servers] == [(SERVER, 10 * LEAST)]
    assert overview.jobs == {JobState.RECEIVED: 1}


async def test_clips_under_way_and_ended_are_listed_for_their_own_server(
    database: Database, clock: FixedClock
) -> None:
    own = [(await a_job(database)).id for _ in range(3)]
    await a_job(database, guild_id=2)
    async with database.write() as connection:
        over = {"state": JobState.FAILED, "ended_at": clock()}
        await connection.execute(update(rows).where(rows.c.id == own[2]).values(**over))

    async with database.read() as connection:
        first = await docket.under_way(connection, SERVER, limit=1)
        rest = await docket.under_way(connection, SERVER, limit=9, after=first[0].job_id)
        history = await approvals.history_of(connection, guild_id=SERVER, member_id=MEMBER)

    assert [each.job_id for each in (*first, *rest)] == own[:2]
    assert (history.made, history.failed) == (0, 1)


async def test_nobody_passes_for_unblocked_where_blocks_were_not_read(
    database: Database, clock: FixedClock
) -> None:
    async with database.read() as connection:
        rules = await servers.read_rules(connection, SERVER)

    with pytest.raises(AssertionError, match="was not read"):
        rules.is_blocked(MEMBER, clock())


async def test_nobody_orders_where_blocks_were_not_read(database: Database, clock: FixedClock) -> None:
    async with database.read() as connection:
        server = await servers.read_rules(connection, SERVER)
    wish = Wish(guild_id=SERVER, channel_id=1, member_id=MEMBER, role_ids=tuple, texts=())

    with pytest.raises(AssertionError, match="was not read"):
        check_member(server, wish, clock())

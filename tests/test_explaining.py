"""The operator says which render belongs to an order; whatever they say, the books are right afterwards."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import func, select

from providers.sandbox import Fate, Fault
from providers.sandbox.faults import Reset
from studio import asides, explaining, ledger, twins
from studio.attempts import NEVER_APPEARED, AttemptState, begin, by_token, finish, set_aside
from studio.database import Database, attempts
from studio.database import ledger as entries
from studio.explaining import Explained, NotExplained
from studio.ledger import Because
from studio.models import JobState
from studio.sharing import tallies
from studio.sharing.periods import Period, span_of
from studio.sharing.tallies import Owner
from tests.builders import FixedClock, a_job
from tests.studio_world import CHARGE, QUICK, World, studio_at_work


@pytest.fixture(autouse=True)
def _eager(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(twins, "LOOK_SECONDS", 0.1)


@asynccontextmanager
async def disputed(folder: Path, **options: Any) -> AsyncIterator[tuple[World, str]]:
    """A studio with an order for which two renders were made, and neither is known to be its own."""
    async with studio_at_work(folder, **options) as world:
        world.sandbox.faults.add(Fate(twin=True), Fault(on="submit", reset=Reset.AFTER, processed=True))
        job_id = await world.order("lost")
        await world.eventually(lambda: world.operator.about("unexplained"))
        yield world, job_id


async def booked_besides(world: World) -> list[tuple[str, int, int, int]]:
    async with world.database.read() as connection:
        query = select(
            entries.c.kind, entries.c.amount_usd_micros, entries.c.guild_id, entries.c.member_id
        ).where(entries.c.kind.in_(["extra", "extra_back"]))
        return [tuple(row) for row in await connection.execute(query.order_by(entries.c.id))]


async def budget_used(world: World) -> int:
    """What counts towards the operator's monthly budget, in usd_micros."""
    month = span_of(Period.MONTH, world.now(), ZoneInfo("UTC"))
    async with world.database.read() as connection:
        [usage] = await tallies.used(connection, [(Owner(*tallies.EVERYBODY, with_forgiven=True), month)])
    return usage.usd_micros


async def test_the_render_that_the_operator_names_is_delivered_and_its_twin_is_theirs(
    tmp_path: Path, database: Database
) -> None:
    async with disputed(tmp_path, database=database) as (world, job_id):
        [question] = await explaining.questions(world.database, now=world.now())
        mine = question.candidates[1]

        outcome = await explaining.adopt(world.database, job_id, mine, now=world.now())

        assert outcome is Explained.RENDERING
        assert question.is_disputed
        assert set(question.candidates) == set(world.renders_of("lost"))
        await world.check(renders_more=1)
        assert (await world.job(job_id)).provider_job_id == mine
        assert world.outcome(job_id) == "clip"
        assert await booked_besides(world) == [("extra", CHARGE, 0, 0)]
        assert await budget_used(world) == 2 * CHARGE
        assert (await world.job(job_id)).cost_usd_micros in (None, CHARGE)
        await world.eventually(lambda: not world.operator.about("unexplained"))
        assert await explaining.questions(world.database, now=world.now()) == []


async def test_an_order_none_of_the_renders_is_sent_again(tmp_path: Path, database: Database) -> None:
    async with disputed(tmp_path, database=database) as (world, job_id):
        strangers = set(world.renders_of("lost"))

        outcome = await explaining.disown(world.database, job_id, now=world.now())

        job = await world.until_closed(job_id)
        assert outcome is Explained.QUEUED
        assert world.outcome(job_id) == "clip"
        assert {job.provider_job_id} == set(world.renders_of("lost")) - strangers
        assert len(world.sandbox.seen("submit")) == 2
        # Two renders were somebody else's, as far as the operator knows.
        assert await world.ledger_sum() == CHARGE
        assert await booked_besides(world) == []


async def test_an_order_that_its_member_wants_gone_is_not_sent_again(tmp_path: Path) -> None:
    async with disputed(tmp_path) as (world, job_id):
        await world.cancel(job_id)

        outcome = await explaining.disown(world.database, job_id, now=world.now())

        await world.until_closed(job_id)
        assert outcome is Explained.CANCELLED
        assert world.outcome(job_id) == "cancelled"
        assert await world.ledger_sum() == 0


async def test_an_order_that_was_given_up_is_still_delivered_when_the_operator_names_its_render(
    tmp_path: Path,
) -> None:
    async with disputed(tmp_path, waits=replace(QUICK, give_up_render=2.5)) as (world, job_id):
        await world.until_closed(job_id)
        told = world.outcome(job_id)
        [question] = await explaining.questions(world.database, now=world.now())

        outcome = await explaining.adopt(world.database, job_id, question.candidates[0], now=world.now())

        await world.until_in(job_id, JobState.DELIVERED)
        # What it was made of was deleted when the order was closed.
        await world.check(messages=2, renders_more=1, inputs_kept=False)
        assert (told, outcome) == ("order_unexplained", Explained.LATE)
        assert question.job.state is JobState.FAILED
        assert world.outcome(job_id) == "clip"
        assert await world.ledger_sum() == 2 * CHARGE


async def test_what_was_booked_for_an_order_that_was_given_up_is_written_off(tmp_path: Path) -> None:
    async with disputed(tmp_path, waits=replace(QUICK, give_up_render=2.5)) as (world, job_id):
        await world.until_closed(job_id)
        await world.check(renders_more=1)

        outcome = await explaining.disown(world.database, job_id, now=world.now())

        assert outcome is Explained.WRITTEN_OFF
        assert await world.ledger_sum() == 0
        assert (await world.job(job_id)).state is JobState.FAILED
        assert await explaining.questions(world.database, now=world.now()) == []


async def test_what_cannot_be_right_changes_nothing(tmp_path: Path) -> None:
    async with disputed(tmp_path, max_concurrent_jobs=1) as (world, job_id):
        later = await world.order("later", member=11)
        others = (await world.until_closed(later)).provider_job_id
        assert others is not None
        before = await world.job(job_id)

        for order, render in (("nobody's", "x"), (job_id, others), (later, others)):
            with pytest.raises(NotExplained):
                await explaining.adopt(world.database, order, render, now=world.now())
        with pytest.raises(NotExplained):
            await explaining.disown(world.database, later, now=world.now())

        after = await world.job(job_id)
        assert (after.state, after.provider_job_id) == (before.state, None)
        assert len(await explaining.questions(world.database, now=world.now())) == 1


# ── what was charged besides ────────────────────────────────────────────────────────────────────


async def test_a_second_charge_that_a_webhook_betrays_is_booked_and_so_is_its_refund(tmp_path: Path) -> None:
    async with studio_at_work(tmp_path, webhooks=True) as world:
        world.sandbox.faults.add(Fate(twin=True))
        job_id = await world.order("twice")
        await world.check(renders_more=1)
        [twin] = set(world.renders_of("twice")) - {(await world.job(job_id)).provider_job_id}

        before = await booked_besides(world)

        assert before == [("extra", CHARGE, 0, 0)]
        assert world.outcome(job_id) == "clip"
        assert world.operator.about(twin)


async def test_the_refund_of_a_render_besides_comes_into_the_books(tmp_path: Path) -> None:
    async with disputed(tmp_path, seconds=100) as (world, job_id):
        mine, twin = world.renders_of("lost")
        await explaining.adopt(world.database, job_id, mine, now=world.now())
        await world.eventually(lambda: world.operator.about(f"{twin} is nobody's"))

        world.sandbox.end_from_outside(twin)
        await world.cancel(job_id)

        await world.check()
        assert await booked_besides(world) == [("extra", CHARGE, 0, 0), ("extra_back", -CHARGE, 0, 0)]
        assert await budget_used(world) == 0
        assert not world.operator.about(f"{twin} is nobody's")


async def test_a_webhook_about_a_render_that_does_not_exist_books_nothing(tmp_path: Path) -> None:
    async with studio_at_work(tmp_path, webhooks=True, waits=replace(QUICK, missing=0.3)) as world:
        job_id = await world.order()
        await world.check()
        async with world.database.read() as connection:
            token = (await connection.execute(select(attempts.c.token))).scalar_one()

        await world.engine.studio.ring(token, "job_that_does_not_exist")

        assert world.operator.about("charged twice")
        await world.eventually(lambda: len(world.sandbox.seen("status")) >= 3)
        assert await booked_besides(world) == []
        assert world.outcome(job_id) == "clip"


async def test_none_of_the_renders_leaves_booked_what_an_earlier_attempt_was_charged_for(
    database: Database, clock: FixedClock
) -> None:
    job = await a_job(database, JobState.UNKNOWN)
    async with database.write() as connection:
        await begin(connection, token="first", job_id=job.id, account="test", now=clock())
        await finish(connection, "first", AttemptState.ABANDONED, reason=NEVER_APPEARED, now=clock())
        first = await by_token(connection, "first")
        assert first is not None
        await set_aside(connection, first, ["ghost"], now=clock())
        [ghost] = await asides.of_job(connection, job.id)
        await asides.make_twin(connection, ghost)
        why = Because(actor="test", reason="charged besides")
        await ledger.book_extra(connection, ghost, CHARGE, now=clock(), because=why)
        await begin(connection, token="second", job_id=job.id, account="test", now=clock())
        await finish(connection, "second", AttemptState.DISPUTED, reason="twins", now=clock())
        second = await by_token(connection, "second")
        assert second is not None
        await set_aside(connection, second, ["one", "two"], now=clock())

    [question] = await explaining.questions(database, now=clock())
    outcome = await explaining.disown(database, job.id, now=clock())

    async with database.read() as connection:
        booked = (await connection.execute(select(func.sum(entries.c.amount_usd_micros)))).scalar_one()
        settled = {one.provider_job_id: one.settled for one in await asides.of_job(connection, job.id)}
    assert question.candidates == ("one", "two")
    assert outcome is Explained.QUEUED
    assert booked == CHARGE
    assert settled == {"ghost": False, "one": True, "two": True}

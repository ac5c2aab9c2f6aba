"""Which orders go on after a restore, decided from the database and the provider's list."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import pytest

from studio import attempts, jobs, ledger
from studio.database import Database
from studio.errors import ProviderUnavailable
from studio.ledger import Because
from studio.models import Job, JobState
from studio.ports import RemoteListing, RemoteState
from studio.restoring import Verdict, settle
from tests.builders import FixedClock, an_order

PRICE = 200_000


async def waiting_job(database: Database, now: datetime, *, submitting: bool = False) -> Job:
    """An order with its price on hold, as it was in the backup; with an open attempt if `submitting`."""
    order = an_order(at=now - timedelta(minutes=2))
    async with database.write() as connection:
        await jobs.insert(connection, order)
        job = await jobs.get(connection, order.job_id)
        assert job is not None
        job = await jobs.move(connection, job, JobState.PREPARING, now=now)
        why = Because(actor="test", reason="ordered")
        await ledger.hold(connection, job, PRICE, now=now, because=why)
        job = await jobs.move(connection, job, JobState.QUEUED, now=now)
        if submitting:
            job = await jobs.move(connection, job, JobState.SUBMITTING, now=now)
            assert await attempts.begin(connection, token="t", job_id=job.id, account="a", now=now)
    return job


async def state_of(database: Database, job: Job) -> JobState:
    async with database.read() as connection:
        found = await jobs.get(connection, job.id)
        assert found is not None
        assert await ledger.held_for(connection, job.id) == (0 if found.state.ended else PRICE)
    return found.state


async def nothing() -> AsyncIterator[RemoteListing]:
    for listing in list[RemoteListing]():
        yield listing


def one_render(at: datetime | None) -> AsyncIterator[RemoteListing]:
    async def listed() -> AsyncIterator[RemoteListing]:
        yield RemoteListing(provider_job_id="job_1", state=RemoteState.COMPLETED, model=None, created_at=at)

    return listed()


@pytest.mark.parametrize("submitting", [False, True])
async def test_waiting_orders_of_a_fresh_backup_go_on_when_nothing_was_ordered_since(
    database: Database, clock: FixedClock, submitting: bool
) -> None:
    job = await waiting_job(database, clock(), submitting=submitting)

    verdict = await settle(database, nothing, made_at=clock(), now=clock() + timedelta(minutes=5))

    assert verdict == Verdict(1, 0, ())
    assert await state_of(database, job) is job.state


async def test_waiting_orders_of_an_old_backup_end(database: Database, clock: FixedClock) -> None:
    job = await waiting_job(database, clock())

    verdict = await settle(database, nothing, made_at=clock(), now=clock() + timedelta(minutes=16))

    assert verdict == Verdict(0, 1, ())
    assert await state_of(database, job) is JobState.EXPIRED


@pytest.mark.parametrize("minutes", [None, -1, 3])
async def test_waiting_orders_end_when_there_is_a_render_that_could_be_theirs(
    database: Database, clock: FixedClock, minutes: int | None
) -> None:
    job = await waiting_job(database, clock(), submitting=True)
    created = None if minutes is None else clock() + timedelta(minutes=minutes)

    verdict = await settle(
        database, lambda: one_render(created), made_at=clock(), now=clock() + timedelta(minutes=5)
    )

    assert verdict == Verdict(0, 1, ("job_1",))
    assert await state_of(database, job) is JobState.EXPIRED
    async with database.read() as connection:
        assert await attempts.unexplained_of(connection, job.id) is None


async def test_renders_from_long_before_the_backup_prove_nothing(
    database: Database, clock: FixedClock
) -> None:
    job = await waiting_job(database, clock())
    created = clock() - timedelta(hours=1)

    verdict = await settle(database, lambda: one_render(created), made_at=clock(), now=clock())

    assert verdict == Verdict(1, 0, ())
    assert await state_of(database, job) is JobState.QUEUED


async def test_nothing_is_changed_while_the_list_cannot_be_read(
    database: Database, clock: FixedClock
) -> None:
    async def unreadable() -> AsyncIterator[RemoteListing]:
        raise ProviderUnavailable("502")
        yield

    job = await waiting_job(database, clock())

    with pytest.raises(ProviderUnavailable):
        await settle(database, unreadable, made_at=clock(), now=clock() + timedelta(hours=1))

    assert await state_of(database, job) is JobState.QUEUED

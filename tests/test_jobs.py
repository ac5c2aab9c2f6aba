"""The state machine keeps its promises in both databases."""

from __future__ import annotations

import asyncio
import importlib
from dataclasses import asdict

import pytest
from sqlalchemy import inspect

from studio import jobs
from studio.database import Database, metadata
from studio.models import ENDED, Cancel, Ending, Inputs, JobState, Notice, Orientation
from tests.builders import FixedClock, a_job, an_order


async def test_a_stored_order_reads_back_as_it_was(database: Database) -> None:
    order = an_order(interaction_token="secret", answer_id=5)

    async with database.write() as connection:
        await jobs.insert(connection, order)
        job = await jobs.get(connection, order.job_id)

    assert job is not None
    assert job.order == order
    assert job.state is JobState.RECEIVED


async def test_inputs_and_ending_survive_the_way_through_the_database(
    database: Database, clock: FixedClock
) -> None:
    job = await a_job(database, JobState.PREPARING)
    inputs = Inputs(
        picture_key="p",
        video_key="v",
        picture_thumbnail_key="pt",
        video_thumbnail_key="vt",
        seconds=4.5,
        has_sound=True,
        orientation=Orientation.IMAGE,
        notices=(Notice("notice_video_trimmed", {"a": 1}),),
    )

    async with database.write() as connection:
        job = await jobs.amend(connection, job, inputs=inputs)
        await jobs.move(connection, job, JobState.FAILED, now=clock(), ending=Ending("x", {"limit": 3}, 7))
        read = await jobs.get(connection, job.id)

    assert read is not None
    assert read.inputs == inputs
    assert read.ending == Ending("x", {"limit": 3}, 7)


async def test_of_two_hands_with_the_same_job_only_one_moves_it(
    database: Database, clock: FixedClock
) -> None:
    job = await a_job(database, JobState.QUEUED)

    async def move() -> bool:
        try:
            async with database.write() as connection:
                await jobs.move(connection, job, JobState.SUBMITTING, now=clock())
        except jobs.Outrun:
            return False
        return True

    won = await asyncio.gather(*(move() for _ in range(8)))

    assert sum(won) == 1


async def test_a_move_that_the_machine_does_not_have_is_refused(
    database: Database, clock: FixedClock
) -> None:
    job = await a_job(database, JobState.QUEUED)

    async with database.write() as connection:
        with pytest.raises(ValueError, match="no way"):
            await jobs.move(connection, job, JobState.DELIVERED, now=clock())


def test_nothing_leaves_an_ended_state_but_a_render_that_comes_late() -> None:
    ways_out = [(here, there) for here in ENDED for there in JobState if jobs.may_move(here, there)]

    assert ways_out == [(JobState.FAILED, JobState.FETCHING)]


def test_every_unended_state_can_end_badly_and_reach_delivery() -> None:
    for state in set(JobState) - ENDED:
        reachable, frontier = {state}, {state}
        while frontier:
            frontier = {
                there for here in frontier for there in JobState if jobs.may_move(here, there)
            } - reachable
            reachable |= frontier

        assert JobState.DELIVERED in reachable, state
        assert all(jobs.may_move(state, end) for end in jobs.BAD_ENDS), state


async def test_a_withdrawn_job_stops_the_worker_that_still_had_it(
    database: Database, clock: FixedClock
) -> None:
    job = await a_job(database, JobState.PREPARING)

    async with database.write() as connection:
        assert await jobs.withdraw(connection, job.id, ending=Ending("cancelled"), now=clock())

    with pytest.raises(jobs.Outrun):
        async with database.write() as connection:
            await jobs.move(connection, job, JobState.QUEUED, now=clock())


async def test_a_job_at_the_provider_cannot_be_withdrawn_but_the_wish_is_noted(
    database: Database, clock: FixedClock
) -> None:
    job = await a_job(database, JobState.RENDERING)

    async with database.write() as connection:
        assert not await jobs.withdraw(connection, job.id, ending=Ending("cancelled"), now=clock())
        assert await jobs.ask_cancel(connection, job.id)
        # The worker's own copy is still good: what the provider answers is never lost to a wish.
        moved = await jobs.move(connection, job, JobState.FETCHING, now=clock())
        read = await jobs.get(connection, job.id)

    assert moved.version == job.version + 1
    assert read is not None
    assert read.cancel is Cancel.ASKED


async def test_progress_is_only_ever_raised(database: Database) -> None:
    job = await a_job(database)

    async with database.write() as connection:
        for permille in (100, 400, 300):
            await jobs.raise_progress(connection, job.id, permille)
        read = await jobs.get(connection, job.id)

    assert read is not None
    assert read.progress == 400


async def test_the_migrations_make_exactly_the_tables_of_the_code(database: Database) -> None:
    async with database.read() as connection:
        made = await connection.run_sync(
            lambda sync: {
                table: {column["name"] for column in inspect(sync).get_columns(table)}
                for table in inspect(sync).get_table_names()
                if table != "alembic_version"
            }
        )

    for room in ("motions", "sharing", "wishing"):
        importlib.import_module(f"studio.{room}.tables")
    assert made == {table.name: {column.name for column in table.columns} for table in metadata.sorted_tables}


def test_secrets_of_a_place_stay_out_of_its_repr() -> None:
    order = an_order(interaction_token="very-secret")

    assert "very-secret" not in repr(order)
    assert asdict(order)["place"]["interaction_token"] == "very-secret"

"""`/studio jobs`: what is under way and what ended, and any of it cancelled by a moderator."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from simcord import InteractionResult
from sqlalchemy import update
from structlog.testing import capture_logs

from studio import jobs
from studio.database import jobs as jobs_table
from studio.ids import first_job_id, new_job_id
from studio.models import CancelAnswer, Job, JobState
from studio.moderation import audit
from studio.moderation.audit import Entry
from tests.bureau import Bureau, a_button, open_bureau, texts_of


@pytest.fixture
async def bureau(tmp_path: Path) -> AsyncIterator[Bureau]:
    async with open_bureau(tmp_path, max_jobs_per_member=20, max_jobs_per_server=20) as bureau:
        yield bureau


async def listed(bureau: Bureau) -> tuple[InteractionResult, str]:
    """Use the command as a moderator; return the answer and everything that it says."""
    world = bureau.world
    result = await world.slash(world.moderator, world.clips, "studio jobs")
    await world.eventually(lambda: "Clips under way" in shown(bureau, result))
    return result, shown(bureau, result)


def shown(bureau: Bureau, result: InteractionResult) -> str:
    return texts_of(panel(bureau, result))


def panel(bureau: Bureau, result: InteractionResult) -> dict[str, Any]:
    """The answer as its moderator sees it now."""
    world = bureau.world
    assert result.response is not None
    said = world.messages(world.clips.id, viewer=world.moderator)
    return next(message for message in said if int(message["id"]) == result.response.message.id)


async def recorded(bureau: Bureau) -> list[Entry]:
    async with bureau.database.read() as connection:
        return [entry for _, entry in await audit.newest(connection, bureau.world.guild.id)]


async def in_state(bureau: Bureau, job: Job, state: JobState, **values: Any) -> None:
    async with bureau.database.write() as connection:
        await connection.execute(
            update(jobs_table).where(jobs_table.c.id == job.id).values(state=state, **values)
        )


async def test_running_and_ended_clips_are_told_with_their_member_place_and_state(bureau: Bureau) -> None:
    ended = await bureau.ordered()
    await in_state(bureau, ended, JobState.DELIVERED, ended_at=bureau.studio.now(), cost_usd_micros=250_000)
    running = await bureau.ordered()

    result, said = await listed(bureau)

    assert result.response is not None
    assert result.response.ephemeral
    before, _, after = said.partition("### Ended in the last days")
    assert (
        f"<@{bureau.world.member.id}> in <#{bureau.world.clips.id}> · **just ordered**, last change <t:"
        in before
    )
    assert f"/{bureau.world.clips.id}/{running.place.answer_id})" in before
    assert f"v1:halt:{running.id}" in before
    assert "delivered <t:" in after
    assert "$0.25" in after
    assert f"v1:halt:{ended.id}" not in said


async def test_a_moderators_cancel_ends_the_clip_is_recorded_and_shown(bureau: Bureau) -> None:
    job = await bureau.ordered()
    result, _ = await listed(bureau)

    await bureau.world.click(bureau.world.moderator, panel(bureau, result), f"v1:halt:{job.id}")
    await bureau.world.eventually(lambda: f"v1:halt:{job.id}" not in shown(bureau, result))

    assert (await bureau.job(job.id)).state is JobState.CANCELLED
    (entry,) = await recorded(bureau)
    assert (entry.action, entry.actor_id, entry.job_id) == (
        "clip_cancelled",
        bureau.world.moderator.id,
        job.id,
    )
    assert entry.subject == f"<@{bureau.world.member.id}>"


async def test_a_moderators_cancel_from_before_a_restart_still_counts_and_only_for_moderators(
    bureau: Bureau,
) -> None:
    world, job = bureau.world, await bureau.ordered()
    result, _ = await listed(bureau)
    await bureau.restart()
    seen = await a_button(bureau, f"v1:halt:{job.id}")

    with capture_logs() as logs:
        refused = [
            await world.click(each, seen, f"v1:halt:{job.id}") for each in (world.member, world.stranger)
        ]
    untouched = (await bureau.job(job.id)).state
    await world.click(world.moderator, panel(bureau, result), f"v1:halt:{job.id}")
    await world.eventually(lambda: f"v1:halt:{job.id}" not in shown(bureau, result))

    for each in refused:
        assert each.response is not None
        assert "Only moderators may do that here." in each.response.content
    assert [entry["event"] for entry in logs] == ["not_permitted"] * 2
    assert untouched is JobState.RECEIVED
    assert (await bureau.job(job.id)).state is JobState.CANCELLED


async def test_asking_the_provider_twice_is_recorded_once_and_a_members_own_cancel_never(
    bureau: Bureau,
) -> None:
    theirs, own = await bureau.ordered(), await bureau.ordered()
    await in_state(bureau, theirs, JobState.RENDERING)

    answers = [
        await bureau.studio.cancel(theirs.id, member_id=bureau.world.moderator.id, is_moderator=True)
        for _ in range(2)
    ]
    await bureau.studio.cancel(own.id, member_id=bureau.world.member.id, is_moderator=False)

    assert answers == [CancelAnswer.ASKED, CancelAnswer.ASKED]
    assert [entry.job_id for entry in await recorded(bureau)] == [theirs.id]


async def test_a_clip_of_another_server_is_neither_shown_nor_cancelled(bureau: Bureau) -> None:
    job = await bureau.ordered()
    result, _ = await listed(bureau)
    async with bureau.database.write() as connection:
        await connection.execute(update(jobs_table).values(guild_id=7))

    await bureau.world.click(bureau.world.moderator, panel(bureau, result), f"v1:halt:{job.id}")
    await bureau.world.eventually(lambda: "No clip is under way" in shown(bureau, result))

    assert (await bureau.job(job.id)).state is JobState.RECEIVED
    assert await recorded(bureau) == []


async def test_more_clips_than_fit_are_reached_page_by_page(bureau: Bureau) -> None:
    first = await bureau.ordered()
    now = bureau.studio.now()
    others = [replace(first.order, job_id=new_job_id(now)) for _ in range(11)]
    async with bureau.database.write() as connection:
        for order in others:
            await jobs.insert(connection, order)
    ids = sorted([first.id, *(order.job_id for order in others)])

    result, said = await listed(bureau)
    await bureau.world.click(bureau.world.moderator, panel(bureau, result), f"v1:jobs:{ids[9]}")
    await bureau.world.eventually(lambda: f"v1:halt:{ids[11]}" in shown(bureau, result))

    assert all(f"v1:halt:{job_id}" in said for job_id in ids[:10])
    assert f"v1:halt:{ids[10]}" not in said
    assert f"v1:halt:{ids[0]}" not in shown(bureau, result)


def test_the_first_id_of_a_moment_stands_before_all_of_its_ids(bureau: Bureau) -> None:
    now = bureau.studio.now()

    assert first_job_id(now) <= new_job_id(now)
    assert len(first_job_id(now)) == len(new_job_id(now))

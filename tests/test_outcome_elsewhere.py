"""A clip that the thread did not take stands in the channel: every link, edit and deletion goes there."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from cogs.bench import report_text
from studio import jobs
from studio.database import jobs as rows
from studio.delivery import Delivery
from studio.errors import OrderRefused
from studio.models import Ending, Job, JobState
from studio.moderation import docket
from studio.moderation.reports import Report
from studio.results.encores import not_kept
from tests.bureau import UNUSED, Bureau, a_clip, open_bureau, placed, texts_of
from tests.finished import finished, told
from tests.test_jobs_command import listed


@pytest.fixture
async def bureau(tmp_path: Path) -> AsyncIterator[Bureau]:
    async with open_bureau(tmp_path) as bureau:
        yield bureau


async def delivered_above(bureau: Bureau) -> Job:
    """A clip whose thread was deleted before it came, brought home by the real step."""
    job = await finished(bureau)
    bureau.world.discord.delete_channel(job.place.talk_id)
    async with bureau.database.write() as connection:
        back = {"state": JobState.DELIVERING, "ended_at": None, "closed_at": None, "outcome_id": None}
        await connection.execute(update(rows).where(rows.c.id == job.id).values(**back))
    bureau.world.discord._nonces.clear()
    await Delivery(bureau.equipment, UNUSED, UNUSED).deliver(await bureau.job(job.id))
    return await bureau.job(job.id)


def link_of(bureau: Bureau, job: Job) -> str:
    guild = bureau.world.guild.id
    return f"https://discord.com/channels/{guild}/{bureau.world.clips.id}/{job.place.outcome_id}"


async def test_the_list_leads_to_it(bureau: Bureau) -> None:
    job = await delivered_above(bureau)

    assert job.state is JobState.DELIVERED
    assert link_of(bureau, job) in texts_of(await listed(bureau))


async def test_what_is_made_of_it_leads_to_it(bureau: Bureau) -> None:
    job = await delivered_above(bureau)

    mine = {"guild_id": job.place.guild_id, "member_id": job.order.member.id}
    wanted = await bureau.studio.results.versions.ingredients(job.id, **mine)

    assert wanted.parent is not None
    assert (wanted.parent.channel_id, wanted.parent.message_id) == (
        bureau.world.clips.id,
        job.place.outcome_id,
    )
    assert not_kept(job).facts == OrderRefused("result_not_kept", link=link_of(bureau, job)).facts


async def test_a_copy_of_it_leads_to_it(bureau: Bureau) -> None:
    job = await delivered_above(bureau)
    other: Any = bureau.world.guild.create_text_channel("elsewhere")

    await told(bureau, await bureau.world.slash(bureau.world.member, other, "jobs", show=job.id))

    (shown,) = bureau.posts(other.id)
    assert link_of(bureau, job) in shown["content"]


async def test_moderators_are_led_to_it(bureau: Bureau) -> None:
    job = await delivered_above(bureau)
    now = bureau.studio.now()
    report = Report(
        id="r", at=now, guild_id=bureau.world.guild.id, job_id=job.id, reporter_id=1, reason="rude"
    )

    async with bureau.database.read() as connection:
        (case,) = await docket.ended(connection, bureau.world.guild.id, now=now, limit=5)

    assert link_of(bureau, job) in report_text(report, job)
    assert (case.talk_id, case.message_id) == (bureau.world.clips.id, job.place.outcome_id)


async def test_what_has_no_outcome_yet_leads_to_its_answer_in_the_channel(bureau: Bureau) -> None:
    job = await bureau.opened()
    report = Report(
        id="r",
        at=bureau.studio.now(),
        guild_id=bureau.world.guild.id,
        job_id=job.id,
        reporter_id=1,
        reason="rude",
    )

    assert f"/{bureau.world.clips.id}/{job.place.answer_id}" in report_text(report, job)


async def test_a_takedown_deletes_it_there(bureau: Bureau) -> None:
    job = await delivered_above(bureau)

    await bureau.desk.erase(job)

    (answer,) = bureau.posts(bureau.world.clips.id)
    assert int(answer["id"]) == job.place.answer_id


@pytest.mark.parametrize("known", [True, False])
async def test_a_report_in_the_channel_is_corrected_there(bureau: Bureau, known: bool) -> None:
    job = await bureau.opened()
    bureau.world.discord.delete_channel(job.place.talk_id)
    outcome_id = await bureau.desk.report(job, Ending("result_missing", {}, 250_000))
    channel_id = bureau.desk.landed_in(job) if known else None
    job = placed(job, replace(job.place, outcome_id=outcome_id, outcome_channel_id=channel_id))
    before = len(bureau.calls())

    await bureau.desk.correct(job, Ending("result_missing", {}, 0))

    assert "Nothing was charged" in bureau.posts(bureau.world.clips.id)[1]["content"]
    assert len(bureau.calls()) - before == (1 if known else 2)


async def test_a_clip_of_before_the_column_leads_where_it_always_did(bureau: Bureau) -> None:
    job = await finished(bureau)

    async with bureau.database.read() as connection:
        known = await jobs.get(connection, job.id)

    assert known is not None
    assert known.place.outcome_channel_id is None
    assert f"/{job.place.thread_id}/{job.place.outcome_id}" in texts_of(await listed(bureau))


async def test_a_late_clip_forgets_where_the_report_stood(bureau: Bureau, tmp_path: Path) -> None:
    (tmp_path / "clip.mp4").write_bytes(bytes(1000))
    job = await bureau.opened()
    report_id = await bureau.desk.report(job, Ending("took_too_long", {}, 250_000))
    assert bureau.desk.landed_in(job) == job.place.thread_id
    thread_id = job.place.talk_id
    job = placed(job, replace(job.place, outcome_id=report_id, outcome_channel_id=thread_id))
    bureau.world.discord.delete_channel(thread_id)

    await bureau.desk.deliver(job, a_clip(), tmp_path / "clip.mp4")

    assert bureau.desk.landed_in(job) == bureau.world.clips.id

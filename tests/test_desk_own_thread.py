"""In a job's own thread others' messages may stand, too: each outcome is its own job's, and posted once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from studio.models import Ending, Job, JobState
from tests.bureau import Bureau, a_clip, checking, failed, open_bureau, placed
from tests.finished import finished, told


@pytest.fixture
async def bureau(tmp_path: Path) -> AsyncIterator[Bureau]:
    async with open_bureau(tmp_path) as bureau:
        yield bureau


@pytest.fixture
def clip_file(tmp_path: Path) -> Path:
    (tmp_path / "clip.mp4").write_bytes(bytes(1000))
    return tmp_path / "clip.mp4"


async def opened_inside(bureau: Bureau, job: Job) -> Job:
    """Another order, made in the thread of this one."""
    assert job.place.thread_id is not None
    return await bureau.opened(bureau.world.channel(job.place.thread_id))


async def shown_inside(bureau: Bureau, job: Job) -> None:
    """An older clip that its member has brought back in the thread of this job."""
    older = await finished(bureau)
    thread = bureau.world.channel(job.place.thread_id)
    await told(bureau, await bureau.world.slash(bureau.world.member, thread, "jobs", show=older.id))


def names_in(bureau: Bureau, job: Job) -> list[str]:
    """The files that stand in the job's thread, oldest first."""
    return [file["filename"] for post in bureau.posts(job.place.talk_id) for file in post["attachments"]]


async def test_two_orders_in_one_own_thread_get_a_message_each(bureau: Bureau, clip_file: Path) -> None:
    first = await bureau.opened()
    second = await opened_inside(bureau, first)
    theirs = await bureau.desk.deliver(second, a_clip(), clip_file)
    bureau.world.discord._nonces.clear()

    # Not known to be the first try: it looks for an earlier one's message.
    ours = await bureau.desk.deliver(first, a_clip(), clip_file)
    bureau.world.discord._nonces.clear()
    again = await bureau.desk.deliver(first, a_clip(), clip_file)

    assert ours == again != theirs
    assert names_in(bureau, first) == [f"clip-{second.id}.mp4", f"clip-{first.id}.mp4"]


@pytest.mark.parametrize("other", [opened_inside, shown_inside])
async def test_a_failure_is_told_once_whatever_else_stands_in_the_thread(
    bureau: Bureau, clip_file: Path, other: Any
) -> None:
    first = failed(await bureau.opened())
    second = await other(bureau, first)
    if second is not None:
        await bureau.desk.deliver(second, a_clip(), clip_file)
        await bureau.desk.report(second, Ending("render_failed"))
    bureau.world.discord._nonces.clear()

    ours = await bureau.desk.report(first, Ending("result_missing"))
    bureau.world.discord._nonces.clear()
    again = await bureau.desk.report(first, Ending("result_missing"))

    posts = bureau.posts(first.place.talk_id)
    assert ours == again == int(posts[-1]["id"])
    assert not posts[-1]["attachments"]


async def test_a_clip_that_was_brought_back_into_the_thread_is_not_the_jobs_own(
    bureau: Bureau, clip_file: Path
) -> None:
    job = await bureau.opened()
    await shown_inside(bureau, job)

    await bureau.desk.deliver(job, a_clip(), clip_file)

    assert names_in(bureau, job)[-1] == f"clip-{job.id}.mp4"


async def test_a_report_that_was_not_noted_is_not_taken_for_the_clip(bureau: Bureau, clip_file: Path) -> None:
    job = await bureau.opened()
    await bureau.desk.report(job, Ending("took_too_long"))
    bureau.world.discord._nonces.clear()

    await bureau.desk.deliver(job, a_clip(), clip_file)

    assert names_in(bureau, job) == [f"clip-{job.id}.mp4"]


async def test_a_takedown_in_mid_delivery_deletes_only_the_jobs_own(bureau: Bureau, clip_file: Path) -> None:
    first = await bureau.opened()
    second = await opened_inside(bureau, first)
    await bureau.desk.deliver(first, a_clip(), clip_file)
    await bureau.desk.deliver(second, a_clip(), clip_file)

    await bureau.desk.erase(replace(first, state=JobState.DELIVERING))
    await bureau.desk.erase(replace(first, state=JobState.DELIVERING))

    assert names_in(bureau, first) == [f"clip-{second.id}.mp4"]


async def test_a_takedown_of_a_job_that_failed_deletes_a_clip_that_got_through_but_no_report(
    bureau: Bureau, clip_file: Path
) -> None:
    through, reported = failed(await bureau.opened()), failed(await bureau.opened())
    clip = await bureau.desk.deliver(through, a_clip(), clip_file)
    report = await bureau.desk.report(reported, Ending("result_missing"))
    bureau.world.discord._nonces.clear()
    # Its clip spares it a report.
    assert await bureau.desk.report(through, Ending("result_missing")) == clip

    for job, outcome_id in ((through, clip), (reported, report)):
        await bureau.desk.erase(placed(job, replace(job.place, outcome_id=outcome_id)))

    assert names_in(bureau, through) == []
    assert [int(post["id"]) for post in bureau.posts(reported.place.talk_id)] == [report]


async def test_another_jobs_card_in_the_thread_is_not_the_jobs_own(bureau: Bureau) -> None:
    first = await bureau.opened()
    second = await opened_inside(bureau, first)
    assert first.place.card_id is not None
    bureau.world.discord.delete_message(first.place.talk_id, first.place.card_id)
    # As after a crash between the thread and the card.
    unknown = placed(first, replace(first.place, card_id=None))
    bureau.world.discord._nonces.clear()

    place = await bureau.desk.open(unknown, checking(unknown))

    assert place.card_id not in (first.place.card_id, second.place.card_id)

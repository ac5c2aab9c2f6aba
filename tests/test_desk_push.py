"""Phones ring once for an order at most, and not at all for those who do not want it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from studio import jobs
from studio.database import Database
from studio.database import jobs as jobs_table
from studio.models import Ending, JobState
from tests.builders import a_job
from tests.bureau import Bureau, a_clip, delivered, done, open_bureau, rendering

SILENT = 1 << 12
"""SUPPRESS_NOTIFICATIONS (Discord's documentation, resources/message)."""


@pytest.fixture
async def bureau(tmp_path: Path) -> AsyncIterator[Bureau]:
    async with open_bureau(tmp_path) as bureau:
        yield bureau


def rings(message: dict[str, Any]) -> bool:
    return not message["flags"] & SILENT


async def test_only_the_completion_rings(bureau: Bureau, tmp_path: Path) -> None:
    (tmp_path / "clip.mp4").write_bytes(b"clip")
    job = await bureau.opened()
    await bureau.desk.show(job, rendering(job), urgent=True)
    job = delivered(job, await bureau.desk.deliver(job, a_clip(), tmp_path / "clip.mp4"))
    await bureau.desk.conclude(job, done(job))

    (answer, *_), (card, result) = bureau.posts(bureau.world.clips.id), bureau.posts(job.place.talk_id)

    assert [rings(message) for message in (answer, card, result)] == [False, False, True]
    assert [len(message["mentions"]) for message in (answer, card, result)] == [0, 0, 1]


@pytest.mark.parametrize("ends_well", [True, False])
async def test_who_does_not_want_it_is_neither_mentioned_nor_rung(
    bureau: Bureau, tmp_path: Path, ends_well: bool
) -> None:
    (tmp_path / "clip.mp4").write_bytes(b"clip")
    job = await bureau.opened(notify=False)

    if ends_well:
        await bureau.desk.deliver(job, a_clip(), tmp_path / "clip.mp4")
    else:
        await bureau.desk.report(job, Ending("render_no_person_picture"))

    outcome = bureau.posts(job.place.talk_id)[-1]
    assert not rings(outcome)
    assert outcome["mentions"] == []
    assert "<@" not in outcome["content"]
    assert outcome["content"].startswith("Your clip is ready." if ends_well else "The renderer")


async def test_a_link_instead_of_a_clip_rings_no_more_than_was_asked_for(bureau: Bureau) -> None:
    job = await bureau.opened(notify=False)

    await bureau.desk.deliver(job, a_clip(), None)

    outcome = bureau.posts(job.place.talk_id)[-1]
    assert outcome["content"].startswith("Your clip is ready. It is too large to be posted here; use")
    assert not rings(outcome)


async def test_an_order_from_before_the_choice_existed_is_told_as_it_was(database: Database) -> None:
    old = {
        "prompt": "", "negative_prompt": "", "orientation": None, "keep_sound": True,
        "shot_type": "customize",
    }  # fmt: skip
    job = await a_job(database, JobState.RECEIVED)
    async with database.write() as connection:
        await connection.execute(update(jobs_table).where(jobs_table.c.id == job.id).values(wishes=old))

    async with database.read() as connection:
        found = await jobs.get(connection, job.id)

    assert found is not None
    assert found.order.wishes.notify is True

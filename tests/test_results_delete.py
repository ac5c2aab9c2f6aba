"""Delete below a clip: asked once, done by its member or a moderator, refused to everybody else."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from studio.models import Job
from studio.moderation import audit
from tests.bureau import Bureau, open_bureau
from tests.finished import finished, press, result_of, told


@pytest.fixture
async def bureau(tmp_path: Path) -> AsyncIterator[Bureau]:
    async with open_bureau(tmp_path) as bureau:
        yield bureau


async def delete(bureau: Bureau, who: Any, job: Job) -> str:
    """Press Delete and say yes; return what is told then."""
    asked = await bureau.world.click(who, result_of(bureau, job), f"v1:erase:{job.id}")
    assert "cannot be undone" in await told(bureau, asked)
    return await say_yes(bureau, who, asked, job)


async def say_yes(bureau: Bureau, who: Any, asked: Any, job: Job) -> str:
    question = (asked.response.message.channel.id, asked.response.id)
    sure = await bureau.world.click(who, question, f"v1:erase-sure:{job.id}")
    await bureau.world.eventually(
        lambda: sure.followups or "cannot be undone" not in (asked.response.message.content or "")
    )
    return str(sure.followups[0].content) if sure.followups else ""


@pytest.mark.parametrize("who", ["member", "moderator"])
async def test_messages_files_and_link_go_and_the_channel_says_who(bureau: Bureau, who: str) -> None:
    job = await finished(bureau)
    person = getattr(bureau.world, who)

    await delete(bureau, person, job)
    await bureau.world.eventually(lambda: "removed" in bureau.posts(bureau.world.clips.id)[0]["content"])

    assert bureau.posts(job.place.talk_id) == []
    assert await bureau.equipment.storage.keys(f"jobs/{job.id}") == []
    answer = bureau.posts(bureau.world.clips.id)[0]
    assert answer["content"] == f"Mira's clip was removed by <@{person.id}>."
    assert (await bureau.job(job.id)).removed_at is not None
    async with bureau.database.read() as connection:
        ((_, entry),) = await audit.newest(connection, bureau.world.guild.id)
    assert (entry.action, entry.actor_id) == ("clip_deleted", person.id)


async def test_a_stranger_is_refused_at_both_presses(bureau: Bureau) -> None:
    job = await finished(bureau)
    asked = await bureau.world.click(bureau.world.member, result_of(bureau, job), f"v1:erase:{job.id}")
    await told(bureau, asked)

    said = await press(bureau, bureau.world.stranger, job, "erase")

    assert "Only the member who ordered this clip, or a moderator" in said
    assert len(bureau.posts(job.place.talk_id)) == 2
    assert (await bureau.job(job.id)).removed_at is None


async def test_nothing_goes_before_the_second_press(bureau: Bureau) -> None:
    job = await finished(bureau)

    await press(bureau, bureau.world.member, job, "erase")

    assert len(bureau.posts(job.place.talk_id)) == 2
    assert (await bureau.job(job.id)).removed_at is None


async def test_after_a_restart_and_after_its_time_a_clip_can_be_deleted(bureau: Bureau) -> None:
    job = await finished(bureau)
    async with bureau.database.write() as connection:
        await connection.exec_driver_sql("UPDATE jobs SET purged_at = closed_at")
    await bureau.restart()

    await delete(bureau, bureau.world.member, job)

    await bureau.world.eventually(lambda: not bureau.posts(job.place.talk_id))


async def test_deleted_by_two_it_is_deleted_once(bureau: Bureau) -> None:
    job = await finished(bureau)
    world = bureau.world
    asked = [
        await world.click(who, result_of(bureau, job), f"v1:erase:{job.id}")
        for who in (world.member, world.moderator)
    ]
    for each in asked:
        await told(bureau, each)
    await say_yes(bureau, world.member, asked[0], job)

    said = await say_yes(bureau, world.moderator, asked[1], job)

    assert "taken down already" in said
    async with bureau.database.read() as connection:
        assert len(await audit.newest(connection, world.guild.id)) == 1

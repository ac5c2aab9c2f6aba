"""Picking files, changing a clip, deleting it: in text channel, thread, forum post and voice chat alike."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.bureau import PICTURE, VIDEO, Bureau, open_bureau
from tests.finished import finished, press, result_of, told
from tests.ordering_world import AS_MOTION, AS_PICTURE, chosen, custom_ids, pressed, sent, states, taken

KINDS = ("text", "thread", "forum", "voice")


@pytest.fixture
async def bureau(tmp_path: Path) -> AsyncIterator[Bureau]:
    async with open_bureau(tmp_path, max_jobs_per_member=5) as bureau:
        yield bureau


def place(bureau: Bureau, kind: str) -> Any:
    world = bureau.world
    if kind == "text":
        return world.clips
    if kind == "thread":
        return world.open_thread(world.clips, "talk", by=world.stranger)
    if kind == "forum":
        return world.open_thread(world.guild.create_forum_channel("ideas"), "cats", by=world.stranger)
    return world.guild.create_voice_channel("lounge")


@pytest.mark.parametrize("who", ["member", "stranger"])
@pytest.mark.parametrize("kind", KINDS)
async def test_a_picked_motion_and_a_picked_picture_make_a_clip_there(
    bureau: Bureau, kind: str, who: str
) -> None:
    channel, member = place(bureau, kind), getattr(bureau.world, who)
    for menu, file in ((AS_MOTION, VIDEO), (AS_PICTURE, PICTURE)):
        picked = await chosen(bureau, menu, file, member=member, channel=channel)
        await bureau.world.eventually(lambda picked=picked: custom_ids(picked))

    shown = await pressed(bureau, picked, "v1:form:", member=member)
    await sent(bureau, shown, member=member)

    job = await taken(bureau)
    assert job.place.channel_id == channel.id
    assert job.order.member.id == member.id
    assert (job.order.picture.filename, job.order.video.filename) == (PICTURE[0], VIDEO[0])


@pytest.mark.parametrize("kind", KINDS)
async def test_a_clip_is_changed_there_by_its_member_alone(bureau: Bureau, kind: str) -> None:
    first = await finished(bureau, place(bureau, kind))
    refused = await press(bureau, bureau.world.stranger, first, "change")

    shown = await bureau.world.click(bureau.world.member, result_of(bureau, first), f"v1:change:{first.id}")
    before = len(bureau.bells.woken)
    await sent(bureau, shown, prompt="a desert")

    second = await taken(bureau, before)
    assert "Only the member who ordered this clip" in refused
    assert len(await states(bureau)) == 2
    assert second.order.wishes.prompt == "a desert"
    assert second.place.channel_id == first.place.talk_id
    assert second.order.parent is not None
    assert second.order.parent.job_id == first.id


@pytest.mark.parametrize("who", ["member", "moderator"])
@pytest.mark.parametrize("kind", KINDS)
async def test_a_clip_is_deleted_there_but_by_no_stranger(bureau: Bureau, kind: str, who: str) -> None:
    job = await finished(bureau, place(bureau, kind))
    person, channel_id = getattr(bureau.world, who), job.place.talk_id
    refused = await press(bureau, bureau.world.stranger, job, "erase")
    stood = [int(post["id"]) for post in bureau.posts(channel_id)]

    asked = await bureau.world.click(person, result_of(bureau, job), f"v1:erase:{job.id}")
    await told(bureau, asked)
    question = (asked.response.message.channel.id, asked.response.id)
    await bureau.world.click(person, question, f"v1:erase-sure:{job.id}")

    await bureau.world.eventually(
        lambda: job.place.outcome_id not in [int(post["id"]) for post in bureau.posts(channel_id)]
    )
    assert "or a moderator, can delete it" in refused
    assert job.place.outcome_id in stood
    assert (await bureau.job(job.id)).removed_at is not None

    def answer() -> str:
        posts = bureau.posts(job.place.channel_id)
        return str(next(post["content"] for post in posts if int(post["id"]) == job.place.answer_id))

    await bureau.world.eventually(lambda: f"was removed by <@{person.id}>" in answer())

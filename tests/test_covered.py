"""Explicit words stay in age-restricted channels, and clips are covered where a server wants that."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cogs.gate import is_age_restricted
from studio.errors import OrderRefused
from studio.moderation.explicit import check_words
from studio.sharing import servers
from tests.bureau import Bureau, a_clip, checking, open_bureau, with_inputs


@pytest.fixture
async def bureau(tmp_path: Path) -> AsyncIterator[Bureau]:
    async with open_bureau(tmp_path) as bureau:
        yield bureau


@pytest.mark.parametrize(
    "words",
    [
        "a NUDE woman", "naked, dancing", "without  clothes", "(porn)", "n\u200bude", "ｎｕｄｅ",
        "nu\u00adde", "nude_woman", "no_clothes",
    ],
)  # fmt: skip
def test_explicit_words_are_refused_where_anybody_may_look(words: str) -> None:
    with pytest.raises(OrderRefused):
        check_words(words, age_restricted=False)

    check_words(words, age_restricted=True)


@pytest.mark.parametrize(
    "words", ["a Sussex village", "nudge it", "the nakedgun", "unisex coat", "xxxl shirt"]
)
def test_only_whole_words_count(words: str) -> None:
    check_words(words, age_restricted=False)


async def test_an_explicit_prompt_is_refused_privately_and_nothing_is_stored(bureau: Bureau) -> None:
    refused = await bureau.order(prompt="a nude dancer")

    assert refused.response is not None
    assert refused.response.ephemeral
    assert "age-restricted" in refused.response.content
    assert bureau.bells.woken == []


async def test_an_explicit_prompt_is_taken_in_an_age_restricted_channel_and_in_its_threads(
    bureau: Bureau,
) -> None:
    world = bureau.world
    inside = world.open_thread(world.clips, "inside", by=world.member)
    await world.eventually(lambda: bureau.client.get_channel(inside.id))
    channel: Any = bureau.client.get_channel(world.clips.id)
    channel.nsfw = True

    jobs = [await bureau.ordered(each, prompt="a nude dancer") for each in (world.clips, inside)]
    channel.nsfw = False
    refused = [await bureau.order(channel=each, prompt="a nude dancer") for each in (world.clips, inside)]

    assert [job.order.wishes.prompt for job in jobs] == ["a nude dancer"] * 2
    assert [job.order.wishes.adult for job in jobs] == [True, True]
    for result in refused:
        assert result.response is not None
        assert result.response.ephemeral
        assert "which I only take in age-restricted channels" in result.response.content
    assert len(bureau.bells.woken) == 2


async def test_what_should_not_be_in_the_clip_may_be_named(bureau: Bureau) -> None:
    job = await bureau.ordered(negative_prompt="nudity")

    assert job.order.wishes.negative_prompt == "nudity"


async def test_a_thread_is_as_age_restricted_as_its_channel(bureau: Bureau) -> None:
    opened = bureau.world.open_thread(bureau.world.clips, "inside", by=bureau.world.member)
    await bureau.world.eventually(lambda: bureau.client.get_channel(opened.id))
    channel, thread = (bureau.client.get_channel(each) for each in (bureau.world.clips.id, opened.id))
    before = is_age_restricted(channel), is_age_restricted(thread)

    channel.nsfw = True

    assert before == (False, False)
    assert (is_age_restricted(channel), is_age_restricted(thread)) == (True, True)


async def test_clip_and_thumbnails_are_covered_in_a_spoiler_channel(bureau: Bureau, tmp_path: Path) -> None:
    now = bureau.equipment.clock()
    async with bureau.database.write() as connection:
        server = await servers.read(connection, bureau.world.guild.id, now)
        policy = replace(server.policy, spoiler_channel_ids=(bureau.world.clips.id,))
        await servers.change(connection, server, policy=policy)
    await bureau.servers.refresh(now)
    (tmp_path / "small.jpg").write_bytes(b"small")
    (tmp_path / "clip.mp4").write_bytes(b"clip")

    job = with_inputs(await bureau.opened())
    await bureau.desk.illustrate(job, checking(job), tmp_path / "small.jpg", tmp_path / "small.jpg")
    await bureau.desk.deliver(job, a_clip(), tmp_path / "clip.mp4")

    card, result = bureau.posts(job.place.talk_id)
    gallery = card["components"][0]["components"][1]
    assert [item["spoiler"] for item in gallery["items"]] == [True, True]
    assert result["attachments"][0]["filename"] == f"SPOILER_clip-{job.id}.mp4"

"""Where Discord takes less than the desk would like, the conversation goes on in another way."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from simcord import ChannelHandle

from cogs.room import Rooms
from studio.errors import ClipTooLarge, DeskGone, DeskUnavailable
from studio.models import Ending, Job
from tests.bureau import (
    Bureau,
    a_clip,
    checking,
    delivered,
    done,
    failed,
    open_bureau,
    placed,
    rendering,
    texts_of,
)

MEBIBYTE = 1024 * 1024


@pytest.fixture
async def bureau(tmp_path: Path) -> AsyncIterator[Bureau]:
    async with open_bureau(tmp_path) as bureau:
        yield bureau


@pytest.fixture
def clip_file(tmp_path: Path) -> Path:
    return sized(tmp_path / "clip.mp4", 1000)


def a_text_channel(bureau: Bureau) -> ChannelHandle:
    """Where threads are not allowed."""
    bureau.world.deny(bureau.world.clips, "create_public_threads")
    return bureau.world.clips


def an_existing_thread(bureau: Bureau) -> ChannelHandle:
    return bureau.world.open_thread(bureau.world.clips, "chat", by=bureau.world.stranger)


def a_forum_post(bureau: Bureau) -> ChannelHandle:
    forum = bureau.world.guild.create_forum_channel("ideas")
    return bureau.world.open_thread(forum, "A dancing cat", by=bureau.world.stranger)


def a_voice_chat(bureau: Bureau) -> ChannelHandle:
    return bureau.world.guild.create_voice_channel("Hangout")


@pytest.mark.parametrize("place", [a_text_channel, an_existing_thread, a_forum_post, a_voice_chat])
async def test_where_no_thread_can_be_opened_the_conversation_stays_and_replies_to_the_answer(
    bureau: Bureau, clip_file: Path, place: Any
) -> None:
    channel = place(bureau)

    job = await bureau.opened(channel)
    await bureau.desk.show(job, rendering(job), urgent=True)
    job = delivered(job, await bureau.desk.deliver(job, a_clip(), clip_file))
    await bureau.desk.conclude(job, done(job))

    answer, card, result = bureau.posts(channel.id)
    assert job.place.thread_id is None
    assert [each["message_reference"]["message_id"] for each in (card, result)] == [answer["id"]] * 2
    assert result["attachments"][0]["filename"] == f"clip-{job.id}.mp4"
    assert f"/{channel.id}/{result['id']}" in answer["content"]


@pytest.mark.parametrize("place", [a_text_channel, an_existing_thread])
async def test_two_jobs_in_one_channel_do_not_take_each_others_messages(
    bureau: Bureau, clip_file: Path, place: Any
) -> None:
    channel = place(bureau)
    first, second = await bureau.opened(channel), await bureau.opened(channel)
    bureau.world.discord._nonces.clear()

    ids = [
        await bureau.desk.deliver(first, a_clip(), clip_file),
        await bureau.desk.deliver(second, a_clip(), clip_file),
        await bureau.desk.deliver(first, a_clip(), clip_file),
    ]

    assert first.place.card_id != second.place.card_id
    assert ids[0] == ids[2] != ids[1]


async def test_a_thread_that_we_may_not_write_in_is_left_for_the_channel(bureau: Bureau) -> None:
    bureau.world.deny(bureau.world.clips, "send_messages_in_threads")

    job = await bureau.opened()

    _, card = bureau.posts(bureau.world.clips.id)
    assert job.place.thread_id is None
    assert int(card["id"]) == job.place.card_id


async def test_a_name_that_is_blocked_gives_way_to_a_neutral_one(bureau: Bureau) -> None:
    bureau.world.env.inject_error("POST", "/channels/*/messages/*/threads", status=400, code=200001)

    job = await bureau.opened()

    assert job.place.thread_id is not None
    assert bureau.world.threads()[0].name == "New clip"


async def test_a_very_long_name_is_cut_to_what_discord_takes(bureau: Bureau) -> None:
    await bureau.opened(video=("a_very_long_title" * 12 + ".mp4", b"video"))

    assert 1 <= len(str(bureau.world.threads()[0].name)) <= 100


async def test_where_we_may_not_reply_the_card_is_posted_without(bureau: Bureau) -> None:
    channel = a_text_channel(bureau)
    bureau.world.env.inject_error("POST", "/channels/*/messages", status=400, code=160002)

    job = await bureau.opened(channel)

    _, card = bureau.posts(channel.id)
    assert "message_reference" not in card
    assert int(card["id"]) == job.place.card_id


async def test_when_the_answer_was_deleted_the_card_still_comes(bureau: Bureau) -> None:
    job = await bureau.ordered()
    bureau.world.discord.delete_message(bureau.world.clips.id, job.place.answer_id or 0)

    place = await bureau.desk.open(job, checking(job))

    (card,) = bureau.posts(bureau.world.clips.id)
    sent = next(call for call in reversed(bureau.world.env.http_requests) if call.method == "POST")
    assert place.thread_id is None
    assert int(card["id"]) == place.card_id
    # The simulated Discord does not mind a missing reference; the real one does unless told so.
    assert sent.json is not None
    assert sent.json["message_reference"]["fail_if_not_exists"] is False


@pytest.mark.parametrize(("status", "code"), [(413, 0), (400, 40005), (400, 50045)])
async def test_a_clip_that_discord_refuses_for_its_size_is_reported_with_a_smaller_limit(
    bureau: Bureau, tmp_path: Path, status: int, code: int
) -> None:
    job = await bureau.opened()
    bureau.world.env.inject_error("POST", "/channels/*/messages", status=status, code=code)

    with pytest.raises(ClipTooLarge) as raised:
        await bureau.desk.deliver(job, a_clip(), sized(tmp_path / "big.mp4", 12 * MEBIBYTE))

    assert raised.value.limit == 10 * MEBIBYTE


async def test_even_a_small_clip_gets_a_smaller_limit_when_discord_refuses_its_size(
    bureau: Bureau, tmp_path: Path
) -> None:
    job = await bureau.opened()
    bureau.world.cdn.upload_limit = MEBIBYTE

    with pytest.raises(ClipTooLarge) as raised:
        await bureau.desk.deliver(job, a_clip(), sized(tmp_path / "big.mp4", 4 * MEBIBYTE))

    assert raised.value.limit == 3 * MEBIBYTE


async def test_a_clip_far_above_the_limit_is_not_uploaded_at_all(bureau: Bureau, tmp_path: Path) -> None:
    job = await bureau.opened()
    before = len(bureau.calls())

    with pytest.raises(ClipTooLarge):
        await bureau.desk.deliver(job, a_clip(), sized(tmp_path / "big.mp4", 21 * MEBIBYTE))

    assert bureau.calls()[before:] == []


async def test_a_server_that_has_refused_a_size_is_not_tried_with_it_again(
    bureau: Bureau, tmp_path: Path
) -> None:
    first, second = await bureau.opened(), await bureau.opened()
    clip = sized(tmp_path / "big.mp4", 12 * MEBIBYTE)
    with pytest.raises(ClipTooLarge):
        await bureau.desk.deliver(first, a_clip(), clip)
    before = len(bureau.calls())

    with pytest.raises(ClipTooLarge) as raised:
        await bureau.desk.deliver(second, a_clip(), clip)

    assert raised.value.limit == 10 * MEBIBYTE
    assert bureau.calls()[before:] == []


def test_the_room_for_a_file_follows_boosts_acceptance_and_refusals() -> None:
    rooms = Rooms()

    assert (rooms.of(1, stated=10 * MEBIBYTE).most, rooms.of(1, stated=10 * MEBIBYTE).sure) == (
        20 * MEBIBYTE,
        10 * MEBIBYTE,
    )
    rooms.took(1, rooms.of(1, stated=10 * MEBIBYTE), 15 * MEBIBYTE)
    assert rooms.of(1, stated=10 * MEBIBYTE).sure == 15 * MEBIBYTE
    left = rooms.refused(1, rooms.of(1, stated=10 * MEBIBYTE), 18 * MEBIBYTE)
    assert (left.most, left.sure) == (18 * MEBIBYTE - 1, 15 * MEBIBYTE)
    # The server wins boosts: what was learned before no longer counts.
    boosted = rooms.of(1, stated=50 * MEBIBYTE)
    assert (boosted.most, boosted.sure) == (50 * MEBIBYTE, 50 * MEBIBYTE)
    assert rooms.refused(1, boosted, 48 * MEBIBYTE).sure == 10 * MEBIBYTE


async def test_a_smaller_copy_says_where_the_full_quality_is(bureau: Bureau, tmp_path: Path) -> None:
    job = await bureau.opened()

    await bureau.desk.deliver(job, a_clip(size=5000), sized(tmp_path / "fitted.mp4", 1000))

    result = bureau.posts(job.place.talk_id)[1]
    assert "Made smaller so that it fits here; the button opens it in full quality." in result["content"]


async def test_a_clip_that_cannot_be_attached_comes_as_a_link(bureau: Bureau) -> None:
    job = await bureau.opened()

    await bureau.desk.deliver(job, a_clip(), None)

    result = bureau.posts(job.place.talk_id)[1]
    assert result["attachments"] == []
    assert "too large to be posted here" in result["content"]
    assert "https://video.example.org/output_0.mp4" in texts_of(result)


async def test_a_link_too_long_for_a_button_stands_in_the_text(bureau: Bureau) -> None:
    job = await bureau.opened()
    link = "https://video.example.org/output_0.mp4?signature=" + "s" * 600

    await bureau.desk.deliver(job, a_clip(source_url=link), None)

    result = bureau.posts(job.place.talk_id)[1]
    assert link in result["content"]
    buttons = [button for row in result["components"] for button in row["components"]]
    assert [button["label"] for button in buttons] == ["Run again", "Change", "Share", "Report", "Delete"]


@pytest.mark.parametrize("refusal", ["400001", "attach_files"])
async def test_where_files_are_refused_the_clip_comes_as_a_link(
    bureau: Bureau, clip_file: Path, refusal: str
) -> None:
    job = await bureau.opened()
    if refusal == "attach_files":
        bureau.world.deny(bureau.world.clips, "attach_files")
    else:
        bureau.world.env.inject_error("POST", "/channels/*/messages", status=400, code=400001)

    await bureau.desk.deliver(job, a_clip(), clip_file)

    result = bureau.posts(job.place.talk_id)[1]
    assert result["attachments"] == []
    assert "https://video.example.org/output_0.mp4" in texts_of(result)


async def test_when_the_thread_was_deleted_the_result_goes_to_the_channel(
    bureau: Bureau, clip_file: Path
) -> None:
    job = await bureau.opened()
    thread_id = job.place.talk_id
    bureau.world.discord.delete_channel(thread_id)

    with pytest.raises(DeskGone):
        await bureau.desk.show(job, rendering(job), urgent=True)
    job = delivered(job, await bureau.desk.deliver(job, a_clip(), clip_file))
    await bureau.desk.conclude(job, done(job))

    answer, result = bureau.posts(bureau.world.clips.id)
    assert result["attachments"]
    assert result["message_reference"]["message_id"] == answer["id"]
    assert f"/{bureau.world.clips.id}/{result['id']}" in answer["content"]


async def test_after_a_restart_the_answer_still_links_to_a_result_outside_the_deleted_thread(
    bureau: Bureau, clip_file: Path
) -> None:
    job = await bureau.opened()
    bureau.world.discord.delete_channel(job.place.talk_id)
    job = delivered(job, await bureau.desk.deliver(job, a_clip(), clip_file))
    await bureau.restart()

    await bureau.desk.conclude(job, done(job))

    answer, result = bureau.posts(bureau.world.clips.id)
    assert f"/{bureau.world.clips.id}/{result['id']}" in answer["content"]


async def test_when_the_channel_was_deleted_the_desk_says_so(bureau: Bureau, clip_file: Path) -> None:
    job = await bureau.opened()
    bureau.world.discord.delete_channel(job.place.talk_id)
    bureau.world.discord.delete_channel(bureau.world.clips.id)

    with pytest.raises(DeskGone):
        await bureau.desk.deliver(job, a_clip(), clip_file)
    with pytest.raises(DeskGone):
        await bureau.desk.report(job, Ending("render_failed"))
    with pytest.raises(DeskGone):
        await bureau.desk.conclude(delivered(job, 1), done(job))


async def test_a_deleted_card_does_not_keep_the_result_back(bureau: Bureau, clip_file: Path) -> None:
    job = await bureau.opened()
    assert job.place.card_id is not None
    bureau.world.discord.delete_message(job.place.talk_id, job.place.card_id)

    job = delivered(job, await bureau.desk.deliver(job, a_clip(), clip_file))
    await bureau.desk.conclude(job, done(job))

    (result,) = bureau.posts(job.place.talk_id)
    assert f"/{job.place.thread_id}/{result['id']}" in bureau.posts(bureau.world.clips.id)[0]["content"]


async def test_an_archived_thread_keeps_its_card_and_is_reopened_by_the_result(
    bureau: Bureau, clip_file: Path
) -> None:
    job = await bureau.opened()
    archive(bureau, job)

    await bureau.desk.show(job, rendering(job), urgent=True)
    job = delivered(job, await bureau.desk.deliver(job, a_clip(), clip_file))
    await bureau.desk.conclude(job, done(job))

    card, result = bureau.posts(job.place.talk_id)
    assert result["attachments"]
    assert "Finished after" in texts_of(card)


async def test_the_result_of_a_locked_thread_goes_to_the_channel(bureau: Bureau, clip_file: Path) -> None:
    job = await bureau.opened()
    archive(bureau, job, locked=True)

    job = delivered(job, await bureau.desk.deliver(job, a_clip(), clip_file))
    await bureau.desk.conclude(job, done(job))

    answer, result = bureau.posts(bureau.world.clips.id)
    assert f"/{bureau.world.clips.id}/{result['id']}" in answer["content"]


@pytest.mark.parametrize("status", [500, 503, 429, 401])
async def test_when_discord_is_down_the_desk_asks_to_come_back(bureau: Bureau, status: int) -> None:
    job = failed(await bureau.opened())
    assert job.ending is not None
    bureau.world.env.inject_error("*", "/channels/*", status=status, times=None)

    with pytest.raises(DeskUnavailable) as raised:
        await bureau.desk.report(job, job.ending)
    with pytest.raises(DeskUnavailable):
        await bureau.desk.conclude(job, done(job))

    assert 1 <= raised.value.retry_after <= 300


async def test_an_order_that_was_never_answered_has_no_place(bureau: Bureau) -> None:
    job = await bureau.ordered()
    lost = placed(job, replace(job.place, answer_id=None, interaction_token="unknown"))

    with pytest.raises(DeskGone):
        await bureau.desk.open(lost, checking(job))


async def test_a_private_answer_is_not_taken_for_the_public_one(bureau: Bureau) -> None:
    job = await bureau.ordered()
    bureau.world.discord.messages[bureau.world.clips.id][job.place.answer_id or 0].flags |= 1 << 6
    lost = placed(job, replace(job.place, answer_id=None))

    with pytest.raises(DeskGone):
        await bureau.desk.open(lost, checking(job))


def archive(bureau: Bureau, job: Job, *, locked: bool = False) -> None:
    bureau.world.discord.edit_channel(
        job.place.talk_id, {}, thread_metadata={"archived": True, "locked": locked}
    )


def sized(path: Path, size: int) -> Path:
    with path.open("wb") as file:
        file.truncate(size)
    return path

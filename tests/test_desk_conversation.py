"""The desk shows a job from the thread to the final link, and posts every message once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from cogs.budget import Budget
from cogs.desk import DiscordDesk
from studio.models import Ending, Job, JobState, Notice
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
    with_inputs,
)


@pytest.fixture
async def bureau(tmp_path: Path) -> AsyncIterator[Bureau]:
    async with open_bureau(tmp_path) as bureau:
        yield bureau


@pytest.fixture
def clip_file(tmp_path: Path) -> Path:
    path = tmp_path / "clip.mp4"
    path.write_bytes(b"0" * 1000)
    return path


@pytest.fixture
def thumbnails(tmp_path: Path) -> tuple[Path, Path]:
    paths = tmp_path / "p.jpg", tmp_path / "v.jpg"
    for path in paths:
        Image.new("RGB", (64, 36), "teal").save(path)
    return paths


async def test_the_thread_hangs_from_the_answer_and_is_named_after_member_and_clip(bureau: Bureau) -> None:
    job = await bureau.opened()

    thread = bureau.world.threads()[0]
    assert job.place.thread_id == thread.id == job.place.answer_id
    assert thread.name == "Mira's clip: happy dance"


async def test_the_card_says_stage_progress_time_price_and_offers_cancel(bureau: Bureau) -> None:
    job = await bureau.opened()

    await bureau.desk.show(job, rendering(job), urgent=True)

    (card,) = bureau.posts(job.place.talk_id)
    said = texts_of(card)
    assert int(card["id"]) == job.place.card_id
    assert card["flags"] & (1 << 15)
    assert "✓ Checking your files – done" in said
    assert "**▸ Rendering – now**" in said
    assert "· Posting – later" in said
    assert "42 %" in said
    assert "1 min 15 s so far" in said
    assert f"<t:{int(job.order.ordered_at.timestamp()) + 180}:R>" in said
    assert "$0.25" in said
    assert f"v1:cancel:{job.id}" in said


async def test_the_place_in_the_queue_and_what_was_changed_are_said(bureau: Bureau) -> None:
    job = await bureau.opened()
    notice = Notice("notice_video_trimmed", {"format": "mov", "seconds": 41.2, "kept": 30.0})
    progress = replace(checking(job), position=3, notices=(notice,), stage=rendering(job).stage.QUEUED)

    await bureau.desk.show(job, progress, urgent=True)

    said = texts_of(bureau.posts(job.place.talk_id)[0])
    assert "Waiting in the queue, place 3" in said
    assert "Your video was 41.2 s long; I used the first 30 s." in said


async def test_the_thumbnails_stay_on_the_card_through_later_edits(
    bureau: Bureau, thumbnails: tuple[Path, Path]
) -> None:
    job = with_inputs(await bureau.opened())

    await bureau.desk.illustrate(job, rendering(job), *thumbnails)
    await bureau.desk.show(job, rendering(job), urgent=True)

    assert pictures_on(bureau, job) == ["picture.jpg", "video.jpg"]


async def test_the_thumbnails_stay_on_the_card_after_a_restart(
    bureau: Bureau, thumbnails: tuple[Path, Path]
) -> None:
    job = with_inputs(await bureau.opened())
    await bureau.desk.illustrate(job, rendering(job), *thumbnails)
    await bureau.restart()

    await bureau.desk.show(job, rendering(job), urgent=True)

    assert pictures_on(bureau, job) == ["picture.jpg", "video.jpg"]


async def test_a_card_whose_pictures_discord_refuses_is_shown_without_them(
    bureau: Bureau, thumbnails: tuple[Path, Path]
) -> None:
    job = with_inputs(await bureau.opened())
    await bureau.desk.illustrate(job, rendering(job), *thumbnails)
    bureau.world.env.inject_error("PATCH", "/channels/*/messages/*", status=400, code=50035)

    await bureau.desk.show(job, rendering(job, fraction=0.5), urgent=True)

    assert pictures_on(bureau, job) == []
    assert "50 %" in texts_of(bureau.posts(job.place.talk_id)[0])


async def test_the_result_is_one_playable_message_that_mentions_the_requester_once(
    bureau: Bureau, clip_file: Path
) -> None:
    job = await bureau.opened()

    outcome_id = await bureau.desk.deliver(delivered(job, 0), a_clip(), clip_file)

    _, result = bureau.posts(job.place.talk_id)
    (attachment,) = result["attachments"]
    assert int(result["id"]) == outcome_id
    assert result["content"].startswith(f"<@{bureau.world.member.id}> Your clip is ready.")
    assert "AI-generated" in result["content"]
    assert [user["id"] for user in result["mentions"]] == [str(bureau.world.member.id)]
    assert attachment["filename"] == f"clip-{job.id}.mp4"
    assert attachment["content_type"] == "video/mp4"
    assert "AI-generated clip of 5 s" in attachment["description"]
    assert "https://video.example.org/output_0.mp4" in texts_of(result)


@pytest.mark.parametrize("restarted", [False, True])
async def test_delivering_again_finds_the_first_message(
    bureau: Bureau, clip_file: Path, restarted: bool
) -> None:
    job = await bureau.opened()
    first = await bureau.desk.deliver(job, a_clip(), clip_file)
    # So that Discord's own memory of nonces cannot be what helps.
    bureau.world.discord._nonces.clear()
    if restarted:
        await bureau.restart()

    second = await bureau.desk.deliver(job, a_clip(), clip_file)

    assert first == second
    assert len(bureau.posts(job.place.talk_id)) == 2


async def test_opening_again_finds_thread_and_card(bureau: Bureau) -> None:
    job = await bureau.opened()
    unknown = placed(job, replace(job.place, thread_id=None, card_id=None))
    bureau.world.discord._nonces.clear()

    place = await bureau.desk.open(unknown, checking(job))

    assert place == job.place
    assert len(bureau.posts(job.place.talk_id)) == 1


async def test_an_answer_whose_id_was_lost_is_found_by_the_token(bureau: Bureau) -> None:
    job = await bureau.ordered()
    lost = placed(job, replace(job.place, answer_id=None))

    place = await bureau.desk.open(lost, checking(job))

    assert place.answer_id == job.place.answer_id
    assert place.card_id is not None


async def test_the_end_takes_cancel_off_the_card_and_links_the_answer_to_the_result(
    bureau: Bureau, clip_file: Path
) -> None:
    job = await bureau.opened()
    job = delivered(job, await bureau.desk.deliver(job, a_clip(), clip_file))

    await bureau.desk.conclude(job, done(job))

    (answer,) = bureau.posts(bureau.world.clips.id)
    card = texts_of(bureau.posts(job.place.talk_id)[0])
    link = (
        f"https://discord.com/channels/{bureau.world.guild.id}/{job.place.thread_id}/{job.place.outcome_id}"
    )
    assert answer["content"] == f"🎬 Mira's clip is ready: {link}"
    assert "v1:cancel" not in card
    assert "Finished after 1 min 15 s. It cost $0.25." in card


async def test_a_failure_says_what_happened_what_it_cost_and_what_to_do(bureau: Bureau) -> None:
    job = failed(await bureau.opened())
    assert job.ending is not None

    outcome_id = await bureau.desk.report(job, job.ending)
    job = placed(job, replace(job.place, outcome_id=outcome_id))
    await bureau.desk.conclude(job, done(job))

    _, report = bureau.posts(job.place.talk_id)
    assert (
        "found no whole upper body in your picture. Nothing was charged. Use a picture" in report["content"]
    )
    assert [user["id"] for user in report["mentions"]] == [str(bureau.world.member.id)]
    assert "could not be made" in bureau.posts(bureau.world.clips.id)[0]["content"]


async def test_a_failure_that_stays_charged_says_so(bureau: Bureau) -> None:
    job = await bureau.opened()

    await bureau.desk.report(job, Ending("result_missing", {}, 250_000))

    assert "It cost $0.25." in bureau.posts(job.place.talk_id)[1]["content"]


async def test_on_trial_no_message_says_that_anything_was_paid(bureau: Bureau, clip_file: Path) -> None:
    desk = DiscordDesk(bureau.client, budget=Budget(), trial=True)
    job = await bureau.opened(desk=desk)
    running = replace(rendering(job), price_usd_micros=250_000)

    await desk.show(job, running, urgent=True)
    during = texts_of(bureau.posts(job.place.talk_id)[0])
    outcome_id = await desk.deliver(job, a_clip(), clip_file)
    ended = delivered(job, outcome_id)
    await desk.conclude(ended, done(ended))
    card, result = bureau.posts(job.place.talk_id)
    other = await bureau.opened(desk=desk)
    await desk.report(other, Ending("result_missing", {}, 250_000))
    report = bureau.posts(other.place.talk_id)[1]

    assert "a trial, nothing is charged" in during
    assert "Nothing was charged, this was a trial." in texts_of(card)
    assert "nothing was charged" in result["content"]
    assert "Nothing was charged, this was a trial." in report["content"]
    assert "$" not in f"{during} {texts_of(card)} {result['content']} {report['content']}"


async def test_a_result_that_lacks_what_was_ordered_says_so(bureau: Bureau, clip_file: Path) -> None:
    job = with_inputs(await bureau.opened())
    assert job.inputs is not None
    job = replace(job, inputs=replace(job.inputs, seconds=20.0, has_sound=True))

    await bureau.desk.deliver(job, a_clip(seconds=12.0, has_sound=False), clip_file)

    said = bureau.posts(job.place.talk_id)[1]["content"]
    assert "ended it after 12 s, though your video has 20 s" in said
    assert "without the sound of your video" in said


async def test_reporting_again_finds_the_first_message(bureau: Bureau) -> None:
    job = failed(await bureau.opened())
    assert job.ending is not None
    first = await bureau.desk.report(job, job.ending)
    bureau.world.discord._nonces.clear()

    second = await bureau.desk.report(job, job.ending)

    assert first == second
    assert len(bureau.posts(job.place.talk_id)) == 2


async def test_an_order_cancelled_before_its_card_ends_in_the_answer(bureau: Bureau) -> None:
    job = replace(await bureau.ordered(), state=JobState.CANCELLED, ending=Ending("cancelled"))

    await bureau.desk.conclude(job, done(job))

    assert bureau.posts(bureau.world.clips.id)[0]["content"] == "Mira's clip was cancelled."


async def test_a_link_to_this_machine_is_offered_only_where_it_leads_somewhere(
    bureau: Bureau, clip_file: Path
) -> None:
    job = await bureau.opened()
    here = a_clip(source_url="http://127.0.0.1:8080/output_0.mp4")
    demo_desk = DiscordDesk(bureau.client, budget=Budget(), local_links=True)
    other = await bureau.opened()

    await bureau.desk.deliver(job, here, clip_file)
    await demo_desk.deliver(other, here, clip_file)

    assert "127.0.0.1" not in texts_of(bureau.posts(job.place.talk_id)[1])
    assert "127.0.0.1" in texts_of(bureau.posts(other.place.talk_id)[1])


def pictures_on(bureau: Bureau, job: Job) -> list[str]:
    card = bureau.posts(job.place.talk_id)[0]
    galleries = [part for part in card["components"][0]["components"] if part["type"] == 12]
    shown = {item["media"]["url"] for gallery in galleries for item in gallery["items"]}
    return [each["filename"] for each in card["attachments"] if each["url"] in shown]

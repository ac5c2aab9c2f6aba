"""Run again: a finished clip ordered once more by whoever made it, and by nobody else."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from studio import jobs
from studio.database import jobs as rows
from studio.models import Job, Orientation
from studio.sharing.policy import Approval, Policy, Share
from tests.bureau import Bureau, checking, open_bureau, placed, texts_of
from tests.finished import finished, press, result_of, told
from tests.test_ordering_form import fields, sent


@pytest.fixture
async def bureau(tmp_path: Path) -> AsyncIterator[Bureau]:
    async with open_bureau(tmp_path) as bureau:
        yield bureau


async def run_again(bureau: Bureau, job: Job) -> tuple[Any, Job]:
    """Press Run again as the clip's member; return the answer and the new job."""
    before = len(bureau.bells.woken)
    answer = await bureau.world.click(bureau.world.member, result_of(bureau, job), f"v1:again:{job.id}")
    await bureau.world.eventually(lambda: len(bureau.bells.woken) > before)
    return answer, await bureau.job(bureau.bells.woken[-1])


def new_orders(bureau: Bureau) -> list[str]:
    return bureau.bells.woken[1:]


async def test_a_clip_is_ordered_again_with_everything_that_it_was_made_of(bureau: Bureau) -> None:
    first = await finished(bureau, prompt="a forest", keep_sound=False)
    await bureau.restart()

    answer, second = await run_again(bureau, first)

    assert "on its way" in answer.response.content
    assert not answer.response.ephemeral
    assert second.order.wishes == first.order.wishes
    assert first.inputs is not None
    assert (second.order.picture.kept, second.order.video.kept) == (
        first.inputs.picture_key, first.inputs.video_key
    )  # fmt: skip
    assert (second.order.picture.url, second.order.picture.filename) == ("", "me.jpg")
    assert second.order.parent is not None
    assert second.order.parent.job_id == first.id
    assert second.place.channel_id == first.place.talk_id


async def test_card_and_result_lead_to_the_earlier_clip(bureau: Bureau) -> None:
    first = await finished(bureau)
    _, second = await run_again(bureau, first)
    link = f"/{first.place.talk_id}/{first.place.outcome_id}"

    opened = placed(second, await bureau.desk.open(second, checking(second)))

    card = next(post for post in bureau.posts(first.place.talk_id) if int(post["id"]) == opened.place.card_id)
    assert "earlier clip" in texts_of(card)
    assert link in texts_of(card)


async def test_pressed_twice_in_succession_it_is_ordered_once(bureau: Bureau) -> None:
    first = await finished(bureau)
    await run_again(bureau, first)

    said = await press(bureau, bureau.world.member, first, "again")

    assert "being made already" in said
    assert len(new_orders(bureau)) == 1


async def test_when_the_other_version_has_ended_it_may_be_pressed_again(bureau: Bureau) -> None:
    first = await finished(bureau)
    _, second = await run_again(bureau, first)
    await bureau.studio.abandon(second.id)
    bureau.bells.woken.pop()

    _, third = await run_again(bureau, first)

    assert third.id not in (first.id, second.id)


@pytest.mark.parametrize("who", ["stranger", "moderator"])
async def test_nobody_runs_somebody_elses_clip_again(bureau: Bureau, who: str) -> None:
    first = await finished(bureau)

    said = await press(bureau, getattr(bureau.world, who), first, "again")

    assert "Only the member who ordered this clip" in said
    assert new_orders(bureau) == []


async def test_a_clip_that_was_removed_cannot_be_run_again(bureau: Bureau) -> None:
    first = await finished(bureau)
    message = result_of(bureau, first)
    # A member may have the message open on the phone while it is taken down.
    async with bureau.database.write() as connection:
        await connection.execute(update(rows).values(removed_at=bureau.studio.now()))

    answer = await bureau.world.click(bureau.world.member, message, f"v1:again:{first.id}")

    assert "was removed" in await told(bureau, answer)
    assert new_orders(bureau) == []


@pytest.mark.parametrize("gone", ["purged", "from an older version"])
async def test_without_what_it_was_made_of_it_says_how_to_order_anew(bureau: Bureau, gone: str) -> None:
    first = await finished(bureau)
    if gone == "purged":
        async with bureau.database.write() as connection:
            await jobs.mark_purged(connection, first.id, now=bureau.studio.now())
    await bureau.equipment.storage.delete_tree(f"jobs/{first.id}/input")

    said = await press(bureau, bureau.world.member, first, "again")

    assert "no longer keep the picture and the video" in said
    assert "/animate" in said
    assert new_orders(bureau) == []


async def test_the_limits_of_animate_hold_and_a_moderator_can_be_asked(bureau: Bureau) -> None:
    first = await finished(bureau)
    await bureau.rule(Policy(pool=Share(clips=0), approval=Approval(channel_id=5)))

    refused = await bureau.world.click(bureau.world.member, result_of(bureau, first), f"v1:again:{first.id}")
    ids = [item.custom_id for row in refused.response.message.components for item in row.children]
    await bureau.world.click(bureau.world.member, refused.response.message, ids[0])
    await bureau.world.eventually(lambda: new_orders(bureau))
    second = await bureau.job(new_orders(bureau)[0])

    assert refused.response.ephemeral
    assert second.order.overruled
    assert second.order.parent is not None
    assert second.order.picture.kept is not None


async def test_what_was_made_among_adults_is_not_made_again_elsewhere(bureau: Bureau) -> None:
    channel: Any = bureau.client.get_channel(bureau.world.clips.id)
    channel.nsfw = True
    first = await finished(bureau)
    channel.nsfw = False

    said = await press(bureau, bureau.world.member, first, "again")

    assert first.order.wishes.adult
    assert "age-restricted" in said
    assert new_orders(bureau) == []


@pytest.mark.parametrize("kind", ["thread", "forum", "voice"])
async def test_it_works_wherever_a_clip_can_stand(bureau: Bureau, kind: str) -> None:
    world = bureau.world
    if kind == "voice":
        channel = world.guild.create_voice_channel("lounge")
    elif kind == "forum":
        forum = world.guild.create_forum_channel("ideas")
        channel = world.open_thread(forum, "my idea", by=world.member)
    else:
        channel = world.open_thread(world.clips, "talk", by=world.member)
    first = await finished(bureau, channel)

    answer, second = await run_again(bureau, first)

    assert "on its way" in answer.response.content
    assert second.place.channel_id == channel.id
    assert second.order.parent is not None


async def test_months_later_the_button_still_answers(bureau: Bureau) -> None:
    first = await finished(bureau)
    long_ago = bureau.studio.now() - timedelta(days=90)
    async with bureau.database.write() as connection:
        await connection.execute(update(rows).values(closed_at=long_ago, purged_at=long_ago))
    await bureau.restart()

    said = await press(bureau, bureau.world.member, first, "again")

    assert "no longer keep" in said


async def test_an_unknown_clip_is_answered_politely(bureau: Bureau) -> None:
    first = await finished(bureau)
    async with bureau.database.write() as connection:
        await connection.execute(rows.delete())

    said = await press(bureau, bureau.world.member, first, "again")

    assert "no longer know this clip" in said


# ── changing something ──────────────────────────────────────────────────────────────────────────


async def form_of(bureau: Bureau, job: Job, who: Any = None) -> Any:
    return await bureau.world.click(who or bureau.world.member, result_of(bureau, job), f"v1:change:{job.id}")


async def changed(bureau: Bureau, shown: Any, **values: Any) -> Job:
    """Send the form; what is not named comes back as it was."""
    await sent(bureau, shown, **values)
    return await bureau.job((await bureau.world.eventually(lambda: new_orders(bureau)))[-1])


async def test_the_form_has_everything_and_what_is_left_alone_stays(bureau: Bureau) -> None:
    first = await finished(bureau, prompt="a forest", keep_sound=False)
    await bureau.restart()
    shown = await form_of(bureau, first)

    second = await changed(bureau, shown, prompt="a desert")

    form = fields(shown)
    assert form["prompt"]["value"] == "a forest"
    assert "me.jpg" in form["picture"]["hint"]
    assert not form["picture"]["required"]
    assert (second.order.wishes.prompt, second.order.wishes.keep_sound) == ("a desert", False)
    assert first.inputs is not None
    assert second.order.picture.kept == first.inputs.picture_key
    assert second.order.video.kept == first.inputs.video_key
    assert second.order.parent is not None
    assert second.order.parent.job_id == first.id


async def test_another_picture_takes_the_place_of_the_kept_one(bureau: Bureau) -> None:
    first = await finished(bureau)

    second = await changed(
        bureau, await form_of(bureau, first), picture=[("you.png", b"another")], orientation=["video"]
    )

    assert (second.order.picture.kept, second.order.picture.filename) == (None, "you.png")
    assert second.order.video.kept is not None
    assert second.order.wishes.orientation is Orientation.VIDEO


async def test_a_form_sent_after_a_restart_still_orders(bureau: Bureau) -> None:
    first = await finished(bureau)
    shown = await form_of(bureau, first)
    await bureau.restart()

    second = await changed(bureau, shown)

    assert second.order.parent is not None


@pytest.mark.parametrize("who", ["stranger", "moderator"])
async def test_nobody_changes_somebody_elses_clip(bureau: Bureau, who: str) -> None:
    first = await finished(bureau)

    said = await press(bureau, getattr(bureau.world, who), first, "change")

    assert "Only the member who ordered this clip" in said


async def test_a_clip_without_its_files_says_how_to_order_anew_instead_of_a_form(bureau: Bureau) -> None:
    first = await finished(bureau)
    await bureau.equipment.storage.delete_tree(f"jobs/{first.id}/input")

    said = await press(bureau, bureau.world.member, first, "change")

    assert "no longer keep the picture and the video" in said

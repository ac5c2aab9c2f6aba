"""“Animate this” and its form: what it has, what it asks for, and what sending it leads to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from studio.models import Orientation
from studio.sharing.policy import Policy, Share
from studio.sharing.tables import petitions
from tests.bureau import PICTURE, VIDEO, Bureau, open_bureau
from tests.motion_world import a_motion
from tests.ordering_world import (
    ANIMATE,
    chosen,
    fields,
    pressed,
    sent,
    states,
    taken,
    words,
)


@pytest.fixture
async def bureau(tmp_path: Path) -> AsyncIterator[Bureau]:
    async with open_bureau(tmp_path) as bureau:
        yield bureau


async def opened(bureau: Bureau, *files: Any, **where: Any) -> Any:
    """The form that "Animate this" opens on a message with these files."""
    return await chosen(bureau, ANIMATE, *files, **where)


async def test_a_message_with_a_picture_asks_for_the_video_and_keeps_the_picture(bureau: Bureau) -> None:
    before = len(bureau.calls())

    shown = await opened(bureau, PICTURE)

    form = fields(shown)
    first = next(path for method, path in bureau.calls()[before:] if method == "POST")
    assert first.endswith("/callback")
    assert set(form) == {"text", "video", "prompt", "orientation", "sound"}
    assert PICTURE[0].replace("_", "\\_") in form["text"]["content"]
    assert form["video"]["required"] is True
    assert "video" in form["video"]["file_types"]
    assert ".mov" in form["video"]["file_types"]
    assert await states(bureau) == []

    result = await sent(bureau, shown, video=[VIDEO], prompt="a forest", orientation=["image"], sound=False)

    job = await taken(bureau)
    assert "Mira's clip is on its way" in result.response.content
    assert not result.response.ephemeral
    assert (job.order.picture.filename, job.order.video.filename) == (PICTURE[0], VIDEO[0])
    assert (job.order.wishes.prompt, job.order.wishes.orientation) == ("a forest", Orientation.IMAGE)
    assert job.order.wishes.keep_sound is False


async def test_a_message_with_a_video_asks_for_the_picture(bureau: Bureau) -> None:
    shown = await opened(bureau, VIDEO)

    form = fields(shown)
    assert set(form) == {"text", "picture", "prompt", "orientation", "sound"}
    assert ".heic" in form["picture"]["file_types"]

    await sent(bureau, shown, picture=[PICTURE])

    job = await taken(bureau)
    assert (job.order.picture.filename, job.order.video.filename) == (PICTURE[0], VIDEO[0])


async def test_a_message_with_both_needs_nothing_but_to_be_sent(bureau: Bureau) -> None:
    shown = await opened(bureau, VIDEO, PICTURE)
    form = fields(shown)

    await sent(bureau, shown)

    job = await taken(bureau)
    assert set(form) == {"text", "prompt", "orientation", "sound"}
    assert "Nothing is charged before you send this" in form["text"]["content"]
    assert (job.order.picture.filename, job.order.video.filename) == (PICTURE[0], VIDEO[0])
    assert job.order.wishes.keep_sound is True


async def test_a_covered_picture_makes_a_covered_clip(bureau: Bureau) -> None:
    shown = await opened(bureau, ("SPOILER_me.jpg", b"a picture"), VIDEO)

    await sent(bureau, shown)

    assert (await taken(bureau)).order.wishes.spoiler is True


async def test_a_message_without_any_file_is_refused(bureau: Bureau) -> None:
    result = await opened(bureau, ("notes.txt", b"words"))

    assert result.response.ephemeral
    assert "no picture and no video in this message" in result.response.content
    assert "Nothing was charged" in result.response.content


async def test_a_dismissed_form_leaves_nothing_and_another_one_can_be_opened(bureau: Bureau) -> None:
    await opened(bureau, PICTURE)

    shown = await opened(bureau, VIDEO, PICTURE)
    await sent(bureau, shown)

    await taken(bureau)
    assert len(await states(bureau)) == 1


async def test_two_forms_at_once_are_two_clips(bureau: Bureau) -> None:
    first = await opened(bureau, PICTURE, VIDEO)
    second = await opened(bureau, ("other.jpg", b"another"), VIDEO)

    await sent(bureau, second, prompt="second")
    await taken(bureau)
    await sent(bureau, first, prompt="first")
    job = await taken(bureau, 1)

    assert (job.order.wishes.prompt, job.order.picture.filename) == ("first", PICTURE[0])
    assert len(await states(bureau)) == 2


async def test_a_form_can_be_sent_after_a_restart(bureau: Bureau) -> None:
    shown = await opened(bureau, PICTURE)
    await bureau.restart()

    result = await sent(bureau, shown, video=[VIDEO])

    assert "on its way" in result.response.content
    await taken(bureau)


async def test_a_form_that_comes_twice_makes_one_clip(bureau: Bureau) -> None:
    """Where an answer gets lost on its way, Discord leaves the form open to be sent again."""
    shown = await opened(bureau, PICTURE, VIDEO)
    await sent(bureau, shown)
    await taken(bureau)
    shown._interaction.modal_consumed = False

    again = await sent(bureau, shown)

    assert again.response.ephemeral
    assert "has been sent before" in again.response.content
    assert "Nothing was charged" in again.response.content
    assert len(await states(bureau)) == 1


async def test_a_form_that_is_too_old_says_so(bureau: Bureau) -> None:
    shown = await opened(bureau, PICTURE, VIDEO)
    await bureau.animate.taking.storing.finished()
    async with bureau.database.write() as connection:
        past = bureau.studio.now() - timedelta(hours=7)
        await connection.execute(update(petitions).values(at=past))

    result = await sent(bureau, shown)

    assert result.response.ephemeral
    assert "too old" in result.response.content
    assert "Nothing was charged" in result.response.content
    assert await states(bureau) == []


async def test_what_was_filled_in_survives_a_refusal(bureau: Bureau) -> None:
    shown = await opened(bureau, PICTURE)
    await bureau.rule(Policy(paused=True))

    refused = await sent(bureau, shown, video=[VIDEO], prompt="a forest")
    await bureau.rule(Policy())
    await bureau.restart()
    reopened = await pressed(bureau, refused, "v1:form:")
    await sent(bureau, reopened)

    job = await taken(bureau)
    assert refused.response.ephemeral
    assert "paused new clips" in words(refused)
    assert fields(reopened)["prompt"]["value"] == "a forest"
    assert (job.order.video.filename, job.order.wishes.prompt) == (VIDEO[0], "a forest")


async def test_a_refusal_comes_before_the_form_where_it_is_known(bureau: Bureau) -> None:
    await bureau.rule(Policy(paused=True))

    result = await opened(bureau, PICTURE)

    assert result.response.ephemeral
    assert "paused new clips" in result.response.content


async def test_a_limit_holds_for_forms_and_a_moderator_can_still_be_asked(bureau: Bureau) -> None:
    shown = await opened(bureau, PICTURE, VIDEO)
    await bureau.rule(Policy(pool=Share(clips=0)))

    result = await sent(bureau, shown)

    assert result.response.ephemeral
    assert "limit for all members together" in words(result)
    assert await states(bureau) == []


async def test_consent_is_asked_for_a_form_and_the_press_goes_on(bureau: Bureau) -> None:
    shown = await opened(bureau, PICTURE, VIDEO)
    await bureau.rule(Policy(consent=True))

    asked = await sent(bureau, shown, prompt="a forest")
    agreed = await pressed(bureau, asked, "v1:agree:")

    job = await taken(bureau)
    assert "likeness" in asked.response.content
    assert "on its way" in agreed.response.content
    assert job.order.wishes.prompt == "a forest"


async def test_the_form_works_while_its_message_is_gone(bureau: Bureau) -> None:
    world = bureau.world
    message = await world.say(world.stranger, world.clips, "look", PICTURE, VIDEO)
    shown = await world.message_command(world.member, ANIMATE, (world.clips.id, message))
    world.discord.delete_message(world.clips.id, message)

    result = await sent(bureau, shown)

    assert "on its way" in result.response.content
    assert (await taken(bureau)).order.picture.filename == PICTURE[0]


@pytest.mark.parametrize("kind", ["thread", "forum", "voice"])
async def test_the_menu_works_wherever_clips_are_made(bureau: Bureau, kind: str) -> None:
    world = bureau.world
    if kind == "voice":
        channel = world.guild.create_voice_channel("talk")
    else:
        parent = world.guild.create_forum_channel("posts") if kind == "forum" else world.clips
        channel = world.open_thread(parent, "a talk", by=world.member)

    shown = await opened(bureau, PICTURE, channel=channel)
    result = await sent(bureau, shown, video=[VIDEO])

    job = await taken(bureau)
    assert "on its way" in result.response.content
    assert job.place.channel_id == channel.id


async def test_a_slow_database_does_not_keep_the_form_waiting(bureau: Bureau) -> None:
    entered = asyncio.Event()

    async def block() -> None:
        async with bureau.database.write():
            entered.set()
            await asyncio.sleep(0.5)

    blocking = asyncio.create_task(block())
    await entered.wait()
    shown = await opened(bureau, PICTURE, VIDEO)
    was_shown = shown._interaction.modal is not None
    await blocking

    assert was_shown


async def test_a_motion_of_the_library_is_one_touch_in_the_form(bureau: Bureau) -> None:
    guild_id = bureau.world.guild.id
    dance = await a_motion(bureau.equipment, "Happy dance", guild_id=guild_id)
    shown = await opened(bureau, PICTURE)
    form = fields(shown)

    result = await sent(bureau, shown, motion=dance.id)

    job = await taken(bureau)
    assert [option["label"] for option in form["motion"]["options"]] == ["Happy dance", "A video of my own"]
    assert form["video"]["required"] is False
    assert "on its way" in result.response.content
    assert job.order.video.motion_id == dance.id


async def test_a_form_without_any_motion_says_what_is_missing_and_keeps_the_rest(bureau: Bureau) -> None:
    await a_motion(bureau.equipment, "Happy dance", guild_id=bureau.world.guild.id)
    shown = await opened(bureau, PICTURE)

    refused = await sent(bureau, shown, prompt="a forest")
    reopened = await pressed(bureau, refused, "v1:form:")
    both = await sent(bureau, reopened, video=[VIDEO], motion="own")

    assert refused.response.ephemeral
    assert "I need to know which motion" in words(refused)
    assert "on its way" in both.response.content
    assert (await taken(bureau)).order.wishes.prompt == "a forest"


async def test_a_video_besides_a_motion_is_refused_before_anything_is_ordered(bureau: Bureau) -> None:
    dance = await a_motion(bureau.equipment, "Happy dance", guild_id=bureau.world.guild.id)
    shown = await opened(bureau, PICTURE)

    refused = await sent(bureau, shown, motion=dance.id, video=[VIDEO])

    assert refused.response.ephemeral
    assert "I can only use one of them. Nothing was charged." in words(refused)
    assert await states(bureau) == []

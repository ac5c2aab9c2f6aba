"""The ways between a message, the motion library and a clip: "Animate with this" and "Add to motions"."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from simcord import ChannelHandle, MemberActor, interactions
from structlog.testing import capture_logs

from demo.world import ImpossibleError
from studio.motions.keeping import Keeper
from studio.motions.motion import Motion
from tests import sandbox_world
from tests.bureau import PICTURE, Bureau, open_bureau
from tests.test_cogs_motions import actions, browsed, bureau, first_id, names, page, refusal, said, stored
from tests.test_ordering_form import fields, sent

__all__ = ["bureau"]

ADD = "Add to motions"


async def form_of(bureau: Bureau, motion: Motion, channel: ChannelHandle | None = None) -> Any:
    """Browse the library and press "Animate with this"."""
    world = bureau.world
    shown = await browsed(bureau, channel=channel)
    return await world.click(world.member, page(bureau, shown), f"v1:motion-use:{motion.id}")


async def new_job(bureau: Bureau) -> Any:
    await bureau.world.eventually(lambda: bureau.bells.woken)
    return await bureau.job(bureau.bells.woken[-1])


def video(name: str = "Happy_dance-2.mp4") -> tuple[str, bytes]:
    return name, sandbox_world.clip().read_bytes()


# ── from the library to a clip ──────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("kind", ["text", "thread", "forum", "voice"])
async def test_animate_with_this_needs_only_a_picture_wherever_clips_are_made(
    bureau: Bureau, kind: str
) -> None:
    world = bureau.world
    motion = await stored(bureau, "Big Wave")
    channel = world.clips
    if kind == "voice":
        channel = world.guild.create_voice_channel("talk")
    elif kind != "text":
        parent = world.guild.create_forum_channel("posts") if kind == "forum" else world.clips
        channel = world.open_thread(parent, "a talk", by=world.member)

    form = await form_of(bureau, motion, channel)
    asked = set(fields(form))
    answer = await sent(bureau, form, picture=[PICTURE])

    # Before anything is waited for: a refusal would say why nothing comes.
    assert "on its way" in answer.response.content
    job = await new_job(bureau)
    assert asked == {"text", "picture", "prompt", "orientation", "sound"}
    assert "Big Wave" in fields(form)["text"]["content"]
    assert (job.order.video.motion_id, job.order.picture.filename) == (motion.id, PICTURE[0])
    assert job.place.channel_id == channel.id


async def test_a_drawn_motion_is_named_in_the_servers_language(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = interactions.base_payload

    def in_japanese(*args: Any, **kwargs: Any) -> Any:
        record, payload = original(*args, **kwargs)
        return record, payload | {"locale": "ja"}

    async with open_bureau(tmp_path, account="sandbox") as bureau:
        world = bureau.world
        shown = await browsed(bureau, world.moderator)
        monkeypatch.setattr(interactions, "base_payload", in_japanese)
        await world.click(world.moderator, page(bureau, shown, world.moderator), "v1:motion-draw:")
        await world.eventually(lambda: page(bureau, shown, world.moderator)["attachments"])

        assert await names(bureau) == ["Jump for joy"]


async def test_a_form_that_was_opened_before_a_restart_still_orders_with_its_motion(bureau: Bureau) -> None:
    motion = await stored(bureau, "wave")
    form = await form_of(bureau, motion)
    await bureau.restart()

    await sent(bureau, form, picture=[PICTURE])

    assert (await new_job(bureau)).order.video.motion_id == motion.id


async def test_a_form_whose_motion_was_removed_meanwhile_orders_nothing_and_says_so(bureau: Bureau) -> None:
    world = bureau.world
    motion = await stored(bureau, "wave")
    form = await form_of(bureau, motion)
    keeper = Keeper(guild_id=world.guild.id, member_id=world.moderator.id)
    await bureau.studio.motions.keeping.remove(keeper, motion.id)

    answer = await sent(bureau, form, picture=[PICTURE])
    await world.eventually(lambda: "was not started" in str(answer.response.content))

    assert "removed this motion from the library. Nothing was charged." in answer.response.content
    assert bureau.bells.woken == []


async def test_a_button_of_a_motion_that_is_gone_says_so(bureau: Bureau) -> None:
    world = bureau.world
    motion = await stored(bureau, "wave")
    shown = await browsed(bureau)
    keeper = Keeper(guild_id=world.guild.id, member_id=world.moderator.id)
    await bureau.studio.motions.keeping.remove(keeper, motion.id)

    pressed = await world.click(world.member, page(bureau, shown), f"v1:motion-use:{motion.id}")

    assert "Nothing was charged." in refusal(pressed)


# ── from a message into the library ─────────────────────────────────────────────────────────────


async def test_a_moderator_adds_a_messages_video_and_names_it_afterwards(bureau: Bureau) -> None:
    world = bureau.world
    message = await world.say(world.member, world.clips, "look", PICTURE, video())

    added = await world.message_command(world.moderator, ADD, (world.clips.id, message))
    await world.eventually(lambda: "is in the library" in said(bureau, added, world.moderator))
    again = await world.message_command(world.moderator, ADD, (world.clips.id, message))
    await world.eventually(lambda: "is in the library" in said(bureau, again, world.moderator))
    both = await names(bureau)
    await bureau.restart()
    answer = page(bureau, again, world.moderator)
    form = await world.click(world.moderator, answer, first_id(answer, "v1:motion-edit:"))
    saved = await world.submit_modal(world.moderator, form, {"name": "Wave", "tags": ""})
    await world.eventually(lambda: "Saved: “Wave”" in said(bureau, saved, world.moderator))

    assert both == ["Happy dance 2", "Happy dance 2 2"]
    assert await names(bureau) == ["Happy dance 2", "Wave"]
    assert (await actions(bureau))[0] == "motion_renamed"


@pytest.mark.parametrize("files", [(), (PICTURE,)])
async def test_a_message_without_a_video_adds_nothing(bureau: Bureau, files: tuple[Any, ...]) -> None:
    world = bureau.world
    message = await world.say(world.member, world.clips, "look", *files)

    result = await world.message_command(world.moderator, ADD, (world.clips.id, message))

    assert "There is no video in this message. Nothing was changed." in refusal(result)
    assert await names(bureau) == []


@pytest.mark.parametrize("who", ["member", "stranger"])
async def test_nobody_else_adds_a_messages_video(bureau: Bureau, who: str) -> None:
    world = bureau.world
    somebody: MemberActor = getattr(world, who)
    message = await world.say(world.member, world.clips, "look", video())
    with pytest.raises(ImpossibleError):
        await world.message_command(somebody, ADD, (world.clips.id, message))
    menus = bureau.client.tree._context_menus.values()
    (menu,) = [each for each in menus if each.name == ADD]
    # As if the server's managers had given it to everybody.
    menu.default_permissions = None
    await bureau.client.tree.sync()

    with capture_logs() as logs:
        result = await world.message_command(somebody, ADD, (world.clips.id, message))

    assert "Only moderators may do that here." in refusal(result)
    assert [entry["event"] for entry in logs] == ["not_permitted"]
    assert await names(bureau) == []

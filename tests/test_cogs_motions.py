"""The motion library in Discord: as members, moderators and strangers use it."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from discord import app_commands
from simcord import ChannelHandle, InteractionResult, MemberActor
from simcord.actors import _autocomplete_result
from structlog.testing import capture_logs

from demo.world import World
from studio.models import SourceFile
from studio.moderation import audit
from studio.motions.motion import Motion
from tests import sandbox_world
from tests.bureau import PICTURE, VIDEO, Bureau, open_bureau, texts_of
from tests.motion_world import a_motion


class FromCdn:
    """Fetches what members attach from the simulated Discord's own folder."""

    world: World

    async def fetch(self, source: SourceFile, target: Path, *, max_bytes: int) -> int:
        stored = self.world.cdn.file(int(urlsplit(source.url).path.split("/")[-2]))
        assert stored is not None
        shutil.copyfile(stored.path, target)
        return target.stat().st_size


@pytest.fixture
async def bureau(tmp_path: Path) -> AsyncIterator[Bureau]:
    cdn = FromCdn()
    async with open_bureau(tmp_path, attachments=cdn) as bureau:
        cdn.world = bureau.world
        yield bureau


async def stored(bureau: Bureau, name: str, **more: Any) -> Motion:
    return await a_motion(bureau.equipment, name, guild_id=bureau.world.guild.id, **more)


async def names(bureau: Bureau) -> list[str]:
    return sorted(motion.name for motion in await bureau.studio.motions.search(bureau.world.guild.id))


async def browsed(
    bureau: Bureau,
    member: MemberActor | None = None,
    *,
    channel: ChannelHandle | None = None,
    **options: Any,
) -> InteractionResult:
    """Use `/motions`; the page is there when this returns."""
    world = bureau.world
    result = await world.slash(member or world.member, channel or world.clips, "motions", **options)
    await world.eventually(lambda: "otions" in said(bureau, result, member))
    return result


def page(bureau: Bureau, result: InteractionResult, member: MemberActor | None = None) -> dict[str, Any]:
    """The answer as whoever asked sees it now."""
    world = bureau.world
    assert result.response is not None
    messages = world.messages(result.response.message.channel.id, viewer=member or world.member)
    return next(message for message in messages if int(message["id"]) == result.response.message.id)


def said(bureau: Bureau, result: InteractionResult, member: MemberActor | None = None) -> str:
    return texts_of(page(bureau, result, member))


def refusal(result: InteractionResult) -> str:
    assert result.response is not None
    assert result.response.ephemeral
    return str(result.response.content)


async def moderated(bureau: Bureau, command: str, expected: str, **options: Any) -> str:
    """Use a moderators' command; return what it answers."""
    world = bureau.world
    result = await world.slash(world.moderator, world.clips, f"library {command}", **options)
    await world.eventually(lambda: expected in said(bureau, result, world.moderator))
    return said(bureau, result, world.moderator)


async def actions(bureau: Bureau) -> list[str]:
    async with bureau.database.read() as connection:
        return [entry.action for _, entry in await audit.newest(connection, bureau.world.guild.id)]


async def hints(bureau: Bureau, member: MemberActor, command: str, typed: str) -> dict[str, str]:
    """What is offered while somebody types a motion: the values by what is shown."""
    world = bureau.world
    result = await world._act(lambda: _autocomplete_result(member, world.clips, command, "motion", typed, {}))
    await world.eventually(lambda: result.autocomplete_choices is not None)
    return {choice["name"]: choice["value"] for choice in result.autocomplete_choices or ()}


# ── browsing ────────────────────────────────────────────────────────────────────────────────────


async def test_the_library_is_browsed_privately_with_looping_previews(bureau: Bureau) -> None:
    for number in range(6):
        await stored(bureau, f"move {number}", tags=("dance",) if number == 5 else ())

    result = await browsed(bureau)
    first = page(bureau, result)
    await bureau.world.click(bureau.world.member, first, "v1:motions:1:")
    await bureau.world.eventually(lambda: "page 2 of 2" in said(bureau, result))

    assert result.response is not None
    assert result.response.ephemeral
    assert "page 1 of 2" in texts_of(first)
    assert [file["filename"].endswith(".gif") for file in first["attachments"]] == [True] * 4
    assert len(page(bureau, result)["attachments"]) == 2
    assert "v1:motion-edit:" not in texts_of(first)


async def test_a_search_finds_names_and_tags_and_says_when_it_finds_none(bureau: Bureau) -> None:
    await stored(bureau, "big wave", tags=("hello",))
    await stored(bureau, "jump")
    result = await browsed(bureau)

    form = await bureau.world.click(bureau.world.member, page(bureau, result), "v1:motion-search:")
    await bureau.world.submit_modal(bureau.world.member, form, {"answer": "HELLO"})
    await bureau.world.eventually(lambda: "for “HELLO”" in said(bureau, result))
    found = said(bureau, result)
    none = said(bureau, await browsed(bureau, search="salsa"))

    assert "big wave" in found
    assert "jump" not in found
    assert "No motion has these words" in none


async def test_a_moderator_gets_buttons_within_discords_limits_also_after_a_restart(bureau: Bureau) -> None:
    for number in range(9):
        await stored(bureau, f"move {number}")
    world = bureau.world
    result = await browsed(bureau, world.moderator, search="move")
    shown = page(bureau, result, world.moderator)
    await bureau.restart()

    form = await world.click(world.moderator, shown, first_id(shown, "v1:motion-edit:"))
    await world.submit_modal(world.moderator, form, {"name": "Grand Move", "tags": "big, slow"})
    await world.eventually(lambda: "Saved: “Grand Move”" in everything(bureau, world.moderator))
    sure = await world.click(world.moderator, shown, first_id(shown, "v1:motion-remove:"))
    await world.eventually(lambda: "Yes, remove it" in said(bureau, sure, world.moderator))
    asked = page(bureau, sure, world.moderator)
    await world.click(world.moderator, asked, first_id(asked, "v1:motion-sure:"))
    await world.eventually(lambda: "is removed" in said(bureau, sure, world.moderator))

    assert count(shown["components"]) <= 40
    assert len(await names(bureau)) == 8
    assert await actions(bureau) == ["motion_removed", "motion_tagged", "motion_renamed"]


# ── ordering ────────────────────────────────────────────────────────────────────────────────────


async def test_a_clip_is_ordered_with_a_motion_by_its_name_or_its_choice(bureau: Bureau) -> None:
    motion = await stored(bureau, "Big Wave")

    offered = await hints(bureau, bureau.world.member, "animate", "big")
    by_choice = await bureau.ordered(video=None, motion=offered["Big Wave · 3.2 s"])
    by_name = await bureau.ordered(video=None, motion="big wave")

    assert [job.order.video.motion_id for job in (by_choice, by_name)] == [motion.id] * 2
    assert (await bureau.studio.motions.motion(bureau.world.guild.id, "big wave")).used == 2


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"video": VIDEO, "motion": "wave"}, "I can only use one of them. Nothing was charged."),
        ({"motion": "salsa"}, "I know no motion “salsa” in this server's library. Nothing was charged."),
    ],
)
async def test_a_motion_that_cannot_be_used_is_refused_privately(
    bureau: Bureau, options: dict[str, Any], sentence: str
) -> None:
    world = bureau.world
    await stored(bureau, "wave")

    result = await world.slash(world.member, world.clips, "animate", image=PICTURE, **options)

    assert sentence in refusal(result)
    assert bureau.bells.woken == []


# ── keeping ─────────────────────────────────────────────────────────────────────────────────────


async def test_moderators_add_rename_tag_and_remove_motions(bureau: Bureau) -> None:
    video = ("dance.mp4", sandbox_world.clip().read_bytes())

    added = await moderated(bureau, "add", "is in the library", video=video, name="Wave", tags="hello")
    await moderated(bureau, "rename", "Saved", motion="wave", name="Big Wave")
    await moderated(bureau, "tag", "Saved", motion="big wave", tags="hands")
    shelf = await bureau.studio.motions.search(bureau.world.guild.id)
    await moderated(bureau, "remove", "is removed", motion="BIG WAVE", reason="too big")

    assert "“Wave” is in the library: 3.2 s, tags hello." in added
    assert [(motion.name, motion.tags) for motion in shelf] == [("Big Wave", ("hands",))]
    assert await names(bureau) == []
    assert list(await bureau.equipment.storage.keys("motions")) == []
    assert await actions(bureau) == ["motion_removed", "motion_tagged", "motion_renamed", "motion_added"]


async def test_a_name_that_is_taken_and_a_file_that_is_no_video_are_refused_in_words(bureau: Bureau) -> None:
    await stored(bureau, "Wave")
    video = ("dance.mp4", sandbox_world.clip().read_bytes())

    taken = await moderated(bureau, "add", "already", video=video, name="WAVE")
    unusable = await moderated(bureau, "add", "read", video=("x.mp4", b"no video"), name="jump")

    assert "has a motion “WAVE” already. Nothing was changed." in taken
    assert "Nothing was charged." in unusable
    assert await names(bureau) == ["Wave"]
    assert await actions(bureau) == []


@pytest.mark.parametrize("who", ["member", "stranger"])
async def test_whoever_is_no_moderator_changes_nothing(bureau: Bureau, who: str) -> None:
    motion = await stored(bureau, "wave")
    world, somebody = bureau.world, getattr(bureau.world, who)
    group = bureau.client.tree.get_command("library")
    assert isinstance(group, app_commands.Group)
    # As if the server's managers had given the command to everybody.
    group.default_permissions = None
    await bureau.client.tree.sync()
    attempts = {
        "add": {"video": VIDEO, "name": "mine"},
        "rename": {"motion": motion.id, "name": "mine"},
        "tag": {"motion": motion.id, "tags": "mine"},
        "remove": {"motion": motion.id},
    }

    for command, options in attempts.items():
        with capture_logs() as logs:
            result = await world.slash(somebody, world.clips, f"library {command}", **options)
        assert "Only moderators may do that here." in refusal(result)
        assert [entry["event"] for entry in logs] == ["not_permitted"]
    offered = await hints(bureau, somebody, "library rename", "")
    offered_to_moderators = await hints(bureau, world.moderator, "library rename", "")

    assert (offered, offered_to_moderators) == ({}, {"wave · 3.2 s": motion.id})
    assert await names(bureau) == ["wave"]
    assert await actions(bureau) == []


async def test_a_trials_empty_library_has_a_motion_drawn_for_it(tmp_path: Path) -> None:
    async with open_bureau(tmp_path, account="sandbox") as bureau:
        world = bureau.world
        told = said(bureau, await browsed(bureau))
        result = await browsed(bureau, world.moderator)
        await world.click(world.moderator, page(bureau, result, world.moderator), "v1:motion-draw:")
        await world.eventually(lambda: "Jump for joy" in said(bureau, result, world.moderator))

        assert "Moderators can add some" in told
        assert "v1:motion-draw:" not in told
        assert len(page(bureau, result, world.moderator)["attachments"]) == 1


def everything(bureau: Bureau, viewer: MemberActor, channel: ChannelHandle | None = None) -> str:
    place = channel or bureau.world.clips
    return "\n".join(texts_of(message) for message in bureau.world.messages(place.id, viewer=viewer))


def count(components: list[dict[str, Any]]) -> int:
    inner = (each.get("components") or [] for each in components)
    accessories = sum("accessory" in each for each in components)
    return len(components) + accessories + sum(count(each) for each in inner)


def first_id(message: dict[str, Any], prefix: str) -> str:
    return next(line for line in texts_of(message).splitlines() if line.startswith(prefix))

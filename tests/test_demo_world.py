"""The simulated Discord keeps the rules of the real one that the bot depends on."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import discord
import pytest
from discord import app_commands
from discord.ext import commands
from PIL import Image

from demo.world import ImpossibleError, World


class Clerk(commands.AutoShardedBot):
    """Answers `/take` with the file's facts; `/silent` never answers."""

    def __init__(self) -> None:
        super().__init__(
            command_prefix=[],
            intents=discord.Intents(guilds=True),
            shard_count=1,
            max_messages=None,
            member_cache_flags=discord.MemberCacheFlags.none(),
        )
        self.taken: list[discord.Attachment] = []

    async def setup_hook(self) -> None:
        @self.tree.command(description="Take a file")
        @app_commands.guild_only()
        async def take(interaction: discord.Interaction, file: discord.Attachment) -> None:
            self.taken.append(file)
            await interaction.response.send_message(f"{file.filename} {file.width}x{file.height}")

        @self.tree.command(description="Say nothing")
        async def silent(interaction: discord.Interaction) -> None:
            pass

        await self.tree.sync()


@pytest.fixture
async def bot() -> Clerk:
    return Clerk()


@pytest.fixture
async def world(bot: Clerk) -> AsyncIterator[World]:
    async with World(answer_seconds=20).running(bot) as world:
        yield world


def png(width: int = 32, height: int = 18) -> bytes:
    target = io.BytesIO()
    Image.new("RGB", (width, height), "teal").save(target, "PNG")
    return target.getvalue()


async def talk(world: World, bot: Clerk, **message: Any) -> discord.Message:
    place = bot.get_partial_messageable(world.clips.id, guild_id=world.guild.id)
    return await place.send(**message)


async def test_an_attachment_is_downloaded_over_http_from_the_announced_host(
    world: World, bot: Clerk
) -> None:
    await world.slash(world.member, world.clips, "take", file=("mine é.png", png()))

    async with aiohttp.ClientSession() as session, session.get(bot.taken[0].url) as response:
        body = await response.read()

    assert f"//{world.cdn_host}:" in bot.taken[0].url
    assert body == png()
    assert response.content_type == "image/png"
    assert world.messages(world.clips.id)[0]["content"] == "mine é.png 32x18"


async def test_an_attachment_is_served_in_parts(world: World, bot: Clerk) -> None:
    await world.slash(world.member, world.clips, "take", file=("a.mp4", b"0123456789"))

    async with (
        aiohttp.ClientSession() as session,
        session.get(bot.taken[0].url, headers={"Range": "bytes=2-4"}) as response,
    ):
        body = await response.read()

    assert (response.status, body) == (206, b"234")


async def test_an_attachment_needs_its_signature(world: World, bot: Clerk) -> None:
    await world.slash(world.member, world.clips, "take", file=("a.png", png()))

    async with aiohttp.ClientSession() as session, session.get(bot.taken[0].url.split("?")[0]) as response:
        assert response.status == 404


async def test_a_path_is_moved_into_the_world_and_not_read(world: World, bot: Clerk, tmp_path: Path) -> None:
    path = tmp_path / "upload"
    path.write_bytes(png())

    await world.slash(world.member, world.clips, "take", file=("a.png", path))

    assert bot.taken[0].size == len(png())
    assert not path.exists()


async def test_uploads_of_the_bot_above_the_limit_are_refused(world: World, bot: Clerk) -> None:
    world.cdn.upload_limit = 100

    with pytest.raises(discord.HTTPException) as refusal:
        await talk(world, bot, file=discord.File(io.BytesIO(bytes(101)), "a.mp4"))

    assert (refusal.value.status, refusal.value.code) == (413, 40005)


async def test_files_need_the_permission_to_attach(world: World, bot: Clerk) -> None:
    world.deny(world.clips, "attach_files")

    with pytest.raises(discord.Forbidden) as refusal:
        await talk(world, bot, file=discord.File(io.BytesIO(b"x"), "a.mp4"))

    assert refusal.value.code == 50013


async def test_the_same_nonce_posts_only_once(world: World, bot: Clerk) -> None:
    first = await talk(world, bot, content="clip", nonce="job-1")
    second = await talk(world, bot, content="clip", nonce="job-1")

    assert first.id == second.id
    assert len(world.messages(world.clips.id)) == 1


async def test_a_message_carries_one_thread_only(world: World, bot: Clerk) -> None:
    message = await talk(world, bot, content="hello")
    thread = await message.create_thread(name="Mira")

    with pytest.raises(discord.HTTPException) as refusal:
        await message.create_thread(name="Mira")

    assert refusal.value.code == 160004
    assert thread.id == message.id
    assert [each.name for each in world.threads()] == ["Mira"]


async def test_archived_threads_take_no_edits_and_reopen_for_a_message(world: World, bot: Clerk) -> None:
    thread = await (await talk(world, bot, content="hello")).create_thread(name="Mira")
    card = await thread.send("card")
    await thread.edit(archived=True)

    with pytest.raises(discord.HTTPException) as refusal:
        await card.edit(content="later")
    await thread.send("ping")
    await card.edit(content="later")

    assert refusal.value.code == 50083
    assert world.messages(thread.id)[0]["content"] == "later"


async def test_an_interaction_without_an_answer_is_seen_as_such(world: World) -> None:
    world._answer_seconds = 0.2

    result = await world.slash(world.member, world.clips, "silent")

    assert not result.acknowledged


async def test_a_command_that_is_not_there_cannot_be_run(world: World) -> None:
    with pytest.raises(ImpossibleError):
        await world.slash(world.member, world.clips, "nothing")


async def test_a_restarted_bot_finds_the_server_as_it_was(world: World, bot: Clerk) -> None:
    await talk(world, bot, content="before")
    successor = Clerk()

    await world.restart(successor)
    await world.slash(world.member, world.clips, "take", file=("a.png", png()))

    assert len(successor.taken) == 1
    assert len(world.messages(world.clips.id)) == 2
    await successor.close()


async def test_listeners_hear_of_every_message(world: World, bot: Clerk) -> None:
    heard: list[int] = []
    stop = world.subscribe(lambda: heard.append(len(world.messages(world.clips.id))))

    await talk(world, bot, content="one")
    stop()
    await talk(world, bot, content="two")

    assert heard[-1] == 1

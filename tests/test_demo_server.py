"""The demo's server lets in its own page only, streams what changes, and takes and gives files in parts."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import discord
import pytest
from discord import app_commands
from discord.ext import commands

from demo.page import Page
from demo.uploads import Uploads, UploadTooLargeError
from demo.world import World


class Taker(commands.AutoShardedBot):
    """Takes one file by `/take`."""

    def __init__(self) -> None:
        super().__init__(command_prefix=[], intents=discord.Intents(guilds=True), shard_count=1)

    async def setup_hook(self) -> None:
        @self.tree.command(description="Take a file")
        @app_commands.guild_only()
        async def take(interaction: discord.Interaction, file: discord.Attachment) -> None:
            await interaction.response.send_message(f"{file.filename}: {file.size}")

        @self.tree.command(description="Give a file back")
        async def give(interaction: discord.Interaction) -> None:
            import io

            await interaction.response.send_message(file=discord.File(io.BytesIO(b"0123456789"), "clip.mp4"))

        await self.tree.sync()


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with World(answer_seconds=20).running(Taker()) as world:
        yield world


@pytest.fixture
async def page(world: World, tmp_path: Path) -> AsyncIterator[Page]:
    page = Page(world, tmp_path)
    await page.start()
    yield page
    await page.stop()


@pytest.fixture
async def visitor(page: Page) -> AsyncIterator[aiohttp.ClientSession]:
    """Somebody who has opened the printed address."""
    jar = aiohttp.CookieJar(unsafe=True)
    connector = aiohttp.TCPConnector(force_close=True)
    base = origin(page)
    async with aiohttp.ClientSession(base, cookie_jar=jar, connector=connector) as session:
        async with session.get(page.address.removeprefix(base)) as response:
            assert response.status == 200
        yield session


def origin(page: Page) -> str:
    return page.address.partition("/?")[0]


def own(page: Page) -> dict[str, str]:
    return {"Origin": origin(page)}


async def do(page: Page, visitor: aiohttp.ClientSession, action: str, **wish: Any) -> dict[str, Any]:
    async with visitor.post(f"/do/{action}", json={"viewer": "", **wish}, headers=own(page)) as response:
        assert response.status == 200, await response.text()
        result: dict[str, Any] = await response.json()
        return result


async def events(response: aiohttp.ClientResponse) -> AsyncIterator[tuple[str, Any]]:
    name = ""
    async for line in response.content:
        key, _, value = line.decode().rstrip("\n").partition(": ")
        if key == "event":
            name = value
        elif key == "data":
            yield name, json.loads(value)


async def test_nobody_comes_in_without_the_key(page: Page) -> None:
    async with aiohttp.ClientSession() as session, session.get(f"{origin(page)}/") as response:
        assert response.status == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Host": "evil.example"},
        {},
    ],
    ids=["another page", "a page in hiding", "another name for this machine", "no page at all"],
)
async def test_other_web_pages_cannot_act(
    page: Page, visitor: aiohttp.ClientSession, headers: dict[str, str]
) -> None:
    async with visitor.post("/do/say", json={}, headers=headers) as response:
        assert response.status == 403


async def test_the_page_may_load_nothing_from_elsewhere(page: Page, visitor: aiohttp.ClientSession) -> None:
    async with visitor.get("/") as response:
        policy = response.headers["Content-Security-Policy"]

    assert "default-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy


async def test_changes_are_streamed_as_they_happen(
    page: Page, world: World, visitor: aiohttp.ClientSession
) -> None:
    async with asyncio.timeout(30), visitor.get("/events", params={"viewer": ""}) as response:
        stream = events(response)
        opening = [name async for name, _ in _until(stream, "complete")]
        message_id = await world.say(world.member, world.clips, "hello")
        told = [value async for _, value in _until(stream, "message")][-1]
        await world.member.delete(world.history(world.clips.id)[0])
        gone = [value async for _, value in _until(stream, "gone")][-1]

    assert opening == ["hello", "state", "complete"]
    assert (told["id"], told["content"], told["author"]["name"]) == (str(message_id), "hello", "Mira")
    assert gone == {"id": str(message_id)}


async def _until(stream: AsyncIterator[tuple[str, Any]], last: str) -> AsyncIterator[tuple[str, Any]]:
    async for event in stream:
        yield event
        if event[0] == last:
            return


async def test_an_uploaded_file_is_used_by_a_command_once(
    page: Page, world: World, visitor: aiohttp.ClientSession
) -> None:
    async with visitor.post(
        "/upload?name=C:\\photos\\me.png", data=bytes(300_000), headers=own(page)
    ) as sent:
        uploaded = await sent.json()
    wish = {"channel": str(world.clips.id), "command": "take", "options": {"file": uploaded}}

    first = await do(page, visitor, "slash", **wish)
    second = await do(page, visitor, "slash", **wish)

    assert first == {}
    assert "again" in second["error"]
    assert world.messages(world.clips.id)[0]["content"] == "me.png: 300000"


async def test_uploads_have_an_end(tmp_path: Path) -> None:
    content = asyncio.StreamReader()
    content.feed_data(bytes(11))
    content.feed_eof()

    with pytest.raises(UploadTooLargeError):
        await Uploads(tmp_path, limit=10).receive("big.mp4", content)

    assert not any(tmp_path.glob("*"))


async def test_media_come_in_parts_and_cannot_run_scripts(
    page: Page, world: World, visitor: aiohttp.ClientSession
) -> None:
    await world.slash(world.member, world.clips, "give")
    attachment = world.messages(world.clips.id)[0]["attachments"][0]

    async with visitor.get(f"/media/{attachment['id']}/clip.mp4", headers={"Range": "bytes=3-5"}) as part:
        body = await part.read()

    assert (part.status, body, part.content_type) == (206, b"345", "video/mp4")
    assert "sandbox" in part.headers["Content-Security-Policy"]


async def test_what_a_person_cannot_do_is_said(
    page: Page, world: World, visitor: aiohttp.ClientSession
) -> None:
    answer = await do(page, visitor, "slash", channel=str(world.clips.id), command="nothing", options={})

    assert "nothing" in answer["error"]

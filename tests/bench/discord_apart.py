"""A wire-level Discord in a process of its own, so that a benchmark of the bot does not share its loop.

`python -m tests.bench.discord_apart` prints its address. Each line on stdin is a wish, answered by one line
of JSON: `order N` sends N orders, `wait N` waits until N clips were posted, `rest`
until nothing comes any more; `calls` tells of every REST call.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web

from tests.bot_process import ROOT
from tests.media_files import clip_mp4, picture_jpeg
from tests.wire_discord import WireDiscord, wire_discord

REST_SECONDS = 4.0


@dataclass(frozen=True, slots=True)
class TimedCall:
    """One REST call; the moments are of the machine's monotonic clock, the same for all processes."""

    method: str
    path: str
    began: float
    ended: float

    @property
    def is_post(self) -> bool:
        return self.method == "POST" and self.path.endswith("/messages")

    @property
    def channel(self) -> str:
        return self.path.split("/")[4]


@dataclass
class TimedDiscord(WireDiscord):
    """Notes when each call's headers were there and when its answer left."""

    timed: list[TimedCall] = field(default_factory=list)
    posted: int = 0

    async def rest(self, request: web.Request) -> web.Response:
        began = time.monotonic()
        response = await super().rest(request)
        call = TimedCall(request.method, request.path, began, time.monotonic())
        self.timed.append(call)
        self.posted += call.is_post and request.content_type.startswith("multipart/")
        return response


class DiscordApart:
    """The same, seen from the benchmark's process."""

    def __init__(self, process: Process, url: str) -> None:
        self._process = process
        self.pid = process.pid
        self.url = url
        self.sockets: set[object] = set()
        """Where `BotProcess` looks; asking `connected` is our way."""

    async def ask(self, wish: str) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{wish}\n".encode())
        return json.loads(await self._process.stdout.readline())

    async def calls(self) -> list[TimedCall]:
        return [TimedCall(**call) for call in await self.ask("calls")]


@asynccontextmanager
async def discord_apart() -> AsyncIterator[DiscordApart]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.bench.discord_apart", stdin=PIPE, stdout=PIPE, cwd=ROOT, limit=2**26
    )
    assert process.stdout is not None
    assert process.stdin is not None
    try:
        yield DiscordApart(process, (await process.stdout.readline()).decode().strip())
    finally:
        process.stdin.close()
        await process.wait()


async def carry_out(discord: TimedDiscord, wish: str, picture: Path, video: Path) -> Any:
    match wish.split():
        case ["connected"]:
            await discord.until(lambda: discord.sockets)
        case ["order", number]:
            for _ in range(int(number)):
                answered = len(discord.answers)
                await discord.order(picture, video, orientation="video")
                await discord.until(lambda known=answered: len(discord.answers) > known)
        case ["wait", number]:
            await discord.until(lambda: discord.posted >= int(number), seconds=600)
        case ["rest"]:
            known = -1
            while known < len(discord.timed):
                known = len(discord.timed)
                await asyncio.sleep(REST_SECONDS)
            return known
        case ["calls"]:
            return [asdict(call) for call in discord.timed]
    return True


async def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        picture = picture_jpeg(Path(folder, "picture.jpg"))
        video = clip_mp4(Path(folder, "motion.mp4"), seconds=3.2)
        async with wire_discord(TimedDiscord()) as discord:
            assert isinstance(discord, TimedDiscord)
            print(discord.url, flush=True)
            while wish := await asyncio.to_thread(sys.stdin.readline):
                print(json.dumps(await carry_out(discord, wish, picture, video)), flush=True)


if __name__ == "__main__":
    asyncio.run(main())

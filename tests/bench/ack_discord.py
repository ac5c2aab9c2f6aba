"""The other end of `bench_ack`: a Discord, in a process of its own, that orders from two bots in turn.

`python -m tests.bench.ack_discord COUNT` prints its address, waits until both bots are connected (their names
are their tokens), sends each of them COUNT orders, prints `done`, and serves
until its standard input is closed.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.media_files import clip_mp4, picture_jpeg
from tests.wire_discord import WireDiscord, wire_discord

BOTS = ("ours", "peer")

PAUSE_SECONDS = 0.06
"""After each answer, so that what a bot does after it is not counted as the next one's work."""


class TwoBots:
    """Orders from one of the connected bots at a time."""

    def __init__(self, discord: WireDiscord) -> None:
        self._discord = discord
        self._by_name: dict[str, Any] = {}
        self._answered = asyncio.Event()
        welcome, callback = discord._welcome, discord._callback

        async def welcome_by_name(socket: Any, identify: dict[str, Any]) -> None:
            self._by_name[identify["token"]] = socket
            await welcome(socket, identify)

        def callback_seen(*arguments: Any) -> tuple[int, Any]:
            self._answered.set()
            return callback(*arguments)

        # The server is the tests' own: here it only has to tell its two bots apart.
        discord._welcome, discord._callback = welcome_by_name, callback_seen  # type: ignore[method-assign,assignment]

    async def connected(self) -> None:
        await self._discord.until(lambda: len(self._by_name) == len(BOTS))
        await asyncio.sleep(1)

    async def order(self, name: str, picture: Path, video: Path) -> None:
        self._discord.sockets = {self._by_name[name]}
        self._answered.clear()
        await self._discord.order(picture, video, prompt="a calm forest", orientation="video")
        await asyncio.wait_for(self._answered.wait(), 30)
        await asyncio.sleep(PAUSE_SECONDS)


async def main(count: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        picture = picture_jpeg(Path(folder, "picture.jpg"))
        video = clip_mp4(Path(folder, "motion.mp4"), seconds=3.2)
        async with wire_discord() as discord:
            bots = TwoBots(discord)
            print(discord.url, flush=True)
            await bots.connected()
            for turn in range(count):
                for name in BOTS if turn % 2 else BOTS[::-1]:
                    await bots.order(name, picture, video)
            print("done", flush=True)
            # The bots leave first.
            await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))

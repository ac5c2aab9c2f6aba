"""Many orders at once through the real process, and the same with the process killed in the middle.

`python -m tests.bench.bench_orders [COUNT]`: the sandbox finishes each clip after half a second and the bot
looks every half second: the rest is the bot's own work, and the sandbox's drawing on the same cores.
"""

from __future__ import annotations

import argparse
import asyncio
import sqlite3
import tempfile
from pathlib import Path
from time import perf_counter

import psutil

from providers.sandbox import Sandbox
from tests.bench.figures import Figure, tell
from tests.bench.footprint import MB, Footprint
from tests.bot_process import KEY, BotProcess, running_bot
from tests.media_files import clip_mp4, picture_jpeg
from tests.wire_discord import WireDiscord, wire_discord

RENDER_SECONDS = 0.5
AT_ONCE = "4"
LONGEST_SECONDS = 600.0


def closed(folder: Path) -> int:
    with sqlite3.connect(folder / "bot.db") as connection:
        query = "SELECT count(*) FROM jobs WHERE closed_at IS NOT NULL AND state = 'delivered'"
        return int(connection.execute(query).fetchone()[0])


async def orders(count: int, *, killed_after: int | None) -> list[Figure]:
    """Order `count` clips; kill and restart the bot when `killed_after` of them are delivered."""
    title = f"{count} orders at once" + (", killed midway" if killed_after is not None else "")
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        picture, video = picture_jpeg(root / "picture.jpg"), clip_mp4(root / "motion.mp4", seconds=3.2)
        most = {"MAX_JOBS_PER_MEMBER": str(count), "MAX_JOBS_PER_SERVER": str(count)}
        async with (
            wire_discord() as discord,
            Sandbox(root / "provider", key=KEY, seconds=RENDER_SECONDS) as sandbox,
            running_bot(root, discord, sandbox, MAX_CONCURRENT_JOBS=AT_ONCE, **most) as bot,
        ):
            meter = Meter(bot)
            began = perf_counter()
            await asyncio.gather(*(discord.order(picture, video) for _ in range(count)))
            await discord.until(lambda: len(discord.answers) == count)
            answered = perf_counter() - began
            if killed_after is not None:
                figures = await restart(title, root, discord, bot, killed_after)
            else:
                figures = [Figure(f"{title}: the last answer after", answered, "s")]
            await discord.until(lambda: closed(root) == count, seconds=LONGEST_SECONDS)
            wall = perf_counter() - began
            if killed_after is None:
                figures += meter.figures(title, count)
            clips = discord.clips()
            assert len(clips) == len({clip["channel_id"] for clip in clips}) == count, (
                "a clip for each thread"
            )
            assert len(sandbox.jobs) == count, "nothing is ordered twice"
    return [*figures, Figure(f"{title}: all delivered after", wall, "s")]


async def restart(
    title: str, root: Path, discord: WireDiscord, bot: BotProcess, killed_after: int
) -> list[Figure]:
    await discord.until(lambda: closed(root) >= killed_after, seconds=LONGEST_SECONDS)
    await bot.kill()
    before, began = len(discord.calls), perf_counter()
    await bot.start()
    connected = perf_counter() - began
    await discord.until(lambda: any(call.method in {"POST", "PATCH"} for call in discord.calls[before:]))
    return [
        Figure(f"{title}: connected again after", connected, "s"),
        Figure(f"{title}: a conversation goes on after", perf_counter() - began, "s"),
    ]


class Meter:
    """CPU and memory of the bot from here on; its worker processes apart."""

    def __init__(self, bot: BotProcess) -> None:
        assert bot.process is not None
        self._process = psutil.Process(bot.process.pid)
        self._footprint = Footprint(bot.process.pid)
        self._before, self._resident = self._process.cpu_times(), self._footprint.now()
        self._footprint.forget_peak()

    def figures(self, title: str, count: int) -> list[Figure]:
        after, before = self._process.cpu_times(), self._before
        own = after.user + after.system - before.user - before.system
        workers = after.children_user + after.children_system - before.children_user - before.children_system
        return [
            Figure(f"{title}: CPU of the bot, each", 1000 * own / count, "ms"),
            Figure(f"{title}: CPU of its media workers, each", 1000 * workers / count, "ms"),
            Figure(f"{title}: resident before", self._resident / MB, "MB"),
            Figure(f"{title}: resident at most", self._footprint.peak() / MB, "MB"),
            Figure(f"{title}: resident after", self._footprint.now() / MB, "MB"),
        ]


async def main(count: int) -> None:
    figures = await orders(count, killed_after=None)
    figures += await orders(count, killed_after=count // 4)
    tell(figures, at_once=AT_ONCE, render_seconds=RENDER_SECONDS)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("count", nargs="?", type=int, default=20)
    asyncio.run(main(parser.parse_args().count))

"""What ten thousand renders cost the real process while it only waits for them, and when some end.

`python -m tests.bench.bench_waiting [COUNT]`: the bot is watched with an empty database first; then the jobs
are written into it from outside, and the same process is watched on. No webhooks: all is found by polling.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil

from providers.sandbox import Sandbox
from studio.database import Database
from studio.models import JobState
from tests.bench.crowd import crowd, fill, tell_discord, tell_provider
from tests.bench.figures import Figure, tell
from tests.bench.footprint import MB, Footprint
from tests.bot_process import KEY, running_bot
from tests.media_files import clip_mp4
from tests.wire_discord import wire_discord

SETTLING, SWEPT, WATCHED = 12.0, 20.0, 70.0
"""Seconds: until the bot is at rest, until it has noticed the jobs, and for how long it is watched then."""

ENDING = 10
INTERVAL_SECONDS = 10.0
PAGE = 100


async def watch(count: int, root: Path) -> list[Figure]:
    database = Database(f"sqlite:///{root / 'bot.db'}")
    began = datetime.now(UTC)
    people = crowd([JobState.RENDERING] * count, began)
    # They end after the quiet part is over.
    late = began + timedelta(seconds=SETTLING + SWEPT + WATCHED + 35)
    ends = dict.fromkeys(range(0, count, max(1, count // ENDING)), late)
    clip = clip_mp4(root / "clip.mp4", seconds=3.2)
    tell_provider(root / "provider", people, clip=clip, ends=ends, never=began + timedelta(days=1))
    settings = {"POLL_INTERVAL_SECONDS": f"{INTERVAL_SECONDS:g}", "MAX_CONCURRENT_JOBS": "10000"}
    async with wire_discord() as discord, Sandbox(root / "provider", key=KEY) as sandbox:
        tell_discord(discord, people)
        async with running_bot(root, discord, sandbox, **settings) as bot:
            await asyncio.sleep(SETTLING)
            assert bot.process is not None
            process, memory = psutil.Process(bot.process.pid), Footprint(bot.process.pid)
            idle = memory.now()
            memory.forget_peak()
            await fill(database, people, datetime.now(UTC))
            await asyncio.sleep(SWEPT)
            before, listed = process.cpu_times(), len(sandbox.seen("list"))
            edits = sum(call.method == "PATCH" for call in discord.calls)
            await asyncio.sleep(WATCHED)
            after, resident, peak = process.cpu_times(), memory.now(), memory.peak()
            assert len(sandbox.seen("status")) == 0, "nothing has ended yet"
            lists = len(sandbox.seen("list")) - listed
            edits = sum(call.method == "PATCH" for call in discord.calls) - edits
            await discord.until(lambda: len(discord.clips()) == len(ends), seconds=150)
            statuses = len(sandbox.seen("status"))
            assert await bot.stop() == 0, bot.log
    await database.close()
    used = after.user + after.system - before.user - before.system
    pages = -(-count // PAGE)
    return [
        Figure("resident above idle", (resident - idle) / MB, "MB", 10),
        Figure("resident above idle, at most", (peak - idle) / MB, "MB", 10),
        Figure("resident while idle", idle / MB, "MB"),
        Figure("CPU", 100 * used / WATCHED, "% of a core", 3),
        Figure("list requests in an interval", lists / (WATCHED / INTERVAL_SECONDS), "", pages + 1),
        Figure("cards edited in a second meanwhile", edits / WATCHED, ""),
        Figure("status reads for each finished job", statuses / len(ends), "", 1),
    ]


async def main(count: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        figures = await watch(count, Path(folder))
    tell(figures, jobs=count, seconds=WATCHED, interval=INTERVAL_SECONDS)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("count", nargs="?", type=int, default=10_000)
    asyncio.run(main(parser.parse_args().count))

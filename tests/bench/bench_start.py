"""How soon the real process is ready when ten thousand jobs are under way.

`python -m tests.bench.bench_start [COUNT]`: from the start of `python bot.py` until `/readyz` says 200, with
unfinished jobs in every state that takes up room; once with no job for comparison.
"""

from __future__ import annotations

import argparse
import asyncio
import socket
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import perf_counter

import aiohttp

from providers.sandbox import Sandbox
from studio import schema
from studio.database import Database
from studio.models import JobState
from tests.bench.crowd import crowd, fill, tell_discord, tell_provider
from tests.bench.figures import Figure, tell
from tests.bot_process import KEY, BotProcess
from tests.media_files import clip_mp4
from tests.wire_discord import wire_discord

MIX = (
    (JobState.RENDERING, 60),
    (JobState.QUEUED, 30),
    (JobState.PREPARING, 4),
    (JobState.RECEIVED, 3),
    (JobState.FETCHING, 3),
)
"""Of a hundred jobs each."""

LONGEST_SECONDS = 60.0


async def seconds_until_ready(count: int, root: Path) -> float:
    root.mkdir()
    database = Database(f"sqlite:///{root / 'bot.db'}")
    await schema.upgrade(database)
    now = datetime.now(UTC)
    of_hundred = [state for state, share in MIX for _ in range(share)]
    people = crowd([of_hundred[number * 37 % 100] for number in range(count)], now)
    if people:
        await fill(database, people, now)
    await database.close()
    clip = clip_mp4(root / "clip.mp4", seconds=3.2)
    tell_provider(root / "provider", people, clip=clip, ends={}, never=now + timedelta(days=1))
    async with wire_discord() as discord, Sandbox(root / "provider", key=KEY) as sandbox:
        tell_discord(discord, people)
        port = _free_port()
        settings = {"POLL_INTERVAL_SECONDS": "10", "HTTP_PORT": str(port), "MAX_CONCURRENT_JOBS": "8000"}
        bot = BotProcess(root, discord, sandbox, **settings)
        began = perf_counter()
        await bot.launch()
        try:
            await _ready(f"http://127.0.0.1:{port}/readyz")
            return perf_counter() - began
        finally:
            await bot.kill()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def _ready(url: str) -> None:
    async with asyncio.timeout(LONGEST_SECONDS), aiohttp.ClientSession() as session:
        while True:
            try:
                async with session.get(url) as response:
                    if response.status == 200:
                        return
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(0.02)


async def main(count: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        empty = await seconds_until_ready(0, Path(folder) / "empty")
        full = await seconds_until_ready(count, Path(folder) / "full")
    tell(
        [Figure("ready without jobs", empty, "s"), Figure("ready", full, "s", 5)],
        jobs=count,
        mix={state.value: share for state, share in MIX},
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("count", nargs="?", type=int, default=10_000)
    asyncio.run(main(parser.parse_args().count))

"""A conforming 60 MB video on its way through the real process: whether it stays as it is, and its memory.

`python -m tests.bench.bench_intake`: the bot as a child fetches picture and video from Discord, checks them
and uploads them to the sandbox. The first order after the start and a second one are measured.
"""

from __future__ import annotations

import asyncio
import hashlib
import sqlite3
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path
from time import perf_counter

from providers.sandbox import Sandbox
from tests.bench.bench_media_passthrough import MAKE
from tests.bench.figures import Figure, tell
from tests.bench.footprint import MB, Footprint
from tests.bot_process import KEY, ROOT, BotProcess, running_bot
from tests.media_files import picture_jpeg
from tests.wire_discord import WireDiscord, wire_discord

ORDERS = ("first order", "second order")
SETTLING_SECONDS = 5.0


def has_submitted(folder: Path, wanted: int) -> bool:
    with sqlite3.connect(folder / "bot.db") as connection:
        query = "SELECT count(*) FROM jobs WHERE provider_job_id IS NOT NULL"
        return int(connection.execute(query).fetchone()[0]) == wanted


def digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def copies(folder: Path, video: Path) -> int:
    """How many of the uploaded files are the video, byte for byte."""
    wanted, size = digest(video), video.stat().st_size
    found = [path for path in folder.rglob("*") if path.is_file() and path.stat().st_size == size]
    return sum(digest(path) == wanted for path in found)


async def measure(discord: WireDiscord, bot: BotProcess, root: Path, video: Path) -> list[Figure]:
    assert bot.process is not None
    footprint = Footprint(bot.process.pid)
    picture = picture_jpeg(root / "picture.jpg", size=(1536, 2048))
    figures = []
    for number, title in enumerate(ORDERS, start=1):
        await asyncio.sleep(SETTLING_SECONDS)
        before = footprint.now()
        footprint.forget_peak()
        began = perf_counter()
        await discord.order(picture, video)
        await discord.until(partial(has_submitted, root, number), seconds=180)
        figures += [
            Figure(
                f"60 MB video, {title}: additional memory at most", (footprint.peak() - before) / MB, "MB", 30
            ),
            Figure(f"60 MB video, {title}: resident before", before / MB, "MB"),
            Figure(f"60 MB video, {title}: until submitted", perf_counter() - began, "s"),
        ]
    return figures


async def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        video = root / "motion.mp4"
        subprocess.run([sys.executable, "-c", MAKE, str(video)], cwd=ROOT, check=True)  # noqa: ASYNC221  # before all
        async with (
            wire_discord() as discord,
            # Longer than this takes: what is rendered does not matter here.
            Sandbox(root / "provider", key=KEY, seconds=3600) as sandbox,
            running_bot(root, discord, sandbox) as bot,
        ):
            figures = await measure(discord, bot, root, video)
        same = copies(root / "provider" / "uploads", video)
        assert same == len(ORDERS), "the video did not arrive at the provider as it was"
        tell(figures, video_bytes=video.stat().st_size, identical_uploads=same)


if __name__ == "__main__":
    asyncio.run(main())

"""CPU for a clip's whole life, from the order to the closed card: this bot against one without durability.

`python -m tests.bench.bench_life [COUNT]`. Both are processes of their own that get the same COUNT orders,
one after the other; Discord and the sandbox are processes too, and not counted. The bots' children (the media
room's) are counted apart and in the whole. The peer is `tests.bench.minimal_bot`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.bench.bench_finish import SECRET, free_port
from tests.bench.discord_apart import DiscordApart, discord_apart
from tests.bench.figures import Figure, tell
from tests.bench.used import Used
from tests.bot_process import KEY, ROOT, BotProcess

LIMIT = 2.0
WARM_UP = 3
PROGRAMS = {"ours": [str(ROOT / "bot.py")], "minimal": ["-m", "tests.bench.minimal_bot"]}


@dataclass(frozen=True, slots=True)
class Address:
    """What `BotProcess` asks of a sandbox."""

    api_url: str
    key: str = KEY


@asynccontextmanager
async def sandbox_apart(folder: Path) -> AsyncIterator[Address]:
    options = ["--folder", str(folder), "--seconds", "1", "--key", KEY, "--webhook-secret", SECRET]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "providers.sandbox", *options, stdout=PIPE, cwd=ROOT
    )
    assert process.stdout is not None
    try:
        yield Address(json.loads(await process.stdout.readline())["api_url"])
    finally:
        process.terminate()
        await process.wait()


async def life(
    name: str, count: int, root: Path, discord: DiscordApart, sandbox: Address
) -> tuple[Used, int]:
    """Have so many clips made; return the CPU and the number of REST calls to Discord that they took."""
    root.mkdir()
    port, most = free_port(), str(count)
    bot = BotProcess(
        root,
        discord,
        sandbox,
        PYTHONPATH=str(ROOT),
        PIXELBYTE_WEBHOOK_SECRET=SECRET,
        HTTP_PORT=port,
        PUBLIC_URL=f"http://127.0.0.1:{port}",
        POLL_INTERVAL_SECONDS="180",
        MAX_CONCURRENT_JOBS=most,
        MAX_JOBS_PER_MEMBER=most,
        MAX_JOBS_PER_SERVER=most,
    )
    try:
        await bot.launch(program=PROGRAMS[name])
        await discord.ask("connected")
        await discord.ask(f"order {WARM_UP}")
        await discord.ask(f"wait {WARM_UP}")
        calls = await discord.ask("rest")
        assert bot.process is not None
        before = Used.by(bot.process.pid)
        await discord.ask(f"order {count}")
        await discord.ask(f"wait {WARM_UP + count}")
        calls = await discord.ask("rest") - calls
        return Used.by(bot.process.pid) - before, calls
    finally:
        await bot.kill()


async def main(count: int) -> None:
    used, calls = {}, {}
    with tempfile.TemporaryDirectory() as folder:
        async with sandbox_apart(Path(folder, "provider")) as sandbox:
            for name in PROGRAMS:
                async with discord_apart() as discord:
                    used[name], calls[name] = await life(name, count, Path(folder, name), discord, sandbox)
    ours, minimal = used["ours"], used["minimal"]
    whole = {name: one.own + one.children for name, one in used.items()}
    rows = [
        Figure(f"{name}: {what}", 1000 * seconds / count, "ms")
        for name, one in used.items()
        for what, seconds in (("the bot's process", one.own), ("its children", one.children))
    ]
    tell(
        [
            Figure(
                "CPU for a clip, children included: ours ÷ minimal",
                whole["ours"] / whole["minimal"],
                "×",
                LIMIT,
            ),
            Figure("the bot's process alone: ours ÷ minimal", ours.own / minimal.own, "×", LIMIT),
            *rows,
            *(Figure(f"{name}: calls to Discord for a clip", calls[name] / count, "") for name in PROGRAMS),
        ],
        count=count,
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("count", nargs="?", type=int, default=30)
    asyncio.run(main(parser.parse_args().count))

"""Requests to the provider for each finished job: told by webhooks, and found out by polling.

`python -m tests.bench.bench_requests [COUNT]`. Counted at the sandbox, by endpoint; what the sandbox reads of
the uploaded inputs by itself is left out. With webhooks COUNT small jobs run through; by polling all of them
are at the provider at once, for longer than the interval.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from collections import Counter
from pathlib import Path

from providers.sandbox import Options, Sandbox
from tests.bench.bench_finish import SECRET, free_port
from tests.bench.discord_apart import discord_apart
from tests.bench.figures import Figure, tell
from tests.bot_process import KEY, BotProcess

BY_WEBHOOK = 8.0
POLL_SECONDS = 180
BY_POLLING = BY_WEBHOOK + 0.3


async def counted(count: int, *, seconds: float, **settings: str) -> Counter[str]:
    """Have so many clips made, each rendered for so long, and count what was asked of the provider."""
    most = str(count)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        options = Options(renders=root / "renders")
        async with (
            discord_apart() as discord,
            Sandbox(
                root / "provider", key=KEY, webhook_secret=SECRET, seconds=seconds, options=options
            ) as at,
        ):
            limits = dict.fromkeys(
                ("MAX_CONCURRENT_JOBS", "MAX_JOBS_PER_MEMBER", "MAX_JOBS_PER_SERVER"), most
            )
            bot = BotProcess(root, discord, at, POLL_INTERVAL_SECONDS=str(POLL_SECONDS), **limits, **settings)
            try:
                await bot.launch()
                await discord.ask("connected")
                await discord.ask(f"order {count}")
                await discord.ask(f"wait {count}")
            finally:
                await bot.kill()
            return Counter(seen.on for seen in at.seen() if seen.on != "file")


def figures(title: str, asked: Counter[str], count: int, limit: float) -> list[Figure]:
    each = [Figure(f"{title}: {on}", number / count, "") for on, number in sorted(asked.items())]
    return [Figure(f"{title}: requests for a finished job", asked.total() / count, "", limit), *each]


async def main(count: int) -> None:
    port = free_port()
    told = await counted(
        count,
        seconds=2.0,
        HTTP_PORT=port,
        PUBLIC_URL=f"http://127.0.0.1:{port}",
        PIXELBYTE_WEBHOOK_SECRET=SECRET,
    )
    found = await counted(count, seconds=POLL_SECONDS + 60.0)
    tell(
        [
            *figures("told by webhooks", told, count, BY_WEBHOOK),
            *figures(f"polling every {POLL_SECONDS} s", found, count, BY_POLLING),
        ],
        count=count,
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("count", nargs="?", type=int, default=100)
    asyncio.run(main(parser.parse_args().count))

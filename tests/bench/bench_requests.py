"""Requests to the provider for each finished job: told by webhooks, and found out by polling.

`python -m tests.bench.bench_requests [COUNT]`. Counted at the sandbox, by endpoint; what the sandbox reads of
the uploaded inputs by itself is left out. POLL_INTERVAL_SECONDS is as shipped, 10 s. By polling, COUNT
renders of 180 s are at the provider at once. With webhooks they take 30 s, three intervals: enough for a
poller that asks at every interval to be seen. A stream of renders that end one after the other keeps some
render near its end at all times, which costs most of the list; `tests/test_polling.py` counts that, on a
clock that is moved.
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
TOLD_SECONDS, FOUND_SECONDS = 30.0, 180.0
AS_SHIPPED = {"POLL_INTERVAL_SECONDS": "10"}
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
            bot = BotProcess(root, discord, at, **AS_SHIPPED, **limits, **settings)
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
        seconds=TOLD_SECONDS,
        HTTP_PORT=port,
        PUBLIC_URL=f"http://127.0.0.1:{port}",
        PIXELBYTE_WEBHOOK_SECRET=SECRET,
    )
    tell(figures("told by webhooks", told, count, BY_WEBHOOK), count=count)
    found = await counted(count, seconds=FOUND_SECONDS)
    tell(figures("found by polling", found, count, BY_POLLING), count=count)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("count", nargs="?", type=int, default=100)
    asyncio.run(main(parser.parse_args().count))

"""Crashes by the hundred: SIGKILL at random moments under load, and what the books say afterwards.

python -m tests.bench.bench_crashes [--orders 210] [--kills 21] [--seed 1] [--database-url URL]
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.bench.figures import Figure, tell
from tests.crash_storm import Storm, rage
from tests.crash_world import crash_world


async def measure(storm: Storm, database_url: str | None) -> None:
    with tempfile.TemporaryDirectory(prefix="crashes-") as name:
        folder = Path(name)
        async with crash_world(folder, database_url or f"sqlite:///{folder / 'bot.db'}") as world:
            began = time.monotonic()
            await rage(world, storm, patience=1800)
            seconds = time.monotonic() - began
            world.check()
            states = Counter(world.states())
            answers, account = set(world.discord.answers.values()), world.sandbox.account
            [(unended,)] = world.rows("SELECT count(*) FROM jobs WHERE closed_at IS NULL")
            [(recorded,)] = world.rows("SELECT count(answer_id) FROM jobs")
            charged = world.rows("SELECT job_id FROM ledger WHERE kind = 'charge'")
            [(entered,)] = world.rows("SELECT coalesce(sum(amount_usd_micros), 0) FROM ledger")
    figures = [
        Figure("SIGKILLs", storm.kills, "", None),
        Figure("orders", len(world.tokens), "", None),
        Figure("orders that were charged twice", len(charged) - len(set(charged)), "", 0),
        Figure("orders without an end", unended, "", 0),
        Figure("ledger minus provider's books", abs(int(entered) - account.net), "usd_micros", 0),
        Figure("answers without an order", len(answers) - recorded, "", 0),
        Figure("time", seconds, "s", None),
    ]
    tell(figures, seed=storm.seed, states=dict(states), charges=len(account.charges))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--orders", type=int, default=210)
    parser.add_argument("--kills", type=int, default=21)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--database-url", default=None)
    given = parser.parse_args()
    asyncio.run(measure(Storm(seed=given.seed, orders=given.orders, kills=given.kills), given.database_url))


if __name__ == "__main__":
    main()

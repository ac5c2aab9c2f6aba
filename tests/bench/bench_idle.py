"""What the bot costs while nobody asks for anything: CPU and memory of the real process.

`python -m tests.bench.bench_idle [SECONDS]`: `python bot.py` as a child with 500 closed jobs in its database
and ten servers, watched for that long (60 s) after it has settled; once with the provider elsewhere, once
with `PROVIDER=sandbox` in the same process.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil
from sqlalchemy import update

from providers.sandbox import Sandbox
from studio import jobs, schema
from studio.database import Database
from studio.database import jobs as jobs_table
from studio.ids import new_job_id
from studio.models import JobState, Member, Order, Place, SourceFile, Wishes
from tests.bench.figures import Figure, tell
from tests.bot_process import KEY, running_bot
from tests.wire_discord import WireDiscord, _guild, wire_discord

CLOSED_JOBS, SERVERS, CHANNELS = 500, 10, 40
SETTLING_SECONDS = 15.0
# The test's child polls far more often than anybody's bot.
AS_SHIPPED = {"POLL_INTERVAL_SECONDS": "10", "RECONCILE_SECONDS": "300"}
MB = 1_000_000


async def fill(database: Database) -> None:
    """Bring the database to what a bot has behind it after some weeks."""
    await schema.upgrade(database)
    began = datetime.now(UTC) - timedelta(days=3)
    async with database.write() as connection:
        for number in range(CLOSED_JOBS):
            at = began + timedelta(minutes=number)
            source = SourceFile(url="http://127.0.0.1/x", filename="x.jpg", size=1, content_type="image/jpeg")
            order = Order(
                job_id=new_job_id(at),
                member=Member(4004 + number % 50, "Mira"),
                place=Place(guild_id=2002, channel_id=3003, interaction_token="gone"),
                picture=source,
                video=source,
                wishes=Wishes(),
                ordered_at=at,
            )
            await jobs.insert(connection, order)
        done = {"state": JobState.DELIVERED, "ended_at": began, "closed_at": began, "purged_at": began}
        await connection.execute(update(jobs_table).values(**done))


async def join_servers(discord: WireDiscord) -> None:
    for socket in discord.sockets:
        for number in range(1, SERVERS):
            guild: dict[str, Any] = _guild()
            guild["id"] = guild["roles"][0]["id"] = str(2002 + number * 100_000)
            guild["channels"] = [
                {**guild["channels"][0], "id": str(10**15 + number * 1000 + place)}
                for place in range(CHANNELS)
            ]
            await socket.event("GUILD_CREATE", guild)


async def watch(seconds: float, *, provider: str) -> list[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        database = Database(f"sqlite:///{root / 'bot.db'}")
        await fill(database)
        await database.close()
        async with wire_discord() as discord, Sandbox(root / "provider", key=KEY) as sandbox:
            settings = {**AS_SHIPPED, "PROVIDER": provider}
            async with running_bot(root, discord, sandbox, **settings) as bot:
                await join_servers(discord)
                await asyncio.sleep(SETTLING_SECONDS)
                assert bot.process is not None
                process = psutil.Process(bot.process.pid)
                before = process.cpu_times()
                await asyncio.sleep(seconds)
                after, memory = process.cpu_times(), process.memory_full_info()
                children = process.children(recursive=True)
                assert await bot.stop() == 0, bot.log
    used = after.user + after.system - before.user - before.system
    title = f"idle, provider {provider}"
    return [
        Figure(f"{title}: CPU", 100 * used / seconds, "% of a core", 1.0),
        Figure(f"{title}: resident", memory.rss / MB, "MB", 130.0),
        Figure(f"{title}: proportional (PSS)", memory.pss / MB, "MB"),
        Figure(f"{title}: its own alone (USS)", memory.uss / MB, "MB"),
        Figure(f"{title}: child processes", len(children), ""),
    ]


async def main(seconds: float) -> None:
    figures = []
    for provider in ("pixelbyte", "sandbox"):
        figures += await watch(seconds, provider=provider)
    tell(figures, seconds=seconds, closed_jobs=CLOSED_JOBS, servers=SERVERS)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("seconds", nargs="?", type=float, default=60.0)
    asyncio.run(main(parser.parse_args().seconds))

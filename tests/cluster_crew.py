"""One gateway and two workers as real processes on one PostgreSQL, and a rough day at work for them."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from time import perf_counter, time
from typing import Any

import psutil
import psycopg

from providers.sandbox import Options, Sandbox
from tests import sandbox_world
from tests.bot_process import KEY, ROOT, TOKEN
from tests.wire_discord import WireDiscord, wire_discord

CAP = 6
RENDER_SECONDS = 2.0
STANDSTILL_SECONDS = 16.0
LONGEST_SECONDS = 900.0
MORE_AT_ONCE = 6


class Member:
    """`python bot.py run --role …` as a child; `log` is what it has said so far, one JSON object a line."""

    def __init__(self, name: str, role: str, folder: Path, environment: dict[str, str]) -> None:
        self.name, self._role, self._folder = name, role, folder
        self._environment = environment
        self._path = folder / f"{name}.log"
        self.process: asyncio.subprocess.Process | None = None
        self.ids: set[int] = set()

    async def start(self) -> None:
        """Start it and wait until it is at work."""
        with self._path.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                sys.executable,
                str(ROOT / "bot.py"),
                "run",
                "--role",
                self._role,
                cwd=self._folder,
                env=self._environment,
                stdout=log,
                stderr=log,
            )
        async with asyncio.timeout(60):
            while not self.said("started"):
                assert self.process.returncode is None, self.text
                await asyncio.sleep(0.1)

    @property
    def text(self) -> str:
        return self._path.read_text() if self._path.exists() else ""

    def said(self, event: str) -> list[dict[str, Any]]:
        """Its log entries of this kind."""
        lines = [line for line in self.text.splitlines() if f'"{event}"' in line and line.startswith("{")]
        return [entry for entry in map(json.loads, lines) if entry["event"] == event]

    def send(self, number: signal.Signals) -> float:
        """Send a signal and return the moment."""
        assert self.process is not None
        self.process.send_signal(number)
        return time()

    def cpu_seconds(self) -> float:
        """What it has used so far, without its media children (they are gone when they have ended)."""
        assert self.process is not None
        times = psutil.Process(self.process.pid).cpu_times()
        return float(times.user + times.system)

    def media_seconds(self) -> float:
        """What its ended children have used."""
        assert self.process is not None
        times = psutil.Process(self.process.pid).cpu_times()
        return float(times.children_user + times.children_system)

    async def end(self) -> None:
        if self.process is not None and self.process.returncode is None:
            self.process.kill()
            await self.process.wait()


@dataclass
class Crew:
    """The processes with everything around them."""

    folder: Path
    url: str
    discord: WireDiscord
    sandbox: Sandbox
    gateway: Member
    workers: Sequence[Member]

    def states(self) -> Counter[str]:
        return Counter(row[0] for row in self.rows("SELECT state FROM jobs"))

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.url) as connection:
            return connection.execute(query).fetchall()

    def transactions(self) -> int:
        """How many transactions this database has seen; PostgreSQL counts with a second's delay."""
        [[number]] = self.rows(
            "SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = current_database()"
        )
        return int(number)

    def unclosed(self) -> int:
        return int(self.rows("SELECT count(*) FROM jobs WHERE closed_at IS NULL")[0][0])

    def is_at_work(self, worker: Member) -> bool:
        """Whether it is doing a step at the moment, as the database knows it."""
        query = "SELECT worker_id FROM procrastinate_jobs WHERE status = 'doing' AND task_name = 'advance'"
        return any(row[0] in worker.ids for row in self.rows(query))

    def waiting_rows(self) -> int:
        """How many wake-ups are due or being worked on."""
        due = "task_name = 'advance' AND (status = 'doing' OR scheduled_at IS NULL OR scheduled_at <= now())"
        return int(self.rows(f"SELECT count(*) FROM procrastinate_jobs WHERE {due}")[0][0])

    async def start(self) -> None:
        """Start everybody; the workers one after the other, so that their numbers are known."""
        await self.gateway.start()
        for worker in self.workers:
            known = set(self.worker_ids())
            await worker.start()
            async with asyncio.timeout(60):
                # One for the steps, one for leading.
                while len(worker.ids) < 2:
                    await asyncio.sleep(0.1)
                    worker.ids = set(self.worker_ids()) - known
        await self.discord.until(lambda: self.discord.sockets)

    def worker_ids(self) -> list[int]:
        if self.rows("SELECT to_regclass('procrastinate_workers')") == [(None,)]:
            return []
        return [row[0] for row in self.rows("SELECT id FROM procrastinate_workers")]

    async def stop_in_mid_job(self, worker: Member) -> float:
        """Stop the worker while it does something, and return the moment.

        Where the others were so quick that nothing is left for it, more is ordered.
        """
        async with asyncio.timeout(LONGEST_SECONDS):
            while True:
                moment = worker.send(signal.SIGSTOP)
                if self.is_at_work(worker):
                    return moment
                worker.send(signal.SIGCONT)
                if not self.unclosed():
                    await self.order(MORE_AT_ONCE)
                await asyncio.sleep(0.2)

    async def order(self, count: int) -> None:
        """Order so many clips more, and wait until all are answered and recorded."""
        wanted = len(self.discord.answers) + count
        for _ in range(count):
            await self.discord.order(sandbox_world.picture(), sandbox_world.clip())
        await self.discord.until(lambda: len(self.discord.answers) == wanted, seconds=120)
        async with asyncio.timeout(120):
            while self.states().total() < wanted:  # noqa: ASYNC110 - it happens in another process
                await asyncio.sleep(0.1)

    async def until_closed(self, most_left: int = 0) -> None:
        async with asyncio.timeout(LONGEST_SECONDS):
            while self.unclosed() > most_left:  # noqa: ASYNC110 - it happens in other processes
                await asyncio.sleep(0.25)

    def adopted(self) -> list[datetime]:
        """When which worker took something over from a silent one."""
        entries = [entry for worker in self.workers for entry in worker.said("adopted")]
        return sorted(datetime.fromisoformat(entry["timestamp"]) for entry in entries)


@dataclass(frozen=True, slots=True)
class Day:
    """What was measured on one day; times in seconds."""

    jobs: int
    wall: float
    adopted_after_stop: float
    adopted_after_kill: float
    adopted: int
    most_at_provider: int
    repeated_posts: int


@asynccontextmanager
async def crew(folder: Path, url: str, **settings: str) -> AsyncIterator[Crew]:
    """Start one gateway and two workers; everything ends with the context."""
    async with (
        wire_discord() as discord,
        Sandbox(
            folder / "provider",
            key=KEY,
            seconds=RENDER_SECONDS,
            options=Options(renders=Path(sandbox_world.workshop().name) / "renders"),
        ) as sandbox,
    ):
        environment = {
            "PATH": os.environ["PATH"],
            "DISCORD_TOKEN": TOKEN,
            "DISCORD_API_URL": discord.url,
            "DISCORD_GATEWAY_URL": discord.url.replace("http", "ws") + "/gateway/",
            "PIXELBYTE_API_URL": sandbox.api_url,
            "PIXELBYTE_API_KEY": sandbox.key,
            "DATABASE_URL": url,
            "STORAGE_URL": (folder / "files").as_uri(),
            "HTTP_PORT": "0",
            "POLL_INTERVAL_SECONDS": "1",
            # Longer than any standstill here: a lost order may be sent again only after this.
            "RECONCILE_SECONDS": "30",
            "MAX_CONCURRENT_JOBS": str(CAP),
            "MAX_JOBS_PER_MEMBER": "10000",
            "MAX_JOBS_PER_SERVER": "10000",
            "LOG_FORMAT": "json",
            **settings,
        }
        gateway = Member("gateway", "gateway", folder, environment)
        workers = [Member(name, "worker", folder, environment) for name in ("first", "second")]
        made = Crew(folder, url, discord, sandbox, gateway, workers)
        try:
            await made.start()
            yield made
        finally:
            for member in (gateway, *workers):
                await member.end()


async def rough_day(at: Crew, jobs: int) -> Day:
    """Order so many clips; stop one worker in mid-job and let it go on; then kill the other one for good."""
    began = perf_counter()
    first, second = at.workers
    await at.order(jobs)
    await at.until_closed(jobs * 3 // 4)
    stopped = await at.stop_in_mid_job(first)
    await asyncio.sleep(STANDSTILL_SECONDS)
    first.send(signal.SIGCONT)
    after_stop = [moment.timestamp() - stopped for moment in at.adopted()]
    await at.until_closed(jobs // 2)
    await at.stop_in_mid_job(second)
    killed = second.send(signal.SIGKILL)
    await at.until_closed()
    wall = perf_counter() - began
    # The last wake-ups find that there is nothing to do.
    async with asyncio.timeout(LONGEST_SECONDS):
        while at.waiting_rows():  # noqa: ASYNC110 - it happens in another process
            await asyncio.sleep(0.25)
    after_kill = [moment.timestamp() - killed for moment in at.adopted() if moment.timestamp() > killed]
    return Day(
        jobs=at.states().total(),
        wall=wall,
        adopted_after_stop=max(after_stop, default=0.0),
        adopted_after_kill=max(after_kill, default=0.0),
        adopted=len(at.adopted()),
        most_at_provider=most_at_once(at.sandbox),
        repeated_posts=repeated_posts(at.discord),
    )


def most_at_once(sandbox: Sandbox) -> int:
    """How many renders were at the provider at the same time, at most."""
    moments = [(job.created_at, 1) for job in sandbox.jobs]
    moments += [(job.completed_at, -1) for job in sandbox.jobs if job.completed_at is not None]
    now = most = 0
    for _, step in sorted(moments):
        now += step
        most = max(most, now)
    return most


def repeated_posts(discord: WireDiscord) -> int:
    """How many messages were sent again with a nonce that Discord had seen already."""
    nonces = Counter(
        call.body["nonce"]
        for call in discord.calls
        if call.method == "POST" and isinstance(call.body, dict) and call.body.get("nonce")
    )
    return sum(number - 1 for number in nonces.values())

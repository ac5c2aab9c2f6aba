"""From the webhook to the final message, one job at a time and many jobs finishing together.

`python -m tests.bench.bench_finish [TOGETHER] [SINGLES]`. Measured from the moment before a signed webhook's
first byte is written to the moment at which Discord has the headers of the request that posts the clip, and
to its answer. What lies between is real: the status read, the download and the check of the result (on
loopback), the records, and the wait for Discord's budget. Discord and the bot are processes of their own.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import socket
import sqlite3
import statistics
import tempfile
import time
from pathlib import Path
from urllib.parse import urlsplit

from providers.sandbox import Options, Ring, Sandbox
from providers.sandbox.webhooks import sign
from tests.bench.discord_apart import DiscordApart, discord_apart
from tests.bench.figures import Figure, tell
from tests.bench.used import Used
from tests.bot_process import KEY, BotProcess

SECRET = "whsec_bench"
P50_LIMIT, P99_LIMIT = 150.0, 1000.0


class World:
    """Bot, Discord and sandbox, whose webhooks are sent by us."""

    def __init__(self, root: Path, discord: DiscordApart, sandbox: Sandbox) -> None:
        self._root = root
        self._discord = discord
        self._sandbox = sandbox
        self._finished: set[str] = set()
        self._clips = 0
        self.shares: dict[str, float] = {}

    async def order(self, count: int) -> None:
        """Have so many more jobs rendered; the bot does not know yet."""
        await self._discord.ask(f"order {count}")
        async with asyncio.timeout(300):
            while len(self._waiting()) < count or self._rendering() < count:  # noqa: ASYNC110 - another process's database
                await asyncio.sleep(0.2)
        # Cards and records of the submits come to rest.
        await asyncio.sleep(2)

    async def share(self, bot: int, count: int) -> list[tuple[float, float]]:
        """Finish so many and note who used how much CPU until the last was posted, in ms for each clip."""
        pids = {"Discord's stand-in": self._discord.pid, "the sandbox and this benchmark": os.getpid()}
        before = Used.by(bot), {name: Used.by(pid).own for name, pid in pids.items()}
        times = await self.finish(count)
        spent = Used.by(bot) - before[0]
        seconds = {name: Used.by(pid).own - before[1][name] for name, pid in pids.items()}
        seconds |= {"the bot's process": spent.own, "its media children": spent.children}
        self.shares = {name: 1000 * second / count for name, second in seconds.items()}
        return times

    async def finish(self, count: int) -> list[tuple[float, float]]:
        """Ring for so many at once; return for each the milliseconds to the clip's request and answer."""
        chosen = self._waiting()[:count]
        self._finished.update(chosen)
        rung = dict(zip(chosen, await asyncio.gather(*map(self._ring, chosen)), strict=True))
        self._clips += count
        await self._discord.ask(f"wait {self._clips}")
        threads = self._threads()
        posts = {}
        for call in await self._discord.calls():
            if call.is_post:
                posts[call.channel] = call
        found = [(rung[job], posts[threads[job]]) for job in chosen]
        return [(1000 * (call.began - began), 1000 * (call.ended - began)) for began, call in found]

    async def _ring(self, provider_job_id: str) -> float:
        job = next(job for job in self._sandbox.jobs if job.id == provider_job_id)
        assert job.webhook_url
        url = urlsplit(job.webhook_url)
        body = json.dumps({"jobId": job.id, "status": "completed"}).encode()
        stamp = str(int(time.time()))
        head = (
            f"POST {url.path} HTTP/1.1\r\nHost: {url.netloc}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\nConnection: close\r\nX-PixelByte-Timestamp: {stamp}\r\n"
            f"X-PixelByte-Signature: {sign(SECRET, stamp, body)}\r\n\r\n"
        )
        reader, writer = await asyncio.open_connection(url.hostname, url.port)
        began = time.monotonic()
        writer.write(head.encode() + body)
        answer = await reader.read()
        assert answer.startswith(b"HTTP/1.1 204"), answer
        writer.close()
        return began

    def _waiting(self) -> list[str]:
        jobs = self._sandbox.jobs
        return [job.id for job in jobs if job.status == "completed" and job.id not in self._finished]

    def _rendering(self) -> int:
        [[number]] = self._rows("SELECT count(*) FROM jobs WHERE state = 'rendering'")
        return int(number)

    def _threads(self) -> dict[str, str]:
        return {key: str(thread) for key, thread in self._rows("SELECT provider_job_id, thread_id FROM jobs")}

    def _rows(self, query: str) -> list[tuple[object, ...]]:
        with sqlite3.connect(self._root / "bot.db") as connection:
            return connection.execute(query).fetchall()


def figures(title: str, times: list[tuple[float, float]]) -> list[Figure]:
    began, ended = ([pair[which] for pair in times] for which in (0, 1))
    return [
        Figure(f"{title}: webhook to the clip's request, p50", statistics.median(began), "ms", P50_LIMIT),
        Figure(f"{title}: the same, p99 (the slowest of {len(times)})", max(began), "ms", P99_LIMIT),
        Figure(f"{title}: webhook to Discord's answer, p50", statistics.median(ended), "ms"),
        Figure(f"{title}: the same, p99", max(ended), "ms"),
    ]


def free_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return str(server.getsockname()[1])


async def measure(together: int, singles: int) -> list[Figure]:
    port, most = free_port(), str(together + singles)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        options = Options(renders=root / "renders")
        async with (
            discord_apart() as discord,
            Sandbox(root / "provider", key=KEY, seconds=0.5, options=options) as sandbox,
        ):
            sandbox.faults.add(Ring(silent=True, times=None))
            bot = BotProcess(
                root,
                discord,
                sandbox,
                PIXELBYTE_WEBHOOK_SECRET=SECRET,
                HTTP_PORT=port,
                PUBLIC_URL=f"http://127.0.0.1:{port}",
                POLL_INTERVAL_SECONDS="3600",
                MAX_CONCURRENT_JOBS=most,
                MAX_JOBS_PER_MEMBER=most,
                MAX_JOBS_PER_SERVER=most,
            )
            try:
                await bot.launch()
                await discord.ask("connected")
                world = World(root, discord, sandbox)
                await world.order(together + singles)
                alone = [one for _ in range(singles) for one in await world.finish(1)]
                await asyncio.sleep(2)
                assert bot.process is not None
                crowd = await world.share(bot.process.pid, together)
            finally:
                await bot.kill()
    return [
        *figures("one at a time", alone),
        *figures(f"{together} together", crowd),
        *(Figure(f"the same: CPU of {name}, each clip", used, "ms") for name, used in world.shares.items()),
    ]


async def main(together: int, singles: int) -> None:
    tell(await measure(together, singles), together=together, singles=singles)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("together", nargs="?", type=int, default=50)
    parser.add_argument("singles", nargs="?", type=int, default=20)
    given = parser.parse_args()
    asyncio.run(main(given.together, given.singles))

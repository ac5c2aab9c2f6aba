"""CPU between an interaction's arrival and its answer on the wire: this bot against one that only answers.

`python -m tests.bench.bench_ack [COUNT] [--profile FILE]`. Both bots run in this process on one loop, as real
discord.py clients of a Discord in another process, and are asked in turn with the same order. Measured from
the gateway's message to the moment at which the callback's request has been handed to the kernel.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import cProfile
import statistics
import sys
import tempfile
import time
from asyncio import selector_events
from asyncio.subprocess import PIPE
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import discord
from discord import app_commands
from discord.ext import commands
from discord.gateway import DiscordWebSocket

import bot
from cogs import endpoints
from cogs.animate import Prompt
from studio import logs
from studio.settings import read_settings
from tests.bench.ack_discord import BOTS
from tests.bench.figures import Figure, tell

WARM_UP = 50
CALLBACK = b"POST /api/v10/interactions/"


class Peer(commands.AutoShardedBot):
    """The least that a bot with this command can do."""

    def __init__(self) -> None:
        super().__init__(command_prefix=commands.when_mentioned, intents=discord.Intents(guilds=True))

    async def setup_hook(self) -> None:
        self.tree.add_command(_fixed)
        await self.tree.sync()


@app_commands.command(name="animate", description="Animate")
@app_commands.choices(
    orientation=[app_commands.Choice(name=name, value=name) for name in ("video", "image")],
    shot_type=[app_commands.Choice(name=name, value=name) for name in ("customize", "intelligent")],
)
async def _fixed(
    interaction: discord.Interaction[discord.Client],
    image: discord.Attachment,
    video: discord.Attachment,
    prompt: Prompt = "",
    negative_prompt: Prompt = "",
    orientation: str | None = None,
    keep_sound: bool = True,
    shot_type: str = "customize",
    notify: bool = True,
) -> None:
    await interaction.response.send_message("fixed")


@dataclass(frozen=True, slots=True)
class Stamp:
    """Seconds of CPU (this thread's, all threads') and of the clock."""

    thread: float
    process: float
    wall: float

    @classmethod
    def now(cls) -> Stamp:
        return cls(time.thread_time(), time.process_time(), time.perf_counter())

    def __sub__(self, other: Stamp) -> Stamp:
        return Stamp(self.thread - other.thread, self.process - other.process, self.wall - other.wall)


class StopWatch:
    """Stamps each interaction's arrival and the departure of its answer."""

    def __init__(self, profile: cProfile.Profile | None) -> None:
        self.answers: dict[str, list[Stamp]] = defaultdict(list)
        self.wholes: dict[str, list[Stamp]] = defaultdict(list)
        self._latest: tuple[str, Stamp] | None = None
        self._arrived: tuple[str, Stamp] | None = None
        self._profile = profile

    def arrive(self, name: str) -> None:
        if self._profile is not None and name == "ours":
            self._profile.enable()
        self._arrived = name, Stamp.now()
        if self._latest is not None:
            self.wholes[self._latest[0]].append(self._arrived[1] - self._latest[1])
        self._latest = self._arrived

    def depart(self, data: bytes) -> None:
        if self._arrived is None or bytes(data[: len(CALLBACK)]) != CALLBACK:
            return
        name, began = self._arrived
        self.answers[name].append(Stamp.now() - began)
        self._arrived = None
        if self._profile is not None:
            self._profile.disable()


@contextmanager
def watched(watch: StopWatch) -> Iterator[None]:
    """Put the watch where events come in and where bytes go out."""
    received = DiscordWebSocket.received_message
    transport = selector_events._SelectorSocketTransport  # type: ignore[attr-defined]  # both ends of all I/O
    write, writelines = transport.write, transport.writelines

    async def stamped_received(self: Any, message: Any, /) -> None:
        watch.arrive(self.token)
        await received(self, message)

    def stamped_write(self: Any, data: bytes) -> None:
        write(self, data)
        watch.depart(data)

    def stamped_writelines(self: Any, parts: Any) -> None:
        parts = list(parts)
        writelines(self, parts)
        watch.depart(parts[0])

    DiscordWebSocket.received_message = stamped_received  # type: ignore[method-assign]
    transport.write, transport.writelines = stamped_write, stamped_writelines
    try:
        yield
    finally:
        DiscordWebSocket.received_message = received  # type: ignore[method-assign]
        transport.write, transport.writelines = write, writelines


async def measure(count: int, profile: cProfile.Profile | None) -> StopWatch:
    server = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.bench.ack_discord", str(count + WARM_UP), stdin=PIPE, stdout=PIPE
    )
    assert server.stdin is not None
    assert server.stdout is not None
    url = (await server.stdout.readline()).decode().strip()
    gateway = url.replace("http", "ws") + "/gateway/"
    endpoints.use_rest(url)
    watch = StopWatch(profile)
    with tempfile.TemporaryDirectory() as folder, watched(watch):
        # The engine stays off: only the work before the answer and the record of the order are done.
        async with bot.open_house(_settings(Path(folder), url)) as house:
            peer = Peer()
            connections = []
            for name, client in zip(BOTS, (house.client, peer), strict=True):
                await client.login(name)
                endpoints.use_gateway(client, gateway)
                connections.append(asyncio.create_task(client.connect()))
            await server.stdout.readline()
            for client in (house.client, peer):
                await client.close()
            for connection in connections:
                connection.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.gather(*connections)
    server.stdin.close()
    await server.wait()
    return watch


def _settings(folder: Path, url: str) -> Any:
    return read_settings(
        {
            "DISCORD_TOKEN": "ours",
            "DISCORD_API_URL": url,
            "PIXELBYTE_API_URL": "http://127.0.0.1:9",
            "PIXELBYTE_API_KEY": "unused",
            "DATABASE_URL": f"sqlite:///{folder / 'bot.db'}",
            "STORAGE_URL": (folder / "files").as_uri(),
            "HTTP_PORT": "0",
            "MAX_JOBS_PER_SERVER": "100000",
            "MAX_JOBS_PER_MEMBER": "10000",
        }
    )


def compare(title: str, stamps: dict[str, list[Stamp]], what: str, limit: float | None) -> list[Figure]:
    ours, peers = (
        statistics.median(getattr(stamp, what) for stamp in stamps[name][WARM_UP:]) * 1e6 for name in BOTS
    )
    return [
        Figure(f"{title}: this bot", ours, "µs"),
        Figure(f"{title}: fixed answer", peers, "µs"),
        Figure(f"{title}: ratio", ours / peers, "×", limit),
    ]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("count", nargs="?", type=int, default=300)
    parser.add_argument("--profile", type=Path, default=None)
    options = parser.parse_args()
    profile = cProfile.Profile() if options.profile else None
    logs.configure(as_json=False)
    watch = asyncio.run(measure(options.count, profile))
    assert {name: len(all_) for name, all_ in watch.answers.items()} == dict.fromkeys(
        BOTS, options.count + WARM_UP
    )
    figures = []
    for what, limit in (("process", 1.3), ("thread", None), ("wall", None)):
        figures += compare(f"before the ack, {what}", watch.answers, what, limit)
    figures += compare("with all that follows, process", watch.wholes, "process", None)
    tell(figures, interactions_each=options.count)
    if profile is not None:
        profile.dump_stats(options.profile)


if __name__ == "__main__":
    main()

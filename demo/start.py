"""Starting the demo: the bot's house with its sandbox, a simulated Discord around it, a page or an errand."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import signal
import sys
import tempfile
import webbrowser
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Protocol

from discord.ext import commands

from demo.once import Errand, run_errand
from demo.page import Page
from demo.world import World
from studio import logs
from studio.engine import Engine
from studio.motions.keeping import Keeper
from studio.settings import Settings
from studio.texts import say as words

SANDBOX_SECONDS = 8.0
GRACE_SECONDS = 3.0
USAGE_PROBLEM = 2


class House(Protocol):
    """What the composition root joins: the bot and the engine beside it."""

    @property
    def client(self) -> commands.AutoShardedBot: ...

    @property
    def engine(self) -> Engine: ...


OpenHouse = Callable[..., AbstractAsyncContextManager[House]]
"""`bot.open_house`: settings, `attachment_host=`, `sandbox_seconds=`, `shard_count=`."""


def start_demo(parsed: argparse.Namespace, open_house: OpenHouse) -> int:
    """Run the demo as the command line asks for it, and return the exit code."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a terminal without emoji is no reason to stop
    logs.configure(as_json=False)
    logging.getLogger().setLevel(logging.WARNING)
    errand = _errand(parsed) if parsed.once else None
    if errand is not None and (problem := _problem(errand)):
        say(problem)
        return USAGE_PROBLEM
    return asyncio.run(_demo(open_house, errand, port=parsed.port))


def say(line: str) -> None:
    """Write one line for the person at the terminal, at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _errand(parsed: argparse.Namespace) -> Errand:
    picture, video = parsed.once
    options = {"prompt": parsed.prompt, "orientation": parsed.orientation, "keep_sound": parsed.keep_sound}
    given = {name: value for name, value in options.items() if value is not None}
    return Errand(picture=picture, video=video, out=parsed.out, options=given)


def _problem(errand: Errand) -> str | None:
    for path in (errand.picture, errand.video):
        if not path.is_file():
            return f"There is no file {path}."
    if errand.out.is_dir() or not errand.out.absolute().parent.is_dir():
        return f"The clip cannot be written to {errand.out}: name a file in a folder that exists."
    return None


async def _demo(open_house: OpenHouse, errand: Errand | None, *, port: int) -> int:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    with tempfile.TemporaryDirectory(prefix="animate-demo-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        async with inhabited(open_house, folder, furnished=errand is None) as world:
            if errand is None:
                return await _show(world, folder, stop, port=port)
            return await _send(world, errand, folder, stop)


@asynccontextmanager
async def inhabited(
    open_house: OpenHouse,
    folder: Path,
    *,
    sandbox_seconds: float = SANDBOX_SECONDS,
    furnished: bool = False,
) -> AsyncIterator[World]:
    """Give a world with the real bot in it, at work; everything that it writes is below `folder`.

    `furnished`: a drawn motion is put into the server's library meanwhile.
    """
    settings = Settings(
        provider="sandbox",
        database_url=f"sqlite:///{folder / 'bot.db'}",
        storage_url=(folder / "files").as_uri(),
        http_port=0,
        poll_interval_seconds=1.0,
    )
    world = World()
    async with AsyncExitStack() as stack:
        stack.push_async_callback(world.stop)
        house = await stack.enter_async_context(
            open_house(
                settings,
                attachment_host=world.cdn_host,
                sandbox_seconds=sandbox_seconds,
                shard_count=1,
            )
        )
        await world.start(house.client)
        stack.push_async_callback(house.client.close)
        # When the engine breaks, the group ends the demo with its error: nothing would ever be finished.
        async with asyncio.TaskGroup() as group:
            engine = group.create_task(house.engine.run())
            furnishing = group.create_task(_furnish(house, world)) if furnished else None
            try:
                yield world
            finally:
                if furnishing is not None:
                    furnishing.cancel()
                await house.engine.stop(grace_seconds=GRACE_SECONDS)
                engine.cancel()


async def _furnish(house: House, world: World) -> None:
    keeper = Keeper(guild_id=world.guild.id, member_id=world.moderator.id)
    await house.engine.studio.motions.keeping.add_drawn(
        keeper, name=words("drawn_motion_name"), tags=words("drawn_motion_tags")
    )


async def _show(world: World, folder: Path, stop: asyncio.Event, *, port: int) -> int:
    page = Page(world, folder)
    try:
        await page.start(port)
    except OSError:
        await page.stop()
        page = Page(world, folder)
        await page.start()
    try:
        say(f"The demo is ready:  {page.address}")
        say("Discord is simulated, clips are drawn by a sandbox on this machine, nothing costs money.")
        say("Ctrl-C ends it and deletes everything.")
        if _has_screen():
            await asyncio.to_thread(webbrowser.open, page.address)
        await stop.wait()
    finally:
        await page.stop()
    return 0


def _has_screen() -> bool:
    # Without one, Python would open a text browser in the demo's own terminal.
    if sys.platform in {"darwin", "win32"}:
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


async def _send(world: World, errand: Errand, folder: Path, stop: asyncio.Event) -> int:
    running = asyncio.create_task(run_errand(world, errand, folder=folder, say=say))
    stopped = asyncio.create_task(stop.wait())
    await asyncio.wait((running, stopped), return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    if running.done():
        return running.result()
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running
    return 1

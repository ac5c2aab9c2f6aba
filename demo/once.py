"""One clip without a browser: a simulated member runs `/animate`, and the clip is written to a file."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from demo.transcript import Transcript
from demo.waiting import eventually
from demo.world import ImpossibleError, World

GIVE_UP_SECONDS = 1800.0
QUIET_SECONDS = 1.0
LONGEST_FAREWELL_SECONDS = 10.0
LARGEST_CLIP_BYTES = 500_000_000
_LINK_STYLE = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    """Which files to animate, where the clip goes, and the command's other options by their names."""

    picture: Path
    video: Path
    out: Path
    options: Mapping[str, Any] = field(default_factory=dict)


async def run_errand(world: World, errand: Errand, *, folder: Path, say: Callable[[str], None]) -> int:
    """Have the member order the clip, say the conversation, and return the exit code.

    0: the clip is at `errand.out`; 1: the bot refused or failed, and what it said was said.
    """
    transcript = Transcript(world, world.member, say)
    try:
        files = {
            "image": (errand.picture.name, await _copy(errand.picture, folder / "picture")),
            "video": (errand.video.name, await _copy(errand.video, folder / "video")),
        }
        say(f"Mira › {_typed(errand)}")
        result = await world.slash(world.member, world.clips, "animate", **files, **errand.options)
        if not result.acknowledged:
            say("The application did not respond.")
        if not result.acknowledged or result.ephemeral:
            return 1
        outcome = await eventually(lambda: _outcome(world), within_seconds=GIVE_UP_SECONDS)
        saved = await _save(world, outcome, errand.out)
        await _until_quiet(world)
    except ImpossibleError as error:
        say(str(error))
        return 1
    except TimeoutError:
        say(f"No clip after {GIVE_UP_SECONDS / 60:.0f} minutes.")
        return 1
    finally:
        transcript.close()
    if saved:
        say(f"Saved: {errand.out}")
    return 0 if saved else 1


def _typed(errand: Errand) -> str:
    options = {"image": errand.picture.name, "video": errand.video.name, **errand.options}
    return " ".join(["/animate", *(f"{name}: {value}" for name, value in options.items())])


async def _copy(source: Path, target: Path) -> Path:
    # The world moves what it is given; these files are the user's own.
    return Path(await asyncio.to_thread(shutil.copyfile, source, target))


def _outcome(world: World) -> dict[str, Any] | None:
    """The message that tells how it ended: the one that rings the member's phone."""
    for place in (world.clips, *world.threads()):
        for message in world.messages(place.id):
            by_bot = message["author"]["id"] == str(world.bot_id)
            if by_bot and world.was_pinged(world.member, message):
                return message
    return None


async def _save(world: World, outcome: dict[str, Any], out: Path) -> bool:
    part = out.with_name(f"{out.name}.part")
    for attachment in outcome["attachments"]:
        stored = world.cdn.file(int(attachment["id"]))
        if stored is not None and stored.content_type.startswith("video/"):
            await asyncio.to_thread(shutil.copyfile, stored.path, part)
            await asyncio.to_thread(part.replace, out)
            return True
    link = next(
        (
            each["url"]
            for row in outcome["components"]
            for each in row.get("components", [])
            if _is_link(each)
        ),
        None,
    )
    if link is None:
        return False
    await _download(link, part)
    await asyncio.to_thread(part.replace, out)
    return True


def _is_link(component: dict[str, Any]) -> bool:
    return component.get("style") == _LINK_STYLE


async def _download(address: str, target: Path) -> None:
    timeout = aiohttp.ClientTimeout(total=300, sock_read=30)
    async with aiohttp.ClientSession(timeout=timeout) as session, session.get(address) as response:
        response.raise_for_status()
        size = 0
        with target.open("wb") as file:
            async for chunk in response.content.iter_chunked(1 << 20):
                size += len(chunk)
                if size > LARGEST_CLIP_BYTES:
                    raise ImpossibleError("The clip behind the link is too large.")
                await asyncio.to_thread(file.write, chunk)


async def _until_quiet(world: World) -> None:
    """Let the bot bring its messages to their last form, so that the transcript is whole."""
    changed = asyncio.Event()
    stop = world.subscribe(changed.set)
    try:
        async with asyncio.timeout(LONGEST_FAREWELL_SECONDS):
            while await _changes(changed):
                changed.clear()
    except TimeoutError:
        return  # it goes on talking; what matters has been said
    finally:
        stop()


async def _changes(changed: asyncio.Event) -> bool:
    try:
        return await asyncio.wait_for(changed.wait(), QUIET_SECONDS)
    except TimeoutError:
        return False

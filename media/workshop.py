"""The bot's side of the media room: each task runs in a child process with limits, a few at a time.

Nothing here imports a codec: the bot's own process stays small, and a hostile file can only hurt a child.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
import signal
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

from media.errors import MediaRefused, Reason, WorkshopFailed
from media.facts import Bar, ClipFacts, Kind, Making, PictureFacts, PreparedClip, PreparedPicture, Sight, Sign
from media.messages import DISK_IS_FULL, FULL_DISK, Report, Request, Result, read_answer, read_answers
from media.nudity import NUDITY
from media.recognise import recognise
from media.rounds import Rounds
from media.shift import Shift

T = TypeVar("T")

DEFAULT_SLOTS = 2
DEFAULT_MEMORY_BYTES = 3 * 1024**3
DEFAULT_SECONDS = 300.0
WARM_SECONDS = 30.0
"""How long the codecs stay loaded in the real bot after the last piece of work."""

LOOK_SECONDS = 60.0
LOOK_MEMORY_BYTES = 2 * 1024**3
"""For the model that finds nudity: it was seen to take 2 s for a clip, and 0.9 GiB of address space."""

PAIR_SECONDS = 30.0
"""Longer than anything takes that is done for picture and clip together."""

_FILE_BYTES = 512 * 1024**2
_SMALL_CLIP_BYTES = 16 * 1024**2
_MOST_TOGETHER = 8
_CPU_FACTOR = 4  # threads of one worker that may burn CPU at the same time
_CRASHES = frozenset(
    {
        signal.SIGSEGV,
        signal.SIGBUS,
        signal.SIGILL,
        signal.SIGFPE,
        signal.SIGABRT,
        signal.SIGTRAP,
        signal.SIGSYS,
    }
)
"""What ends a child in which a codec has a bug; the others stand for the limits that we set."""


class Workshop:
    """Prepares pictures and videos; every method raises `MediaRefused` (whose TOO_COMPLEX also stands for a
    task that was killed, ran out of memory or took longer than `seconds`, and whose CRASHED for a codec that
    broke down at the file), `WorkshopFailed`, or OSError when the disk takes nothing more.

    Targets appear whole or not at all. Cancelling a call kills its child; who shared it gets another.
    """

    def __init__(
        self,
        *,
        slots: int = DEFAULT_SLOTS,
        memory_bytes: int = DEFAULT_MEMORY_BYTES,
        seconds: float = DEFAULT_SECONDS,
        warm_seconds: float = 0.0,
        look_seconds: float = LOOK_SECONDS,
        signs: Sequence[Sign] = NUDITY,
    ) -> None:
        """`slots` children at once, each with this much address space and wall-clock time.

        The process that they are forked from stays for `warm_seconds` after the last one; close the workshop
        if that is more than none. `signs` is what `look` looks for, for `look_seconds` at most.
        """
        self._shift = Shift(warm_seconds=warm_seconds)
        self._slots = asyncio.Semaphore(slots)
        # Two rounds at a time: what comes meanwhile shares the next one.
        self._verifications = Rounds(self._verify_together, slots=asyncio.Semaphore(2), most=_MOST_TOGETHER)
        self._memory_bytes = memory_bytes
        self._seconds = seconds
        self._look_seconds = look_seconds
        self._signs = signs

    def warm_up(self) -> None:
        """A task will come soon: have the codecs loaded meanwhile, where they are kept at all."""
        self._shift.warm_up()

    async def close(self) -> None:
        """Leave no process behind; tasks that are still running fail."""
        await self._shift.close()

    async def recognise(self, path: Path) -> Kind:
        """Return what the file is by its content; needs no child."""
        ((kind, _),) = await self.recognise_all(path)
        return kind

    async def recognise_all(self, *paths: Path) -> list[tuple[Kind, int]]:
        """The same for several files, with the bytes that each of them has."""
        return await asyncio.to_thread(lambda: [(recognise(path), path.stat().st_size) for path in paths])

    async def prepare_picture(self, source: Path, target: Path, thumbnail: Path) -> PreparedPicture:
        """Write the picture as a JPEG within all limits, and a JPEG of at most 320 px a side."""
        result = await self._make("prepare_picture", source=source, target=target, thumbnail=thumbnail)
        assert isinstance(result, PreparedPicture)
        return result

    async def probe_clip(self, path: Path) -> ClipFacts:
        """Return what a member's video is; refuses what `prepare_clip` would refuse."""
        result = await self._run("probe_clip", source=path)
        assert isinstance(result, ClipFacts)
        return result

    async def verify_clip(self, path: Path) -> ClipFacts:
        """Return what a provider's result is, of any length, after decoding some of its frames.

        Small clips that wait for a slot share one child; what is not right with one of them is found out,
        and told, by a child of its own.
        """
        result = await self._verifications.ask(path) if _is_small(path) else None
        if result is None:
            result = await self._run("verify_clip", source=path)
        assert isinstance(result, ClipFacts)
        return result

    async def draw_poster(self, source: Path, target: Path) -> PictureFacts:
        """Write the first good frame of a provider's result as a JPEG of at most 960 px a side."""
        result = await self._make("draw_poster", source=source, target=target)
        assert isinstance(result, PictureFacts)
        return result

    async def prepare_clip(self, source: Path, target: Path, poster: Path, *, longest: float) -> PreparedClip:
        """Write the video as an MP4 within all limits, at most `longest` seconds, and a poster (JPEG)."""
        result = await self._make(
            "prepare_clip", source=source, target=target, poster=poster, longest=longest
        )
        assert isinstance(result, PreparedClip)
        return result

    async def prepare_pair(
        self, picture: Making, clip: Making, *, longest: float
    ) -> tuple[PreparedPicture | None, PreparedClip | None]:
        """Do what `prepare_picture` and `prepare_clip` do in one child, as far as that is soon done.

        None stands for what that child did not make, for whatever reason: a child of its own makes it, or
        says why not.
        """
        arguments = {"picture": picture.named("thumbnail"), "clip": clip.named("poster"), "longest": longest}
        most = min(self._seconds, PAIR_SECONDS)
        try:
            with _scrap_beside(clip.target) as scrap:
                async with self._slots:
                    report = await self._report("prepare_pair", arguments | {"scrap": scrap}, seconds=most)
                ready, moving = _understood("prepare_pair", report, read_answers)
        except (MediaRefused, WorkshopFailed):
            # Which of them it was, each will say by itself.
            return None, None
        assert ready is None or isinstance(ready, PreparedPicture)
        assert moving is None or isinstance(moving, PreparedClip)
        return ready, moving

    async def fit_clip(self, source: Path, target: Path, *, max_bytes: int) -> ClipFacts:
        """Write the clip with at most `max_bytes`; TOO_LARGE when that cannot be done decently."""
        result = await self._make("fit_clip", source=source, target=target, max_bytes=max_bytes)
        assert isinstance(result, ClipFacts)
        return result

    async def draw_preview(self, source: Path, target: Path) -> PictureFacts:
        """Write the first seconds of a prepared video as a small GIF that loops."""
        result = await self._make("draw_preview", source=source, target=target)
        assert isinstance(result, PictureFacts)
        return result

    async def draw_motion(self, target: Path) -> ClipFacts:
        """Write a drawn video of 4 s, for those who only try things out."""
        result = await self._make("draw_motion", target=target)
        assert isinstance(result, ClipFacts)
        return result

    async def draw_bars(self, bars: Sequence[Bar], target: Path) -> PictureFacts:
        """Write the bars as a PNG that is 780 px wide."""
        result = await self._make("draw_bars", bars=[asdict(bar) for bar in bars], target=target)
        assert isinstance(result, PictureFacts)
        return result

    async def look(self, sources: Sequence[Path]) -> Sight:
        """Return what the optional model sees in the first prepared picture or clip that shows any.

        Raises `WorkshopFailed` where `media.nudity.is_installed` is False, too.
        """
        named = {
            "sources": [str(source.absolute()) for source in sources],
            "signs": [asdict(sign) for sign in self._signs],
        }
        most = min(self._memory_bytes, LOOK_MEMORY_BYTES)
        async with self._slots:
            report = await self._report("look", named, seconds=self._look_seconds, memory_bytes=most)
        result = _understood("look", report, read_answer)
        assert isinstance(result, Sight)
        return result

    async def _make(self, task: str, *, target: Path, **arguments: Any) -> Result:
        with _scrap_beside(target) as scrap:
            return await self._run(task, target=target, scrap=scrap, **arguments)

    async def _run(self, task: str, **arguments: Any) -> Result:
        named = {
            name: str(value.absolute()) if isinstance(value, Path) else value
            for name, value in arguments.items()
        }
        async with self._slots:
            report = await self._report(task, named)
        return _understood(task, report, read_answer)

    async def _verify_together(self, clips: Sequence[Path]) -> Sequence[Result | None]:
        named = [str(path.absolute()) for path in clips]
        try:
            async with self._slots:
                report = await self._report("verify_clips", {"sources": named})
            results = _understood("verify_clips", report, read_answers)
        except (MediaRefused, WorkshopFailed):
            # Which of them it was, each will say by itself.
            results = []
        return results if len(results) == len(clips) else [None] * len(clips)

    async def _report(
        self,
        task: str,
        arguments: Mapping[str, Any],
        *,
        seconds: float | None = None,
        memory_bytes: int | None = None,
    ) -> Report:
        seconds = self._seconds if seconds is None else seconds
        request = Request(
            task=task,
            arguments=arguments,
            memory_bytes=memory_bytes or self._memory_bytes,
            cpu_seconds=max(1, int(seconds * _CPU_FACTOR)),
            file_bytes=_FILE_BYTES,
        )
        try:
            return await self._shift.carry_out(request, seconds=seconds)
        except TimeoutError:
            raise MediaRefused(Reason.TOO_COMPLEX, limit_seconds=seconds) from None


@asynccontextmanager
async def kept_warm() -> AsyncIterator[Workshop]:
    """A workshop whose codecs stay loaded for a while, closed at the end."""
    workshop = Workshop(warm_seconds=WARM_SECONDS)
    try:
        yield workshop
    finally:
        await workshop.close()


def _understood(task: str, report: Report, read: Callable[[str], T]) -> T:
    """A child that a signal ended did too much or met a codec's bug: either way this file cannot be used."""
    if report.exit_code < 0:
        reason = Reason.CRASHED if -report.exit_code in _CRASHES else Reason.TOO_COMPLEX
        raise MediaRefused(reason, signal=-report.exit_code)
    if (error := report.exit_code - FULL_DISK) in DISK_IS_FULL:
        raise OSError(error, os.strerror(error))
    if report.exit_code != 0:
        raise WorkshopFailed(task, report.exit_code, report.tail)
    try:
        return read(report.answer)
    except (ValueError, KeyError, TypeError) as error:
        words = f"{report.answer[-200:]!r} {report.tail}"
        raise WorkshopFailed(task, report.exit_code, words) from error


def _is_small(clip: Path) -> bool:
    return clip.stat().st_size <= _SMALL_CLIP_BYTES


@contextmanager
def _scrap_beside(target: Path) -> Iterator[str]:
    """Name a folder for a child's unfinished files, and delete it if the child did not come to that."""
    scrap = target.absolute().with_name(f".workshop-{secrets.token_hex(8)}")
    try:
        yield str(scrap)
    except BaseException:
        shutil.rmtree(scrap, ignore_errors=True)
        raise

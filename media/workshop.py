"""The bot's side of the media room: each task runs in a child process with limits, a few at a time.

Nothing here imports a codec: the bot's own process stays small, and a hostile file can only hurt a child.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import sys
import tempfile
from asyncio.subprocess import PIPE, Process
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from media.errors import MediaRefused, Reason, WorkshopFailed
from media.facts import Bar, ClipFacts, Kind, PictureFacts, PreparedClip, PreparedPicture
from media.messages import Request, Result, read_answer
from media.recognise import recognise

ROOT = Path(__file__).resolve().parent.parent

DEFAULT_SLOTS = 2
DEFAULT_MEMORY_BYTES = 3 * 1024**3
DEFAULT_SECONDS = 300.0

_FILE_BYTES = 512 * 1024**2
_ANSWER_BYTES = 64 * 1024
_TAIL_BYTES = 8 * 1024
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
_PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "TMPDIR", "SYSTEMROOT")


class Workshop:
    """Prepares pictures and videos; every method raises `MediaRefused` (whose TOO_COMPLEX also stands for a
    task that was killed, ran out of memory or took longer than `seconds`, and whose CRASHED for a codec that
    broke down at the file) or `WorkshopFailed`.

    Targets appear whole or not at all. Cancelling a call kills its child.
    """

    def __init__(
        self,
        *,
        slots: int = DEFAULT_SLOTS,
        memory_bytes: int = DEFAULT_MEMORY_BYTES,
        seconds: float = DEFAULT_SECONDS,
    ) -> None:
        """`slots` children at once, each with this much address space and wall-clock time."""
        self._slots = asyncio.Semaphore(slots)
        self._memory_bytes = memory_bytes
        self._seconds = seconds

    async def recognise(self, path: Path) -> Kind:
        """Return what the file is by its content; needs no child."""
        return await asyncio.to_thread(recognise, path)

    async def prepare_picture(self, source: Path, target: Path, thumbnail: Path) -> PreparedPicture:
        """Write the picture as a JPEG within all limits, and a JPEG of at most 320 px a side."""
        with _made_whole(target, thumbnail) as (new_target, new_thumbnail):
            result = await self._run(
                "prepare_picture", source=source, target=new_target, thumbnail=new_thumbnail
            )
        assert isinstance(result, PreparedPicture)
        return result

    async def probe_clip(self, path: Path) -> ClipFacts:
        """Return what a member's video is; refuses what `prepare_clip` would refuse."""
        result = await self._run("probe_clip", source=path)
        assert isinstance(result, ClipFacts)
        return result

    async def verify_clip(self, path: Path, poster: Path) -> ClipFacts:
        """Return what a provider's result is, of any length, after decoding its first frames.

        Its poster is a JPEG of the first good one.
        """
        with _made_whole(poster) as (new_poster,):
            result = await self._run("verify_clip", source=path, poster=new_poster)
        assert isinstance(result, ClipFacts)
        return result

    async def prepare_clip(self, source: Path, target: Path, poster: Path, *, longest: float) -> PreparedClip:
        """Write the video as an MP4 within all limits, at most `longest` seconds, and a poster (JPEG)."""
        with _made_whole(target, poster) as (new_target, new_poster):
            result = await self._run(
                "prepare_clip", source=source, target=new_target, poster=new_poster, longest=longest
            )
        assert isinstance(result, PreparedClip)
        return result

    async def fit_clip(self, source: Path, target: Path, *, max_bytes: int) -> ClipFacts:
        """Write the clip with at most `max_bytes`; TOO_LARGE when that cannot be done decently."""
        with _made_whole(target) as (new_target,):
            result = await self._run("fit_clip", source=source, target=new_target, max_bytes=max_bytes)
        assert isinstance(result, ClipFacts)
        return result

    async def draw_bars(self, bars: Sequence[Bar], target: Path) -> PictureFacts:
        """Write the bars as a PNG that is 780 px wide."""
        with _made_whole(target) as (new_target,):
            result = await self._run("draw_bars", bars=[asdict(bar) for bar in bars], target=new_target)
        assert isinstance(result, PictureFacts)
        return result

    async def _run(self, task: str, **arguments: Any) -> Result:
        request = Request(
            task=task,
            arguments={
                name: str(value.absolute()) if isinstance(value, Path) else value
                for name, value in arguments.items()
            },
            parent=os.getpid(),
            memory_bytes=self._memory_bytes,
            cpu_seconds=max(1, int(self._seconds * _CPU_FACTOR)),
            file_bytes=_FILE_BYTES,
        )
        async with self._slots:
            process = await _started()
            try:
                async with asyncio.timeout(self._seconds):
                    answer, tail = await _converse(process, request.to_line())
            except TimeoutError:
                raise MediaRefused(Reason.TOO_COMPLEX, limit_seconds=self._seconds) from None
            finally:
                await _ended(process)
        return _understood(task, process.returncode, answer, tail)


async def _started() -> Process:
    """The child gets no secrets: decoding is the one place where a stranger's bytes could take over."""
    environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    environment |= {"MALLOC_ARENA_MAX": "2", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "media.worker",
        stdin=PIPE,
        stdout=PIPE,
        stderr=PIPE,
        cwd=ROOT,
        env=environment,
        start_new_session=True,
    )


async def _converse(process: Process, line: bytes) -> tuple[bytes, bytes]:
    """Hand the request over and return the answer and the end of stderr; stdin stays open all the while."""
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # its exit code tells the story
        process.stdin.write(line)
        await process.stdin.drain()
    answer, tail, _ = await asyncio.gather(
        _last_bytes(process.stdout, _ANSWER_BYTES), _last_bytes(process.stderr, _TAIL_BYTES), process.wait()
    )
    return answer, tail


async def _last_bytes(stream: asyncio.StreamReader, most: int) -> bytes:
    kept = b""
    while chunk := await stream.read(4096):
        kept = (kept + chunk)[-most:]
    return kept


async def _ended(process: Process) -> None:
    """Leave nothing running, whatever happened."""
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
    assert process.stdin
    process.stdin.close()


def _understood(task: str, exit_code: int | None, answer: bytes, tail: bytes) -> Result:
    """A child that a signal ended did too much or met a codec's bug: either way this file cannot be used."""
    if exit_code is not None and exit_code < 0:
        reason = Reason.CRASHED if -exit_code in _CRASHES else Reason.TOO_COMPLEX
        raise MediaRefused(reason, signal=-exit_code)
    words = tail.decode("utf-8", "replace")
    if exit_code != 0:
        raise WorkshopFailed(task, exit_code, words)
    try:
        return read_answer(answer)
    except (ValueError, KeyError, TypeError) as error:
        raise WorkshopFailed(task, exit_code, f"{answer[-200:]!r} {words}") from error


@contextmanager
def _made_whole(*targets: Path) -> Iterator[tuple[Path, ...]]:
    """Give paths in a folder beside the targets; move the files into place only if all went well."""
    folder = Path(tempfile.mkdtemp(prefix=".workshop-", dir=targets[0].parent))
    try:
        made = tuple(folder / target.name for target in targets)
        yield made
        for new, target in zip(made, targets, strict=True):
            new.replace(target)
    finally:
        shutil.rmtree(folder, ignore_errors=True)

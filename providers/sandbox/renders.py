"""The drawing children and what they made: facts and clips, kept by the contents that they come from."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import secrets
import sys
from pathlib import Path
from typing import Any

_ROOT = Path(__file__).resolve().parents[2]
_AT_ONCE = 2
_PROBE_SECONDS = 60.0
_DRAW_SECONDS = 600.0
# Raised when the drawing changes, so that kept clips of an older one are not given out.
_EDITION = 1


class DrawingFailed(Exception):
    """The child ended without an answer: broken input, out of time or memory. Carries its last words."""


class Renders:
    """Facts and clips in one folder; the same inputs are never drawn twice."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._probing = asyncio.Semaphore(_AT_ONCE)
        self._drawing = asyncio.Semaphore(_AT_ONCE)

    def key(self, image: Path, video: Path, *, keep_sound: bool, shape_of: str) -> str:
        """The name of the clip; the inputs' file names are the digests of their contents."""
        parts = (str(_EDITION), image.name, video.name, str(keep_sound), shape_of)
        return hashlib.sha256("|".join(parts).encode()).hexdigest()[:32]

    def clip(self, key: str) -> Path:
        return self._folder / f"{key}.mp4"

    def poster(self, key: str) -> Path:
        return self._folder / f"{key}.mp4.jpg"

    async def probe(self, image: Path, video: Path) -> dict[str, Any]:
        """Say what the two files are. Raises `DrawingFailed`."""
        kept = self._folder / f"{image.name[:32]}-{video.name[:32]}.facts"
        if not kept.exists():
            async with self._probing:
                order = {"do": "probe", "image": str(image), "video": str(video)}
                facts = await _ask_child(order, seconds=_PROBE_SECONDS)
            _write_whole(kept, json.dumps(facts))
        found: dict[str, Any] = json.loads(kept.read_text())
        return found

    async def draw(self, image: Path, video: Path, *, keep_sound: bool, shape_of: str) -> str:
        """Have the clip drawn unless it is there, and return its key. Raises `DrawingFailed`."""
        key = self.key(image, video, keep_sound=keep_sound, shape_of=shape_of)
        async with self._drawing:
            if self.clip(key).exists():
                self._renew(key)
            else:
                await self._draw(key, image, video, keep_sound=keep_sound, shape_of=shape_of)
        return key

    def _renew(self, key: str) -> None:
        """Files live for an hour after they were last needed."""
        self.poster(key).touch()
        self.clip(key).touch()

    async def _draw(self, key: str, image: Path, video: Path, *, keep_sound: bool, shape_of: str) -> None:
        draft = _Draft(self._folder / f"{secrets.token_hex(8)}.draft")
        order = {
            "do": "render",
            "image": str(image),
            "video": str(video),
            "clip": str(draft.clip),
            "keep_sound": keep_sound,
            "shape_of": shape_of,
        }
        try:
            await _ask_child(order, seconds=_DRAW_SECONDS)
            draft.keep_as(self.clip(key), self.poster(key))
        finally:
            draft.discard()


class _Draft:
    """A clip and its poster while the child writes them."""

    def __init__(self, clip: Path) -> None:
        self.clip = clip
        self._poster = Path(f"{clip}.jpg")

    def keep_as(self, clip: Path, poster: Path) -> None:
        # The clip last: where it is, both are.
        self._poster.replace(poster)
        self.clip.replace(clip)

    def discard(self) -> None:
        self._poster.unlink(missing_ok=True)
        self.clip.unlink(missing_ok=True)


def _write_whole(path: Path, text: str) -> None:
    draft = path.with_name(f"{secrets.token_hex(8)}.draft")
    draft.write_text(text)
    draft.replace(path)


async def _ask_child(order: dict[str, Any], *, seconds: float) -> dict[str, Any]:
    """Run one child for one order. Its stdin stays open meanwhile: when that closes, the child ends."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "providers.sandbox_render",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=_ROOT,
        env=_environment(),
        # Ctrl-C is for the host; it ends us in its own order.
        start_new_session=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        async with asyncio.timeout(seconds):
            process.stdin.write(json.dumps(order).encode() + b"\n")
            answer, complaint = await asyncio.gather(_tail(process.stdout), _tail(process.stderr))
            code = await process.wait()
    except TimeoutError as error:
        raise DrawingFailed(f"no answer within {seconds:g} s") from error
    finally:
        process.stdin.close()
        if process.returncode is None:
            process.kill()
            await process.wait()
    if code:
        raise DrawingFailed(f"exit code {code}: {complaint.decode(errors='replace')}")
    found: dict[str, Any] = json.loads(answer)
    return found


async def _tail(stream: asyncio.StreamReader) -> bytes:
    kept = b""
    while chunk := await stream.read(4096):
        kept = (kept + chunk)[-4096:]
    return kept


def _environment() -> dict[str, str]:
    """Only what Python needs: the child reads strangers' files, so it is told no secrets."""
    names = (
        "PATH",
        "HOME",
        "LANG",
        "TMPDIR",
        "TEMP",
        "SYSTEMROOT",
        "PYTHONPATH",
        "VIRTUAL_ENV",
        "LD_LIBRARY_PATH",
    )
    return {name: os.environ[name] for name in names if name in os.environ} | {
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
    }

"""The inputs of a job: fetched over HTTP as the real service does, kept by the digest of their contents."""

from __future__ import annotations

import asyncio
import hashlib
import math
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from providers.sandbox.content import IMAGE_BYTES, VIDEO_BYTES, problem_with
from providers.sandbox.renders import DrawingFailed, Renders
from studio.values import is_loopback

_TIMEOUT = aiohttp.ClientTimeout(total=60, sock_read=20)


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """Both inputs as far as they could be had; `problem` is why the job must fail, `seconds` the length."""

    image: str | None
    video: str | None
    seconds: float | None
    problem: str | None


class _Unreachable(Exception):
    """The URL did not give the file; the message says why, in the provider's words."""


class Intake:
    """Fetches and examines. Only loopback addresses are fetched: this provider is for use on one machine."""

    def __init__(self, folder: Path, session: aiohttp.ClientSession, renders: Renders) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._session = session
        self._renders = renders

    def path(self, name: str) -> Path:
        return self._folder / name

    async def take(self, given: Mapping[str, Any]) -> Taken:
        """Fetch `image` and `video` and say what is wrong with them, if anything."""
        image, video = await asyncio.gather(
            self._fetched("Image", given["image"], IMAGE_BYTES),
            self._fetched("Video", given["video"], VIDEO_BYTES),
            return_exceptions=True,
        )
        names: list[str | None] = []
        problem = None
        for outcome in (image, video):
            if isinstance(outcome, _Unreachable):
                problem = problem or str(outcome)
            elif isinstance(outcome, BaseException):
                raise outcome
            names.append(None if isinstance(outcome, BaseException) else outcome)
        if isinstance(image, str) and isinstance(video, str):
            return await self._examined(image, video, given.get("character_orientation", "video"))
        return Taken(image=names[0], video=names[1], seconds=None, problem=problem)

    async def _examined(self, image: str, video: str, orientation: str) -> Taken:
        try:
            facts = await self._renders.probe(self.path(image), self.path(video))
        except DrawingFailed:
            return Taken(image=image, video=video, seconds=None, problem="Input probe failed.")
        seconds = facts["video"]["seconds"] if facts["video"] else None
        if seconds is not None and not math.isfinite(seconds):
            seconds = None
        problem = problem_with(facts, orientation)
        return Taken(image=image, video=video, seconds=seconds, problem=problem)

    async def _fetched(self, what: str, url: str, limit: int) -> str:
        if not is_loopback(urlsplit(url).hostname or ""):
            raise _Unreachable(f"{what.upper()}_INACCESSIBLE: the sandbox fetches loopback addresses only.")
        draft = self._folder / f"{secrets.token_hex(8)}.draft"
        try:
            digest = await self._download(what, url, draft, limit)
            draft.replace(self.path(digest))
        except (aiohttp.ClientError, TimeoutError) as error:
            raise _Unreachable(
                f"{what.upper()}_INACCESSIBLE: download failed ({type(error).__name__})."
            ) from error
        finally:
            draft.unlink(missing_ok=True)
        return digest

    async def _download(self, what: str, url: str, draft: Path, limit: int) -> str:
        async with self._session.get(url, allow_redirects=False, timeout=_TIMEOUT) as response:
            if response.status != 200:
                raise _Unreachable(f"{what.upper()}_INACCESSIBLE: download failed (HTTP {response.status}).")
            digest = hashlib.sha256()
            size = 0
            with await asyncio.to_thread(draft.open, "wb") as file:
                async for chunk in response.content.iter_chunked(1 << 18):
                    size += len(chunk)
                    if size > limit:
                        raise _Unreachable(f"{what} file size exceeds {limit >> 20}MB.")
                    await asyncio.to_thread(_append, file, digest, chunk)
            return digest.hexdigest()


def _append(file: Any, digest: Any, chunk: bytes) -> None:
    file.write(chunk)
    digest.update(chunk)

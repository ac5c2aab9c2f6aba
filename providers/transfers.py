"""Pouring the body of an answer into a file, piece by piece and never more than allowed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import aiohttp

from studio.errors import FetchInterrupted, FetchTooLarge

PIECE_BYTES = 64 * 1024
WRITE_BYTES = 1024 * 1024

PLAIN = {"Accept-Encoding": "identity"}
"""Asks for the bytes as they are: ranges and lengths mean nothing for a compressed body."""


async def pour(
    response: aiohttp.ClientResponse,
    target: Path,
    *,
    start: int,
    most_bytes: int,
    first: Callable[[], None] = lambda: None,
) -> int:
    """Write the body to `target` from byte `start` on, and return the file's size then.

    `first` is done before the file is touched, in the same trip to another thread.
    What arrived before an error stays in the file. Raises `FetchTooLarge` above `most_bytes`,
    `FetchInterrupted` for a compressed body, and what aiohttp raises when the connection breaks.
    """
    if response.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise FetchInterrupted(status=response.status)
    file = await asyncio.to_thread(_open_at, target, start, first)
    waiting = bytearray()
    size = start
    try:
        async for piece in response.content.iter_chunked(PIECE_BYTES):
            size += len(piece)
            if size > most_bytes:
                raise FetchTooLarge(limit=most_bytes)
            waiting += piece
            if len(waiting) >= WRITE_BYTES:
                await asyncio.to_thread(file.write, bytes(waiting))
                waiting.clear()
    finally:
        await asyncio.to_thread(_finish, file, bytes(waiting))
    return size


def size_of(path: Path) -> int:
    """The size of a file in bytes, 0 if there is none; blocks."""
    return path.stat().st_size if path.exists() else 0


def _open_at(target: Path, start: int, first: Callable[[], None]) -> BinaryIO:
    first()
    file = target.open("r+b" if start else "wb")
    file.truncate(start)
    file.seek(start)
    return file


def _finish(file: BinaryIO, rest: bytes) -> None:
    with file:
        file.write(rest)

"""Pouring the body of an answer into a file, piece by piece and never more than allowed."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import aiohttp

from studio.errors import FetchInterrupted, FetchTooLarge

PIECE_BYTES = 64 * 1024
WRITE_BYTES = 1024 * 1024

PLAIN = {"Accept-Encoding": "identity"}
"""Asks for the bytes as they are: ranges and lengths mean nothing for a compressed body."""


def _nothing() -> None:
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """What makes a transfer whole by its size, and what is done beside the file, in the same trips to another
    thread: `first` before it is touched, unless it comes all at once, and `last` once it is whole.
    """

    is_whole: Callable[[int], bool]
    first: Callable[[], None] = _nothing
    last: Callable[[], None] = _nothing


async def pour(
    response: aiohttp.ClientResponse,
    target: Path,
    *,
    start: int,
    most_bytes: int,
    manner: Manner,
) -> int:
    """Write the body to `target` from byte `start` on, and return the file's size then.

    What arrived before an error stays in the file. Raises `FetchTooLarge` above `most_bytes`,
    `FetchInterrupted` for a compressed body or a file that is not whole, and what aiohttp raises when the
    connection breaks.
    """
    if response.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise FetchInterrupted(status=response.status)
    sink = _Sink(target, start, manner)
    waiting = bytearray()
    size, is_whole = start, False
    try:
        async for piece in response.content.iter_chunked(PIECE_BYTES):
            size += len(piece)
            if size > most_bytes:
                raise FetchTooLarge(limit=most_bytes)
            waiting += piece
            if len(waiting) >= WRITE_BYTES:
                # Not to be written once more at the end by whoever is cancelled meanwhile.
                full, waiting = waiting, bytearray()
                await asyncio.to_thread(sink.write, full)
        is_whole = manner.is_whole(size)
    finally:
        await asyncio.to_thread(sink.finish, waiting, is_whole)
    if not is_whole:
        raise FetchInterrupted(status=response.status)
    return size


def size_of(path: Path) -> int:
    """The size of a file in bytes, 0 if there is none; blocks."""
    return path.stat().st_size if path.exists() else 0


class _Sink:
    """The file, opened when there is something to write; everything here blocks.

    Whoever is cancelled during a write comes to the end while it still runs: hence the lock.
    """

    def __init__(self, target: Path, start: int, manner: Manner) -> None:
        self._target = target
        self._start = start
        self._manner = manner
        self._file: BinaryIO | None = None
        self._at_it = threading.Lock()

    def write(self, piece: bytearray) -> None:
        with self._at_it:
            if self._file is None:
                self._manner.first()
                self._file = self._open()
            self._file.write(piece)

    def finish(self, rest: bytearray, is_whole: bool) -> None:
        with self._at_it:
            if self._file is None and not is_whole:
                self._manner.first()
            with self._file or self._open() as file:
                file.write(rest)
            if is_whole:
                self._manner.last()

    def _open(self) -> BinaryIO:
        file = self._target.open("r+b" if self._start else "wb")
        file.truncate(self._start)
        file.seek(self._start)
        return file

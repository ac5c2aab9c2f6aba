"""The journal: what was promised and is not in the database yet, in a file that outlives a killed process."""

from __future__ import annotations

import asyncio
import errno
import fcntl
import hashlib
import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
import structlog
from sqlalchemy.engine import make_url

from studio.models import Order

log = structlog.get_logger(__name__)

TOKEN_LIFE = timedelta(minutes=15)
"""How long an interaction's token finds its answer (`discord.md`, section 1)."""

EMPTY_EVERY_SECONDS = 5.0
"""How long a name and a token may lie in the file after they are in the database."""


class _Line(msgspec.Struct, omit_defaults=True):
    """One line of the file: an order, or what became of one."""

    order: Order | None = None
    petition_id: str | None = None
    refused: str | None = None
    withdrawn: str | None = None


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(_Line).decode


@dataclass(frozen=True, slots=True)
class Intent:
    """An order that was noted, with the press that it came by.

    `refused`: it was not taken, and its answer may still promise a clip.
    """

    order: Order
    petition_id: str | None = None
    refused: bool = False


class Journal:
    """Notes each order in one write before it is answered, until it is recorded or its answer taken back.

    What was written stays in the system's memory when the process is killed; a power cut may lose it. The
    file is emptied every few seconds, and deleted at an orderly end. Without a file nothing is noted, and all
    else works.
    """

    def __init__(self, path: Path | None = None, descriptor: int | None = None) -> None:
        """`descriptor` is the file at `path`: new, empty, locked, and opened for appending."""
        self._path, self._descriptor = path, descriptor
        self._size = 0
        self._to_be_emptied = False
        self._open: dict[str, datetime] = {}

    def note(self, order: Order, petition_id: str | None = None) -> None:
        """Write the order down. Raises OSError, and then nothing of it is in the file."""
        if self._descriptor is None:
            return
        self._write(_encode(_Line(order, petition_id)) + b"\n")
        self._open[order.job_id] = order.ordered_at

    def recorded(self, job_id: str) -> None:
        """The database has the order."""
        self._close_entry(job_id)

    def refused(self, job_id: str) -> None:
        """The order will not be recorded; its answer is yet to be taken back."""
        if job_id in self._open:
            self._try_to_write(_Line(refused=job_id))

    def withdrawn(self, job_id: str) -> None:
        """Nobody is promised anything by this order any more."""
        if job_id in self._open:
            self._try_to_write(_Line(withdrawn=job_id))
            self._close_entry(job_id)

    def close(self) -> None:
        """End the journal; the file stays for the next process if something in it is still open."""
        if self._descriptor is None or self._path is None:
            return
        if not self._open:
            self._path.unlink(missing_ok=True)
        os.close(self._descriptor)
        self._descriptor = None

    def _close_entry(self, job_id: str) -> None:
        newest = self._open.pop(job_id, None)
        if newest is None or self._descriptor is None:
            return
        for other, ordered_at in list(self._open.items()):
            # Its answer can no longer be found by anybody; the oldest come first.
            if newest - ordered_at <= TOKEN_LIFE:
                break
            del self._open[other]
        if self._to_be_emptied:
            self.empty()

    async def keep_short(self) -> None:
        """Forget what is done, until cancelled."""
        while True:
            await asyncio.sleep(EMPTY_EVERY_SECONDS)
            self.empty()

    def empty(self) -> None:
        """Empty the file, now or as soon as nothing in it is open.

        Not after each order: the next one's line is written faster behind another one.
        """
        self._to_be_emptied = self._size > 0
        if self._descriptor is None or self._open or not self._to_be_emptied:
            return
        try:
            os.ftruncate(self._descriptor, 0)
            self._size = 0
            self._to_be_emptied = False
        except OSError as error:
            # The order stands, and what is in the file is known to be recorded when it is read.
            log.warning("journal_not_emptied", error=error.strerror)

    def _write(self, line: bytes) -> None:
        assert self._descriptor is not None
        written = os.write(self._descriptor, line)
        if written < len(line):
            # The disk became full in the middle: half a line would spoil the next one.
            os.ftruncate(self._descriptor, self._size)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self._size += written

    def _try_to_write(self, line: _Line) -> None:
        if self._descriptor is None:
            return
        try:
            self._write(_encode(line) + b"\n")
        except OSError as error:
            # Only if the process is killed now as well does the order come back as if it had been taken.
            log.warning("journal_not_written", error=error.strerror)


@dataclass(frozen=True, slots=True)
class Leftover:
    """The journal of a process that is no more; locked, so that nobody else takes it over."""

    path: Path
    descriptor: int

    def intents(self) -> list[Intent]:
        """What may not be recorded yet, oldest first; a line that was torn by the end is nothing."""
        found: dict[str, Intent] = {}
        lines = self.path.read_bytes().split(b"\n")
        for number, line in enumerate(lines, start=1):
            if not line:
                continue
            try:
                entry = _decode(line)
            except (msgspec.DecodeError, UnicodeDecodeError):
                if number < len(lines):
                    log.warning("journal_unreadable", file=self.path.name, line=number)
                continue
            if entry.order is not None:
                found[entry.order.job_id] = Intent(entry.order, entry.petition_id)
            elif entry.refused in found:
                found[entry.refused] = replace(found[entry.refused], refused=True)
            elif entry.withdrawn is not None:
                found.pop(entry.withdrawn, None)
        return list(found.values())

    def delete(self) -> None:
        self.path.unlink(missing_ok=True)

    def release(self) -> None:
        os.close(self.descriptor)


@dataclass(frozen=True, slots=True)
class Shelf:
    """Where the journals of one database's processes lie on this machine; each belongs to whoever locks it.

    A name with the process's id would not do: in containers every one is 1.
    """

    folder: Path
    prefix: str

    @classmethod
    def of(cls, database_url: str) -> Shelf:
        """Beside an SQLite database, else in `data` below the working directory."""
        url = make_url(database_url)
        if url.get_backend_name() == "sqlite" and url.database:
            file = Path(url.database)
            return cls(file.parent, f"{file.name}.orders-")
        # Two bots with a database each may share a working directory.
        which = hashlib.sha256(f"{url.host}:{url.port}/{url.database}".encode()).hexdigest()[:12]
        return cls(Path("data"), f"{which}.orders-")

    def open(self) -> Journal:
        """A new journal for this process; one without a file where none can be written, which is logged."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            while True:
                path = self.folder / f"{self.prefix}{secrets.token_hex(6)}"
                flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC
                descriptor = os.open(path, flags, 0o600)
                if _lock(descriptor, path):
                    return Journal(path, descriptor)
                # Another process took it for a dead one's before it was locked.
                os.close(descriptor)
        except OSError as error:
            log.warning("no_journal", folder=str(self.folder), error=error.strerror)
            return Journal()

    def left_behind(self) -> list[Leftover]:
        """The journals of dead processes, to be deleted or left, and then released. Raises OSError."""
        return list(self._left_behind())

    def discard(self) -> None:
        """Delete the journals of dead processes with all that they hold. Raises OSError."""
        for leftover in self._left_behind():
            leftover.delete()
            leftover.release()

    def _left_behind(self) -> Iterator[Leftover]:
        for path in sorted(self.folder.glob(f"{self.prefix}*")):
            try:
                descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
            except FileNotFoundError:
                continue
            except PermissionError as error:
                log.warning("journal_not_ours", file=str(path), error=error.strerror)
                continue
            if _lock(descriptor, path):
                yield Leftover(path, descriptor)
            else:
                os.close(descriptor)


def _lock(descriptor: int, path: Path) -> bool:
    """Lock the file for as long as it is open; False if somebody else has, or has deleted it meanwhile."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return os.fstat(descriptor).st_ino == path.stat().st_ino
    except (BlockingIOError, FileNotFoundError):
        return False

"""Backups: one archive with a copy of the database, the files in storage, and a manifest of both."""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
import sqlite3
import tarfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import IO

from sqlalchemy.engine import make_url

from studio.ports import Storage

FORMAT = 1
DATABASE, MANIFEST, FILES = "bot.db", "manifest.json", "files/"
FOLDERS = ("jobs", "motions")
"""Below which everything in storage stands."""

_CHUNK_BYTES = 1024 * 1024
_LONGEST_MANIFEST = 64 * 1024 * 1024


_OTHER_TOOLS = """DATABASE_URL is PostgreSQL, which has tools of its own. First the database, then the files:
  pg_dump --format=custom --file=bot.dump postgresql://…
and copy what is in STORAGE_URL. To bring it back, into an empty database:
  pg_restore --no-owner --exit-on-error --dbname=postgresql://… bot.dump
and then, before the bot is started, with the moment at which pg_dump was started:
  python bot.py restore --since 2026-01-31T12:00:00+00:00"""


class BackupFailed(Exception):
    """A backup cannot be made or used; the message is a sentence for the operator."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of the archive; `name` is `bot.db` or the key in storage, `size` in bytes."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What an archive holds, and when the copy of the database was begun."""

    made_at: datetime
    database: Entry
    files: tuple[Entry, ...]


def database_file(database_url: str) -> Path:
    """The file of a SQLite database. Raises `BackupFailed` for any other."""
    url = make_url(database_url)
    if url.get_backend_name() != "sqlite" or not url.database:
        raise BackupFailed(_OTHER_TOOLS)
    return Path(url.database)


async def back_up(database_url: str, storage: Storage, target: Path, *, now: datetime) -> Manifest:
    """Write the archive `target`, whole or not at all, while the bot may be running.

    The database comes first: what its jobs still need stays in storage until they have moved on.
    """
    source = database_file(database_url)
    if not await asyncio.to_thread(source.is_file):
        raise BackupFailed(f"There is no database at {source} yet.")
    if await asyncio.to_thread(target.exists):
        raise BackupFailed(f"{target} exists already; it is not overwritten.")
    partial = target.with_name(f".{target.name}.partial")
    try:
        manifest = await _write(source, storage, partial, now=now)
        await asyncio.to_thread(partial.rename, target)
    except (OSError, sqlite3.Error) as error:
        raise BackupFailed(f"The backup could not be written: {error}.") from error
    finally:
        await asyncio.to_thread(partial.unlink, missing_ok=True)
    return manifest


async def unpack(archive: Path, database_url: str, storage: Storage) -> Manifest:
    """Bring database and files back to where there are none yet; every byte is checked on the way.

    Raises `BackupFailed`, and then leaves no database behind.
    """
    target = database_file(database_url)
    if await asyncio.to_thread(target.exists):
        raise BackupFailed(f"{target} exists: move it away, or name another place in DATABASE_URL.")
    await _make_sure_of_room(storage)
    partial = target.with_name(f".{target.name}.partial")
    try:
        manifest = await asyncio.to_thread(_read_manifest, archive)
        await asyncio.to_thread(target.parent.mkdir, parents=True, exist_ok=True)
        async with storage.workspace() as folder:
            for entry in manifest.files:
                await asyncio.to_thread(_extract, archive, FILES + entry.name, entry, folder / "file")
                await storage.put(entry.name, folder / "file")
        await asyncio.to_thread(_extract, archive, DATABASE, manifest.database, partial)
        # Last: a bot that is started too early finds no half of a database.
        await asyncio.to_thread(partial.rename, target)
    except (OSError, tarfile.TarError, KeyError, ValueError) as error:
        raise BackupFailed(f"{archive} cannot be restored: {error}.") from error
    finally:
        await asyncio.to_thread(partial.unlink, missing_ok=True)
    return manifest


async def _make_sure_of_room(storage: Storage) -> None:
    try:
        keys = [key for folder in FOLDERS for key in await storage.keys(folder)]
    except OSError as error:
        raise BackupFailed(f"STORAGE_URL cannot be used: {error}.") from error
    if keys:
        raise BackupFailed("STORAGE_URL holds files already: empty it, or name another place.")


# ── writing ─────────────────────────────────────────────────────────────────────────────────────


async def _write(source: Path, storage: Storage, partial: Path, *, now: datetime) -> Manifest:
    async with storage.workspace() as folder:
        copy = folder / DATABASE
        await asyncio.to_thread(_copy_database, source, copy)
        with await asyncio.to_thread(tarfile.open, partial, "w") as archive:
            database = await asyncio.to_thread(_add, archive, DATABASE, DATABASE, copy)
            files = []
            for key in sorted([key for folder in FOLDERS for key in await storage.keys(folder)]):
                try:
                    async with storage.checkout(key) as path:
                        files.append(await asyncio.to_thread(_add, archive, FILES + key, key, path))
                except FileNotFoundError:
                    # Deleted since it was listed, so its job has moved on.
                    continue
            manifest = Manifest(made_at=now, database=database, files=tuple(files))
            await asyncio.to_thread(_add_manifest, archive, manifest)
    return manifest


def _copy_database(source: Path, copy: Path) -> None:
    # In one step: readers of a WAL database hold up nobody, and see one moment.
    with (
        closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True, timeout=30)) as live,
        closing(sqlite3.connect(copy)) as target,
    ):
        live.backup(target)
        [(verdict,)] = target.execute("PRAGMA quick_check(1)").fetchall()
        if verdict != "ok":
            raise BackupFailed(f"The database is damaged: {verdict}.")
        # So that the copy is one file.
        target.execute("PRAGMA journal_mode=DELETE")


def _add(archive: tarfile.TarFile, name: str, entry_name: str, path: Path) -> Entry:
    """Add a file that may be deleted, but never changed, meanwhile."""
    with path.open("rb") as file:
        info = archive.gettarinfo(arcname=name, fileobj=file)
        info.uid = info.gid = 0
        info.uname = info.gname = ""
        counted = _Counting(file)
        archive.addfile(info, counted)
    return Entry(entry_name, info.size, counted.sha256.hexdigest())


class _Counting:
    """Reads a file and knows the checksum of what was read."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.sha256 = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        chunk = self._file.read(size)
        self.sha256.update(chunk)
        return chunk


def _add_manifest(archive: tarfile.TarFile, manifest: Manifest) -> None:
    content = {
        "format": FORMAT,
        "made_at": manifest.made_at.isoformat(),
        "database": asdict(manifest.database),
        "files": [asdict(entry) for entry in manifest.files],
    }
    raw = json.dumps(content, indent=1).encode()
    info = tarfile.TarInfo(MANIFEST)
    info.size = len(raw)
    info.mtime = int(manifest.made_at.timestamp())
    archive.addfile(info, io.BytesIO(raw))


# ── reading ─────────────────────────────────────────────────────────────────────────────────────


def _read_manifest(archive: Path) -> Manifest:
    with _member(archive, MANIFEST) as file:
        content = json.loads(file.read(_LONGEST_MANIFEST))
    if content.get("format") != FORMAT:
        raise ValueError("it is not a backup of this version of the bot")
    files = tuple(Entry(**entry) for entry in content["files"])
    for entry in files:
        parts = entry.name.split("/")
        if parts[0] not in FOLDERS or {"", ".", ".."} & set(parts):
            raise ValueError(f"{entry.name} is no name of a file of ours")
    return Manifest(
        made_at=datetime.fromisoformat(content["made_at"]),
        database=Entry(**content["database"]),
        files=files,
    )


def _extract(archive: Path, name: str, entry: Entry, target: Path) -> None:
    sha256 = hashlib.sha256()
    with _member(archive, name) as file, target.open("wb") as out:
        while chunk := file.read(_CHUNK_BYTES):
            sha256.update(chunk)
            out.write(chunk)
    if sha256.hexdigest() != entry.sha256:
        raise ValueError(f"{entry.name} is damaged")


@contextmanager
def _member(archive: Path, name: str) -> Iterator[IO[bytes]]:
    """One plain file of the archive. Raises KeyError or ValueError when there is none of that name."""
    with tarfile.open(archive, "r:") as opened:
        file = opened.extractfile(name)
        if file is None:
            raise ValueError(f"{name} is not a file in it")
        with file:
            yield file

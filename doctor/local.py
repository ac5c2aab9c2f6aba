"""Checks of what is on this machine: database, files and codecs. Nothing is made that was not there."""

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import av
import pillow_heif
from PIL import features
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from doctor.check import Check
from studio import schema
from studio.database import Database
from studio.settings import SettingsError
from studio.storage import ObstoreFiles, local_folder, open_storage

NEEDED_DECODERS = ("h264", "hevc", "vp8", "vp9", "av1", "gif", "aac", "opus", "vorbis", "mp3")
NEEDED_ENCODERS = ("libx264", "aac", "mjpeg")
NEEDED_PICTURES = ("webp", "avif")

LEAST_FREE_BYTES = 1_000_000_000
"""A few jobs at once: each keeps its upload, what was made of it and the clip."""

STORAGE_SECONDS = 30

_DATABASE_FIX = "Check DATABASE_URL, and that the bot's user may write there."


async def check_database(url: str) -> Check:
    """Whether the database can be read and written, and has the newest tables; a missing one is not made."""
    subject, parts = "Database", make_url(url)
    if parts.get_backend_name() == "sqlite" and not await asyncio.to_thread(Path(str(parts.database)).exists):
        return await asyncio.to_thread(_check_room_for_database, Path(str(parts.database)))
    try:
        database = Database(url)
    except SettingsError as error:
        return Check(subject, False, error.problems[0], _DATABASE_FIX)
    try:
        has = await schema.revision(database)
        async with database.write() as connection:
            # Having the lock for writing is the proof; it comes with the first statement.
            await connection.execute(text("SELECT 1"))
    except SQLAlchemyError as error:
        reason = str(getattr(error, "orig", None) or type(error).__name__).partition("\n")[0]
        found = f"cannot be used ({reason})"
        return Check(subject, False, found, _DATABASE_FIX)
    finally:
        await database.close()
    wanted = schema.newest_revision()
    if has is None:
        return Check(subject, True, "empty; the tables are made at the first start")
    if has != wanted:
        return Check(
            subject, True, f"can be written, at revision {has}; the next start brings it to {wanted}"
        )
    return Check(subject, True, f"can be written, at revision {has}")


def _check_room_for_database(file: Path) -> Check:
    folder = _closest_folder(file.parent)
    if not os.access(folder, os.W_OK | os.X_OK) or not folder.is_dir():
        return Check("Database", False, f"{file} cannot be made: {folder} is closed to us", _DATABASE_FIX)
    return Check("Database", True, f"{file} is not there yet; the first start makes it")


async def check_storage(
    url: str, cloud: Mapping[str, str] | None = None, *, least_free_bytes: int = LEAST_FREE_BYTES
) -> Check:
    """Whether a file can be written, read and deleted, and there is room; a missing folder is not made."""
    subject, fix = "Storage", "Check STORAGE_URL, and that the bot's user may write there."
    folder = local_folder(url)
    if folder is not None and not await asyncio.to_thread(folder.exists):
        closest = await asyncio.to_thread(_closest_folder, folder)
        if not os.access(closest, os.W_OK | os.X_OK) or not closest.is_dir():
            return Check(subject, False, f"{folder} cannot be made: {closest} is closed to us", fix)
        return _with_room(closest, f"{folder} is not there yet; the first start makes it", least_free_bytes)
    try:
        async with asyncio.timeout(STORAGE_SECONDS):
            same = await _write_and_read(open_storage(url, cloud))
    except SettingsError as error:
        return Check(subject, False, error.problems[0], fix)
    except TimeoutError:
        return Check(subject, False, f"gives no answer within {STORAGE_SECONDS} s", fix)
    except OSError as error:
        return Check(subject, False, f"does not work: {error}", fix)
    if not same:
        return Check(subject, False, "gives back other bytes than it was given", fix)
    return _with_room(folder, "writes, reads and deletes", least_free_bytes)


async def _write_and_read(storage: ObstoreFiles) -> bool:
    # Not in the storage's own workspace: a doctor that runs as another user would leave it closed to the bot.
    key, content = f"doctor-{secrets.token_hex(8)}/probe", os.urandom(64)
    with tempfile.TemporaryDirectory() as name:
        probe = Path(name) / "probe"
        await asyncio.to_thread(probe.write_bytes, content)
        await storage.put(key, probe)
    try:
        async with storage.checkout(key) as path:
            return await asyncio.to_thread(path.read_bytes) == content
    finally:
        await storage.delete_tree(key.partition("/")[0])


def _closest_folder(path: Path) -> Path:
    """The closest thing above that is there."""
    path = path.resolve()
    return next((each for each in (path, *path.parents) if each.exists()), Path("/"))


def _with_room(folder: Path | None, found: str, least_free_bytes: int) -> Check:
    if folder is None:
        return Check("Storage", True, found)
    free = shutil.disk_usage(folder).free
    found = f"{found}; {free / 1e9:.1f} GB are free"
    return Check("Storage", free >= least_free_bytes, found, "Make room: jobs fail when the disk is full.")


def check_codecs(
    *, decoders: Sequence[str] = NEEDED_DECODERS, encoders: Sequence[str] = NEEDED_ENCODERS
) -> Check:
    """Whether the libraries can read what phones make and write what the provider takes."""
    missing = [f"{name} (reading)" for name in decoders if not _has(name, "r")]
    missing += [f"{name} (writing)" for name in encoders if not _has(name, "w")]
    missing += [name for name in NEEDED_PICTURES if not features.check(name)]
    if not pillow_heif.libheif_info()["decoders"]:
        missing.append("heif (reading)")
    if missing:
        fix = "Install the packages again: pip install --force-reinstall -r requirements.txt"
        return Check("Codecs", False, "missing: " + ", ".join(missing), fix)
    return Check("Codecs", True, "every kind of picture and video can be read")


def _has(name: str, mode: str) -> bool:
    try:
        av.codec.Codec(name, mode)  # type: ignore[arg-type]  # the stub wants a literal
    except av.codec.codec.UnknownCodecError:
        return False
    return True

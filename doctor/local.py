"""Checks of what is on this machine: database, files and codecs."""

from __future__ import annotations

import os
import secrets

import av
import pillow_heif
from PIL import features
from sqlalchemy.exc import SQLAlchemyError

from doctor.check import Check
from studio import schema
from studio.database import Database
from studio.ports import Storage

NEEDED_DECODERS = ("h264", "hevc", "vp8", "vp9", "av1", "gif", "aac", "opus", "vorbis", "mp3")
NEEDED_ENCODERS = ("libx264", "aac", "mjpeg")


async def check_database(database: Database) -> Check:
    """Whether the database answers and has the newest tables."""
    subject = "Database"
    try:
        has = await schema.revision(database)
    except (SQLAlchemyError, OSError) as error:
        found = f"cannot be opened ({type(error).__name__})"
        return Check(subject, False, found, "Check DATABASE_URL, and who may write in its folder.")
    wanted = schema.newest_revision()
    if has is None:
        return Check(subject, True, "empty; the tables are made at the first start")
    if has != wanted:
        return Check(subject, True, f"at revision {has}; the next start brings it to {wanted}")
    return Check(subject, True, f"answers, at revision {has}")


async def check_storage(storage: Storage) -> Check:
    """Whether a file can be written, read and deleted."""
    subject, key = "Storage", f"doctor/{secrets.token_hex(4)}"
    content = os.urandom(64)
    try:
        async with storage.workspace() as folder:
            (folder / "probe").write_bytes(content)
            await storage.put(key, folder / "probe")
        async with storage.checkout(key) as path:
            same = path.read_bytes() == content
        await storage.delete_tree("doctor")
    except OSError as error:
        return Check(
            subject, False, f"does not work: {error}", "Check STORAGE_URL, its rights and the free space."
        )
    if not same:
        return Check(subject, False, "gives back other bytes than it was given", "Check STORAGE_URL.")
    return Check(subject, True, "writes, reads and deletes")


def check_codecs() -> Check:
    """Whether the libraries can read what phones make and write what the provider takes."""
    missing = [f"{name} (reading)" for name in NEEDED_DECODERS if not _has(name, "r")]
    missing += [f"{name} (writing)" for name in NEEDED_ENCODERS if not _has(name, "w")]
    missing += [name for name in ("webp", "avif") if not features.check(name)]
    if not pillow_heif.libheif_info()["decoders"]:
        missing.append("heif (reading)")
    if missing:
        fix = "Install the pinned packages again: pip install --force-reinstall -r requirements.txt"
        return Check("Codecs", False, "missing: " + ", ".join(missing), fix)
    return Check("Codecs", True, "every kind of picture and video can be read")


def _has(name: str, mode: str) -> bool:
    try:
        av.codec.Codec(name, mode)  # type: ignore[arg-type]  # the stub wants a literal
    except av.codec.codec.UnknownCodecError:
        return False
    return True

"""The sandbox's folder kept small: files go after an hour or when too many, records after a month."""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from pathlib import Path

from providers.sandbox.records import JobRecord, Shelf, UploadRecord

_FILES_LIVE_SECONDS = 3600.0
_MOST_BYTES = 4 << 30
_RECORDS_LIVE = timedelta(days=30)


def tidy_files(folder: Path, keep: set[str]) -> None:
    """Delete files older than an hour, and the oldest beyond 4 GiB; never those whose stem is in `keep`."""
    files = sorted(_files(folder), key=lambda entry: entry[1], reverse=True)
    now, total = time.time(), 0
    for path, written_at, size in files:
        total += size
        stale = now - written_at > _FILES_LIVE_SECONDS or total > _MOST_BYTES
        if stale and path.name.partition(".")[0] not in keep:
            path.unlink(missing_ok=True)


def _files(folder: Path) -> list[tuple[Path, float, int]]:
    found = []
    for path in folder.iterdir():
        if path.is_file() and path.suffix != ".json":
            facts = path.stat()
            found.append((path, facts.st_mtime, facts.st_size))
    return found


def tidy_records(jobs: Shelf[JobRecord], uploads: Shelf[UploadRecord], now: datetime) -> None:
    """Forget uploads a day after they expired, and jobs after a month (with their part of the account)."""
    for upload in uploads:
        if now > upload.expires_at + timedelta(days=1):
            uploads.remove(upload.id)
    for job in jobs:
        if job.finished and now > job.created_at + _RECORDS_LIVE:
            jobs.remove(job.id)

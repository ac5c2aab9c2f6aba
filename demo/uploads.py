"""Files on their way from the browser into the simulated Discord."""

from __future__ import annotations

import asyncio
import secrets
from pathlib import Path
from typing import Protocol

CHUNK_BYTES = 1 << 20


class Incoming(Protocol):
    async def read(self, n: int = -1) -> bytes: ...


class UploadTooLargeError(Exception):
    """The file has more than `limit` bytes."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"Your files are too powerful: at most {limit // 1_000_000} MB each.")
        self.limit = limit


class Uploads:
    """Keeps uploads in a folder until they are used; `limit` in bytes is what Nitro lets people send."""

    def __init__(self, folder: Path, *, limit: int = 500_000_000) -> None:
        self._folder = folder
        self._limit = limit
        self._names: dict[str, str] = {}

    async def receive(self, name: str, content: Incoming) -> str:
        """Stream a file to the disk and return its id. Raises `UploadTooLargeError`."""
        upload_id = secrets.token_hex(12)
        path = self._folder / f"upload-{upload_id}"
        await self._pour(content, path)
        self._names[upload_id] = Path(name.replace("\\", "/")).name[:200] or "file"
        return upload_id

    async def _pour(self, content: Incoming, path: Path) -> None:
        size = 0
        kept = False
        try:
            with path.open("wb") as file:
                while chunk := await content.read(CHUNK_BYTES):
                    size += len(chunk)
                    if size > self._limit:
                        raise UploadTooLargeError(self._limit)
                    await asyncio.to_thread(file.write, chunk)
            kept = True
        finally:
            if not kept:
                await asyncio.to_thread(path.unlink, missing_ok=True)

    def take(self, upload_id: str) -> tuple[str, Path]:
        """Return the file's name and its path, which the caller moves away. Raises KeyError."""
        return self._names.pop(upload_id), self._folder / f"upload-{upload_id}"

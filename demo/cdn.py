"""The simulated Discord's attachments: kept as files in one folder, served on loopback with Range."""

from __future__ import annotations

import mimetypes
import secrets
import shutil
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import av
from aiohttp import web
from PIL import Image

# What Python's own table leaves out or finds differently on each system.
_CONTENT_TYPES = {
    ".avif": "image/avif",
    ".heic": "image/heic",
    ".heif": "image/heif",
    ".jfif": "image/jpeg",
    ".m4v": "video/x-m4v",
    ".mkv": "video/x-matroska",
    ".mov": "video/quicktime",
    ".mp4": "video/mp4",
    ".webm": "video/webm",
    ".webp": "image/webp",
}


@dataclass(frozen=True, slots=True)
class StoredFile:
    """One attachment: `name` as it was uploaded, `path` where its bytes lie now."""

    name: str
    path: Path
    content_type: str


class UploadLimitError(Exception):
    """The bot sent more than `Cdn.upload_limit` bytes in one file."""


class Cdn:
    """Holds what members and the bot attach; stands in for simcord's store of the same shape.

    Files of members are handed over first (`admit`) and then known by their ticket, so that a phone's
    200 MB video never has to be in memory; what the bot uploads is bytes and is held to `upload_limit`.
    """

    def __init__(self, folder: Path) -> None:
        self.upload_limit = 10 * 1024 * 1024
        self._folder = folder
        self._key = secrets.token_hex(16)
        self._admitted: dict[bytes, StoredFile] = {}
        self._stored: dict[int, StoredFile] = {}
        self._stickers: dict[str, bytes] = {}
        self._runner: web.AppRunner | None = None
        # Bound at once, so that the host is known before anything that needs it is built.
        self._socket = socket.create_server(("127.0.0.1", 0))

    @property
    def host(self) -> str:
        """Host and port that attachment URLs point to."""
        return f"127.0.0.1:{self._socket.getsockname()[1]}"

    async def start(self) -> None:
        app = web.Application()
        app.router.add_get("/{kind}/{channel}/{attachment}/{name}", self._serve)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await self._runner.setup()
        await web.SockSite(self._runner, self._socket).start()

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None
        self._socket.close()

    def admit(self, name: str, content: bytes | Path) -> bytes:
        """Take over a member's file and return the ticket that simcord carries in place of its bytes.

        A path is moved, not copied. Blocks on the disk: call it in a thread.
        """
        ticket = secrets.token_hex(16).encode()
        path = self._folder / f"member-{ticket.decode()}"
        if isinstance(content, Path):
            shutil.move(content, path)
        else:
            path.write_bytes(content)
        self._admitted[ticket] = StoredFile(name, path, content_type_of(name))
        return ticket

    def file(self, attachment_id: int) -> StoredFile | None:
        return self._stored.get(attachment_id)

    # ── what simcord calls ──────────────────────────────────────────────────────────────────────

    def store_attachment(
        self, attachment_id: int, channel_id: int, filename: str, data: bytes, description: str | None
    ) -> dict[str, Any]:
        stored = self._admitted.pop(data, None)
        kind = "attachments" if stored is None else "ephemeral-attachments"
        if stored is None:
            if len(data) > self.upload_limit:
                raise UploadLimitError(filename)
            path = self._folder / f"bot-{attachment_id}"
            path.write_bytes(data)
            stored = StoredFile(filename, path, content_type_of(filename))
        self._stored[attachment_id] = stored
        url = f"http://{self.host}/{kind}/{channel_id}/{attachment_id}/{quote(filename)}?ex=7fffffff&hm={self._key}"
        size = measure(stored)
        return {
            "id": str(attachment_id),
            "filename": filename,
            "description": description,
            "size": stored.path.stat().st_size,
            "url": url,
            "proxy_url": url,
            "content_type": stored.content_type,
            **({"width": size[0], "height": size[1]} if size else {}),
        }

    def store_sticker(self, sticker_id: int, format_type: int, data: bytes) -> str:
        url = f"http://{self.host}/stickers/0/{sticker_id}/{format_type}"
        self._stickers[url] = data
        return url

    def get(self, url: str) -> bytes | None:
        """Return the bytes behind an attachment or sticker URL, as `Attachment.read()` asks for them."""
        if url in self._stickers:
            return self._stickers[url]
        parts = url.partition("?")[0].split("/")
        stored = self._stored.get(int(parts[-2])) if len(parts) > 2 and parts[-2].isdigit() else None
        return stored.path.read_bytes() if stored else None

    # ── what the bot's own download calls ───────────────────────────────────────────────────────

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        identifier = request.match_info["attachment"]
        stored = self._stored.get(int(identifier)) if identifier.isdigit() else None
        # The key stands for Discord's signature, and keeps web pages of others out.
        if stored is None or request.host != self.host or request.query.get("hm") != self._key:
            raise web.HTTPNotFound
        return web.FileResponse(stored.path, headers={"Content-Type": stored.content_type})


def content_type_of(name: str) -> str:
    """Return the type that Discord would state for a file of this name."""
    return (
        _CONTENT_TYPES.get(Path(name).suffix.lower())
        or mimetypes.guess_type(name)[0]
        or "application/octet-stream"
    )


def measure(stored: StoredFile) -> tuple[int, int] | None:
    """Return width and height from the file's header, None for what cannot be read."""
    try:
        if stored.content_type.startswith("image/"):
            with Image.open(stored.path) as picture:
                return picture.size
        if stored.content_type.startswith("video/"):
            with av.open(str(stored.path)) as container:
                stream = container.streams.video[0]
                return stream.width, stream.height
    except (OSError, ValueError, IndexError, av.FFmpegError, Image.DecompressionBombError):
        return None
    return None

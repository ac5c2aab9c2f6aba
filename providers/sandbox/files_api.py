"""The routes that move files: presigned uploads, their bytes, and the finished clips."""

from __future__ import annotations

import asyncio
import mimetypes
import re
import secrets
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from aiohttp import web

from providers.sandbox import checks
from providers.sandbox.answers import Refusal, new_id, stamp
from providers.sandbox.gate import Visit
from providers.sandbox.parts import FILES_LIVE, Parts
from providers.sandbox.records import UploadRecord
from providers.sandbox.spoil import send_spoiled

_PUT_WITHIN = timedelta(minutes=15)
_CHUNK = 1 << 18


class FilesApi:
    """Each method is one endpoint; those that answer with a file return the whole response."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def presign(self, visit: Visit) -> Mapping[str, Any]:
        filename, content_type = checks.check_presign(
            checks.body_of(await visit.request.read(), visit.request.content_type)
        )
        now = self._parts.clock()
        upload = UploadRecord(
            id=new_id("file"),
            token=secrets.token_urlsafe(16),
            # As a path segment: the client's name survives only as far as it is harmless there.
            filename=re.sub(r"[^A-Za-z0-9._-]", "_", filename),
            content_type=content_type,
            created_at=now,
            put_until=now + _PUT_WITHIN,
            expires_at=now + FILES_LIVE,
            max_size=checks.UPLOAD_LIMITS[content_type],
        )
        self._parts.uploads.put(upload)
        return {
            "uploadUrl": f"{self._parts.origin()}/temp/{upload.id}?token={upload.token}",
            "fileUrl": self._file_url(upload),
            "fileId": upload.id,
            "expiresAt": stamp(upload.expires_at),
            "maxSize": upload.max_size,
        }

    async def put(self, visit: Visit) -> web.StreamResponse:
        """Store the bytes; as object stores do, refuse what was not signed for."""
        upload = self._parts.uploads.get(visit.request.match_info["id"])
        if upload is None or visit.request.query.get("token") != upload.token:
            raise Refusal("FORBIDDEN", "The signature does not match.")
        if self._parts.clock() >= upload.put_until:
            raise Refusal("FORBIDDEN", "Request has expired.")
        if visit.request.content_type != upload.content_type:
            raise Refusal("FORBIDDEN", "The Content-Type is not the signed one.")
        if (visit.request.content_length or 0) > upload.max_size:
            raise Refusal("PAYLOAD_TOO_LARGE", "The file is too large.", maxSize=upload.max_size)
        size = await self._store(visit.request, upload)
        self._parts.uploads.put(replace(upload, size=size))
        return web.Response(status=200, headers={"ETag": f'"{upload.id}"'})

    async def _store(self, request: web.Request, upload: UploadRecord) -> int:
        draft = self._bytes(upload).with_suffix(f".{secrets.token_hex(4)}.draft")
        size = 0
        try:
            with await asyncio.to_thread(draft.open, "wb") as file:
                async for chunk in request.content.iter_chunked(_CHUNK):
                    size += len(chunk)
                    if size > upload.max_size:
                        raise Refusal("PAYLOAD_TOO_LARGE", "The file is too large.", maxSize=upload.max_size)
                    await asyncio.to_thread(file.write, chunk)
            draft.replace(self._bytes(upload))
        finally:
            draft.unlink(missing_ok=True)
        return size

    async def upload(self, visit: Visit) -> Mapping[str, Any]:
        upload = self._parts.uploads.get(visit.request.match_info["id"])
        if upload is None:
            raise Refusal("NOT_FOUND", "There is no such file.")
        return {
            "id": upload.id,
            "filename": upload.filename,
            "contentType": upload.content_type,
            "fileUrl": self._file_url(upload),
            "status": "expired" if self._parts.clock() >= upload.expires_at else "pending",
            "createdAt": stamp(upload.created_at),
            "expiresAt": stamp(upload.expires_at),
        }

    async def file(self, visit: Visit) -> web.StreamResponse:
        """An uploaded file, until it expires."""
        upload = self._parts.uploads.get(visit.request.match_info["id"])
        if upload is None or upload.size is None or self._parts.clock() >= upload.expires_at:
            raise Refusal("NOT_FOUND", "There is no such file.")
        return await _served(visit, self._bytes(upload), upload.content_type)

    async def output(self, visit: Visit) -> web.StreamResponse:
        """A finished clip or its poster, for an hour after it was finished."""
        self._parts.life.advance()
        job = self._parts.jobs.get(visit.request.match_info["id"])
        if job is None or job.status != "completed" or job.completed_at is None:
            raise Refusal("NOT_FOUND", "There is no such file.")
        if self._parts.clock() >= job.completed_at + FILES_LIVE:
            raise Refusal("NOT_FOUND", "The file has expired.")
        if job.clip_path is not None:
            kind = mimetypes.guess_type(job.clip_path)[0] or "video/mp4"
            return await _served(visit, Path(job.clip_path), kind)
        assert job.clip_key is not None
        if visit.request.path.endswith(".jpg"):
            return await _served(visit, self._parts.renders.poster(job.clip_key), "image/jpeg")
        return await _served(visit, self._parts.renders.clip(job.clip_key), "video/mp4")

    def _bytes(self, upload: UploadRecord) -> Path:
        return self._parts.folder / "uploads" / f"{upload.id}.bin"

    def _file_url(self, upload: UploadRecord) -> str:
        return f"{self._parts.origin()}/temp/{upload.id}/{upload.filename}"


async def _served(visit: Visit, path: Path, content_type: str) -> web.StreamResponse:
    if not await asyncio.to_thread(path.is_file):
        raise Refusal("NOT_FOUND", "There is no such file.")
    if visit.fault is not None and visit.fault.spoils_file:
        return await send_spoiled(visit, visit.fault, path, content_type)
    return web.FileResponse(path, chunk_size=_CHUNK, headers={"Content-Type": content_type})

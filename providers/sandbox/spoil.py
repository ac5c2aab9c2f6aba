"""Files sent wrongly on request: cut short, stalled, slow, without ranges or without a length."""

from __future__ import annotations

import asyncio
from pathlib import Path

from aiohttp import web

from providers.sandbox.faults import Fault
from providers.sandbox.gate import Visit, tear

_BEATS_PER_SECOND = 10


async def send_spoiled(visit: Visit, fault: Fault, path: Path, content_type: str) -> web.StreamResponse:
    """Send the file as the fault wants it; a `cut` is counted on what this request asked for."""
    content = await asyncio.to_thread(path.read_bytes)
    request = visit.request
    partial = fault.ranges and "Range" in request.headers
    begin, end, _ = (request.http_range if partial else slice(None)).indices(len(content))
    response = web.StreamResponse(status=206 if partial else 200, headers={"Content-Type": content_type})
    response.headers.update(fault.headers)
    if partial:
        response.headers["Content-Range"] = f"bytes {begin}-{end - 1}/{len(content)}"
    content = content[begin:end]
    if fault.chunked:
        response.enable_chunked_encoding()
    else:
        response.content_length = len(content)
    await response.prepare(request)
    if fault.cut is None:
        await _trickle(response, content, fault.bytes_per_second)
        await response.write_eof()
        return response
    await _trickle(response, content[: int(len(content) * fault.cut)], fault.bytes_per_second)
    if fault.stall:
        await visit.closing.wait()
    else:
        # Long enough for what was written to leave; a reset would drop it from the buffers.
        await asyncio.sleep(0.05)
    tear(request)
    return response


async def _trickle(response: web.StreamResponse, content: bytes, bytes_per_second: int | None) -> None:
    step = max(1, (bytes_per_second or 1 << 30) // _BEATS_PER_SECOND)
    for start in range(0, len(content), step):
        await response.write(content[start : start + step])
        if bytes_per_second:
            await asyncio.sleep(1 / _BEATS_PER_SECOND)

"""The gate that every request passes: faults, key, envelope; nothing reaches or leaves a route around it."""

from __future__ import annotations

import asyncio
import hmac
import json
import socket
import struct
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from providers.sandbox.answers import STATUSES, Refusal, error_body, new_id, success_body
from providers.sandbox.faults import Fault, Faults, Reset

PROXY_PAGE = b"<html><head><title>Error</title></head><body><center><h1>Error</h1></center></body></html>"
_MOST_SEEN = 5000


@dataclass(frozen=True, slots=True)
class Seen:
    """One request that came in, for tests to count."""

    on: str
    method: str
    path: str


@dataclass(frozen=True, slots=True)
class Visit:
    """One request on its way: its answer's id, what shall go wrong with it, and when all waiting ends."""

    request: web.Request
    request_id: str
    fault: Fault | None
    closing: asyncio.Event


Route = Callable[[Visit], Awaitable[web.StreamResponse | Mapping[str, Any]]]


@dataclass(frozen=True, slots=True)
class Entrance:
    """One endpoint: its name for faults, its route, its envelope; `public` needs no key."""

    name: str
    route: Route
    wrapped: bool = False
    public: bool = False


class Gate:
    """Turns routes into handlers of aiohttp. `key` may be changed while the server runs."""

    def __init__(self, *, key: str, faults: Faults) -> None:
        self.key = key
        self.seen: deque[Seen] = deque(maxlen=_MOST_SEEN)
        self._faults = faults
        self._closing = asyncio.Event()

    def close(self) -> None:
        """Let go of everyone who waits for an answer that never comes."""
        self._closing.set()

    def handler(self, entrance: Entrance) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def handle(request: web.Request) -> web.StreamResponse:
            fault = self._faults.fault(entrance.name, request.match_info.get("id", ""))
            visit = Visit(request, new_id("req"), fault, self._closing)
            self.seen.append(Seen(entrance.name, request.method, request.path))
            if fault is None:
                return _plain(*await self._carry_out(entrance, visit))
            return await self._misbehave(entrance, visit, fault)

        return handle

    async def _carry_out(
        self, entrance: Entrance, visit: Visit
    ) -> tuple[int, dict[str, Any] | web.StreamResponse]:
        try:
            if not entrance.public:
                self._check_key(visit.request)
            answer = await entrance.route(visit)
        except Refusal as refusal:
            return refusal.status, error_body(
                refusal.code, refusal.message, refusal.details, visit.request_id
            )
        if isinstance(answer, web.StreamResponse):
            return answer.status, answer
        fault = visit.fault
        if fault is not None:
            answer = {
                name: value for name, value in {**answer, **fault.merge}.items() if name not in fault.drop
            }
        wrapped = entrance.wrapped if fault is None or fault.wrapped is None else fault.wrapped
        return 200, success_body(answer, visit.request_id, wrapped=wrapped)

    def _check_key(self, request: web.Request) -> None:
        scheme, _, key = request.headers.get("Authorization", "").partition(" ")
        if scheme != "Bearer" or not key:
            raise Refusal("UNAUTHORIZED", "Send your key as Authorization: Bearer <key>.")
        if not hmac.compare_digest(key.encode(), self.key.encode()):
            raise Refusal("INVALID_API_KEY", "The key is not valid.")

    async def _misbehave(self, entrance: Entrance, visit: Visit, fault: Fault) -> web.StreamResponse:
        request = visit.request
        if fault.reset is Reset.BEFORE:
            return _torn(request)
        if fault.reset is Reset.DURING:
            await request.content.readany()
            return _torn(request)
        status, answer = 200, None
        if fault.carries_out:
            status, answer = await self._carry_out(entrance, visit)
        else:
            async for _ in request.content.iter_chunked(1 << 16):
                pass
        await asyncio.sleep(fault.delay)
        if fault.hang:
            await self._closing.wait()
            return _torn(request)
        if fault.reset is Reset.AFTER:
            return _torn(request)
        return _shaped(visit.request_id, fault, status, answer)


def _plain(status: int, answer: dict[str, Any] | web.StreamResponse) -> web.StreamResponse:
    return answer if isinstance(answer, web.StreamResponse) else web.json_response(answer, status=status)


def _shaped(
    request_id: str, fault: Fault, status: int, answer: dict[str, Any] | web.StreamResponse | None
) -> web.StreamResponse:
    """The answer as the fault wants it."""
    content_type = fault.content_type or "application/json"
    body: bytes | None = fault.body
    if fault.code:
        status = fault.status or STATUSES[fault.code]
        problem: Any = error_body(fault.code, fault.message, fault.details, request_id)
        body = _encoded(fault.change(problem) if fault.change else problem)
    elif body is not None:
        status = fault.status or 200
    elif fault.status is not None and not isinstance(answer, dict):
        status, body, content_type = fault.status, PROXY_PAGE, fault.content_type or "text/html"
    elif isinstance(answer, dict):
        status = fault.status or status
        body = _encoded(fault.change(answer) if fault.change else answer)
    if body is None:
        assert isinstance(answer, web.StreamResponse)
        answer.headers.update(fault.headers)
        return answer
    return web.Response(status=status, body=body, headers={"Content-Type": content_type, **fault.headers})


def _encoded(body: Any) -> bytes:
    return body if isinstance(body, bytes) else json.dumps(body).encode()


def _torn(request: web.Request) -> web.StreamResponse:
    """Reset the connection; what is returned goes nowhere."""
    tear(request)
    return web.Response(status=500)


def tear(request: web.Request) -> None:
    """Send RST instead of FIN, which is what a crashed server or a dropped connection looks like."""
    transport = request.transport
    if transport is not None:
        peer: socket.socket = transport.get_extra_info("socket")
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()

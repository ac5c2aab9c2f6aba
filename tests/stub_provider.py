"""A tiny web server whose answers are given beforehand and which remembers its questions, for the client."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from aiohttp import web

from providers.pixelbyte import PixelByte
from tests.builders import FixedClock

Answering = Callable[[web.Request], Awaitable[web.StreamResponse]]
Given = Answering | web.Response | tuple[int, Any]


KEY = "pb_secret_key"


@dataclass
class Asked:
    """One request as it arrived."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    port: int | None

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Stub:
    """`on` says what to answer; the last answer for a path is repeated for ever."""

    url: str = ""
    asked: list[Asked] = field(default_factory=list)
    _given: dict[tuple[str, str], list[Given]] = field(default_factory=dict)

    def on(self, method: str, path: str, *given: Given) -> None:
        self._given[method, path] = list(given)

    def asked_for(self, method: str, path: str) -> list[Asked]:
        return [asked for asked in self.asked if (asked.method, asked.path) == (method, path)]

    async def answer(self, request: web.Request) -> web.StreamResponse:
        peer = request.transport.get_extra_info("peername") if request.transport else None
        self.asked.append(
            Asked(
                method=request.method,
                path=request.path,
                query=dict(request.query),
                headers=request.headers.copy(),
                body=await request.read(),
                port=peer[1] if peer else None,
            )
        )
        given = self._given.get((request.method, request.path))
        if not given:
            return web.json_response({"error": {"code": "STUB_HAS_NO_ANSWER"}}, status=418)
        now = given.pop(0) if len(given) > 1 else given[0]
        if callable(now):
            return await now(request)
        if isinstance(now, tuple):
            status, body = now
            return web.json_response(body, status=status)
        return web.Response(status=now.status, body=now.body, headers=now.headers)


@asynccontextmanager
async def stub_server(host: str = "127.0.0.1") -> AsyncIterator[Stub]:
    """Run a stub on loopback; `stub.url` has no path."""
    stub = Stub()
    app = web.Application(client_max_size=64 * 1024 * 1024)
    app.router.add_route("*", "/{path:.*}", stub.answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, 0)
        await site.start()
        stub.url = f"http://{host}:{runner.addresses[0][1]}"
        yield stub
    finally:
        await runner.cleanup()


def a_client(session: aiohttp.ClientSession, url: str) -> PixelByte:
    return PixelByte(
        session=session,
        base_url=f"{url}/v1",
        key=KEY,
        output_hosts=["*.muvi.video"],
        clock=FixedClock(),
        first_pause=0.001,
    )


def refusal(status: int, code: str, **error: Any) -> tuple[int, Any]:
    return status, {"success": False, "error": {"code": code, "message": "m", **error}, "requestId": "req_1"}


async def break_off(request: web.Request) -> web.StreamResponse:
    """Close the connection without an answer."""
    assert request.transport is not None
    request.transport.abort()
    return web.Response()

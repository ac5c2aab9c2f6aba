"""The demo's web server: the page, its live events, uploads and what people do on it."""

from __future__ import annotations

import asyncio
import hashlib
import json
import secrets
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web

from demo.choosing import handles
from demo.uploads import Uploads, UploadTooLargeError
from demo.view import messages_of, state_of
from demo.world import Answer, ImpossibleError, Person, World

STATIC = Path(__file__).with_name("static")
SETTLE_SECONDS = 0.03
KEEPALIVE_SECONDS = 15.0
LARGEST_ACTION = 1_000_000

_LOOPBACK = {"127.0.0.1", "localhost", "::1"}
_PAGE_POLICY = (
    "default-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:; object-src 'none'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_INLINE_TYPES = ("image/", "video/", "audio/")

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Page:
    """Serves one world to browsers on this machine.

    Who wants in must know the address with its key, which then travels as a cookie; requests that other
    web pages cause are refused by their Host and Origin.
    """

    def __init__(self, world: World, folder: Path) -> None:
        self._world = world
        self._uploads = Uploads(folder)
        self._key = secrets.token_urlsafe(24)
        self._closing = asyncio.Event()
        self._modals: dict[str, tuple[int, Answer]] = {}
        self._runner: web.AppRunner | None = None
        self._port = 0

    @property
    def address(self) -> str:
        """The address to open, with the key in it."""
        return f"http://127.0.0.1:{self._port}/?key={self._key}"

    async def start(self, port: int = 0) -> None:
        """Listen on loopback; port 0 takes a free one. Raises OSError when the port is taken."""
        app = web.Application(middlewares=[self._guard], client_max_size=LARGEST_ACTION)
        app.add_routes(
            [
                web.get("/", self._index),
                web.get("/events", self._events),
                web.get("/media/{attachment}/{name}", self._media),
                web.post("/upload", self._upload),
                web.post("/do/{action}", self._do),
                web.static("/static", STATIC),
            ]
        )
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=2)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", port)
        await site.start()
        self._port = int(self._runner.addresses[0][1])

    async def stop(self) -> None:
        self._closing.set()
        if self._runner is not None:
            await self._runner.cleanup()

    # ── who may come in ─────────────────────────────────────────────────────────────────────────

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        host = urlsplit(f"//{request.host}").hostname
        origin = request.headers.get("Origin")
        if host not in _LOOPBACK or (origin is not None and origin != f"http://{request.host}"):
            raise web.HTTPForbidden(text="This demo only answers its own page.")
        if request.method != "GET" and origin is None:
            raise web.HTTPForbidden(text="This demo only answers its own page.")
        given = request.cookies.get(self._cookie) or request.query.get("key") or ""
        if not secrets.compare_digest(given.encode(), self._key.encode()):
            raise web.HTTPForbidden(text="Open the address that the demo printed in its terminal.")
        return await handler(request)

    @property
    def _cookie(self) -> str:
        # Cookies do not know ports: two demos on one machine need two names.
        return f"demo_{self._port}"

    async def _index(self, _: web.Request) -> web.StreamResponse:
        response = web.FileResponse(STATIC / "index.html")
        response.headers.update(
            {
                "Content-Security-Policy": _PAGE_POLICY,
                "Referrer-Policy": "no-referrer",
                "X-Content-Type-Options": "nosniff",
                "Cache-Control": "no-store",
            }
        )
        response.set_cookie(self._cookie, self._key, httponly=True, samesite="Strict")
        return response

    # ── what there is to see ────────────────────────────────────────────────────────────────────

    async def _events(self, request: web.Request) -> web.StreamResponse:
        """Stream what the viewer sees: all of it at first, then every change."""
        viewer = self._person(request.query.get("viewer", ""))
        response = web.StreamResponse(
            headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"}
        )
        await response.prepare(request)
        changed = asyncio.Event()
        changed.set()
        stop = self._world.subscribe(changed.set)
        stream = _Stream(response)
        try:
            while not self._closing.is_set():
                changed.clear()
                await stream.bring_up_to_date(self._world, viewer)
                await _first_of(changed, self._closing)
                # One action changes several things; they make one update.
                await asyncio.sleep(SETTLE_SECONDS)
        except (ConnectionResetError, ConnectionError):
            pass  # the browser went away; it comes back by itself
        finally:
            stop()
        return response

    async def _media(self, request: web.Request) -> web.StreamResponse:
        identifier = request.match_info["attachment"]
        stored = self._world.cdn.file(int(identifier)) if identifier.isdigit() else None
        if stored is None:
            raise web.HTTPNotFound
        inline = stored.content_type.startswith(_INLINE_TYPES) and "svg" not in stored.content_type
        headers = {
            "Content-Type": stored.content_type,
            "Content-Disposition": "inline" if inline else "attachment",
            "Content-Security-Policy": "default-src 'none'; sandbox",
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "private, max-age=3600",
        }
        return web.FileResponse(stored.path, headers=headers)

    # ── what people do ──────────────────────────────────────────────────────────────────────────

    async def _upload(self, request: web.Request) -> web.StreamResponse:
        try:
            upload_id = await self._uploads.receive(request.query.get("name", "file"), request.content)
        except UploadTooLargeError as error:
            raise web.HTTPRequestEntityTooLarge(error.limit, 0, text=str(error)) from error
        return web.json_response({"upload": upload_id})

    async def _do(self, request: web.Request) -> web.StreamResponse:
        """Let the viewer act; answers with what went wrong, or with the modal to show."""
        try:
            wish = _Wish(json.loads(await request.text()))
            act = _ACTIONS[request.match_info["action"]]
        except (KeyError, TypeError, ValueError) as error:
            raise web.HTTPBadRequest(text="The page asked for something unknown.") from error
        viewer = self._person(wish["viewer"])
        try:
            result = await act(self, viewer, wish)
        except ImpossibleError as error:
            return web.json_response({"error": str(error)})
        return web.json_response(self._outcome(viewer, result))

    def _outcome(self, viewer: Person, result: Answer | None) -> dict[str, Any]:
        if result is None:
            return {}
        if not result.acknowledged:
            return {"error": "The application did not respond"}
        if result.modal is None:
            return {}
        key = secrets.token_hex(8)
        self._modals[key] = (viewer.id, result)
        return {"modal": result.modal, "key": key}

    async def _slash(self, viewer: Person, wish: _Wish) -> Answer:
        channel = self._world.channel(int(wish["channel"]))
        options = {name: self._value(value) for name, value in wish["options"].items()}
        return await self._world.slash(viewer, channel, wish["command"], **options)

    async def _menu(self, viewer: Person, wish: _Wish) -> Answer:
        return await self._world.message_command(viewer, wish["command"], _message_ids(wish))

    async def _click(self, viewer: Person, wish: _Wish) -> Answer:
        return await self._world.click(viewer, _message_ids(wish), wish["custom_id"])

    async def _select(self, viewer: Person, wish: _Wish) -> Answer:
        chosen = handles(self._world, int(wish["kind"]), wish["values"])
        return await self._world.select(viewer, _message_ids(wish), wish["custom_id"], chosen)

    async def _modal(self, viewer: Person, wish: _Wish) -> Answer:
        opener, shown = self._modals.get(wish["key"], (None, None))
        if shown is None or opener != viewer.id:
            raise ImpossibleError("Only who opened this form can send it, and only once.")
        values = {name: self._value(value) for name, value in wish["values"].items()}
        result = await self._world.submit_modal(viewer, shown, values)
        del self._modals[wish["key"]]
        return result

    async def _say(self, viewer: Person, wish: _Wish) -> None:
        files = [self._value(each) for each in wish["files"]]
        await self._world.say(viewer, self._world.channel(int(wish["channel"])), wish["text"], *files)

    def _value(self, value: Any) -> Any:
        """Turn what the page sends into what the world takes: uploads become files."""
        if isinstance(value, list):
            return [self._value(each) for each in value]
        if isinstance(value, dict):
            try:
                return self._uploads.take(value["upload"])
            except KeyError as error:
                raise ImpossibleError("That file has to be uploaded again.") from error
        return value

    def _person(self, identifier: str) -> Person:
        people = (self._world.member, self._world.moderator, self._world.stranger)
        return next((each for each in people if str(each.id) == identifier), self._world.member)


class _Wish(dict[str, Any]):
    """What the page asks for; a part that is missing is the page's mistake."""

    def __missing__(self, key: str) -> Any:
        raise web.HTTPBadRequest(text=f"The page left out: {key}.")


_ACTIONS: dict[str, Callable[[Page, Person, _Wish], Awaitable[Answer | None]]] = {
    "slash": Page._slash,
    "menu": Page._menu,
    "click": Page._click,
    "select": Page._select,
    "modal": Page._modal,
    "say": Page._say,
}


def _message_ids(wish: _Wish) -> tuple[int, int]:
    return int(wish["channel"]), int(wish["message"])


class _Stream:
    """One browser's event stream, and what has been told on it already."""

    def __init__(self, response: web.StreamResponse) -> None:
        self._response = response
        self._told: dict[str, str] = {}

    async def bring_up_to_date(self, world: World, viewer: Person) -> None:
        first = not self._told
        if first:
            await self._send("hello", {})
        await self._tell("state", "state", state_of(world, viewer))
        present = {"state"}
        for message in messages_of(world, viewer):
            present.add(message["id"])
            await self._tell(message["id"], "message", message)
        for gone in self._told.keys() - present:
            del self._told[gone]
            await self._send("gone", {"id": gone})
        if first:
            await self._send("complete", {})
        else:
            await self._response.write(b": still here\n\n")

    async def _tell(self, key: str, event: str, value: dict[str, Any]) -> None:
        digest = hashlib.sha256(json.dumps(value).encode()).hexdigest()
        if self._told.get(key) != digest:
            self._told[key] = digest
            await self._send(event, value)

    async def _send(self, event: str, value: dict[str, Any]) -> None:
        await self._response.write(f"event: {event}\ndata: {json.dumps(value)}\n\n".encode())


async def _first_of(*events: asyncio.Event) -> None:
    waiting = [asyncio.ensure_future(each.wait()) for each in events]
    try:
        await asyncio.wait(waiting, timeout=KEEPALIVE_SECONDS, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for each in waiting:
            each.cancel()

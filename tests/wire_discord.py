"""Discord on the wire, as small as the bot needs it: REST, gateway and attachments on loopback.

It lives in the test's process while the real bot runs as a child and may be killed; simcord cannot do that,
because it lives inside the bot's own process.
"""

# ruff: noqa: E501 - the payloads read best as compact tables

from __future__ import annotations

import asyncio
import itertools
import json
import zlib
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import WSMsgType, web

BOT_ID, APPLICATION_ID, GUILD_ID, CHANNEL_ID, MEMBER_ID = "1001", "1001", "2002", "3003", "4004"
PERMISSIONS = "309237763072"
MESSAGE = dict[str, Any]


@dataclass
class Call:
    """One REST call as it arrived."""

    method: str
    path: str
    body: Any


@dataclass
class WireDiscord:
    """The server's state; everything that the bot did can be read from it."""

    url: str = ""
    calls: list[Call] = field(default_factory=list)
    messages: dict[str, dict[str, MESSAGE]] = field(default_factory=lambda: defaultdict(dict))
    files: dict[str, tuple[str, bytes | Path]] = field(default_factory=dict)
    commands: list[dict[str, Any]] = field(default_factory=list)
    answers: dict[str, str] = field(default_factory=dict)
    threads: dict[str, str] = field(default_factory=dict)
    sockets: set[_Socket] = field(default_factory=set)
    nonces: dict[str, str] = field(default_factory=dict)
    sync_count: int = 0
    ids: itertools.count[int] = field(default_factory=lambda: itertools.count(10**18))
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    trouble: Callable[[Call], tuple[int, Any] | None] = lambda call: None
    """What a call is refused with instead of being carried out (bytes: as they are); None: nothing."""
    closed: bool = False
    """Whether the gateway takes nobody."""

    # ── what a test does and sees ───────────────────────────────────────────────────────────────

    async def order(self, picture: Path, video: Path, **options: Any) -> str:
        """Have the member run `/animate`; return the interaction's token."""
        given = [
            {"name": name, "type": _option_type(value), "value": value} for name, value in options.items()
        ]
        attachments = {}
        for name, path in (("image", picture), ("video", video)):
            key = self._attach(path.name, path)
            attachments[key["id"]] = key
            given.append({"name": name, "type": 11, "value": key["id"]})
        data = {
            "id": self._command_id("animate"), "name": "animate", "type": 1, "options": given,
            "resolved": {"attachments": attachments},
        }  # fmt: skip
        return await self._interact(2, data)

    def _command_id(self, name: str) -> str:
        return str(next(one["id"] for one in self.commands if one["name"] == name))

    async def press(
        self, message: MESSAGE, custom_id: str, member_id: str = MEMBER_ID, *, permissions: str = "2048"
    ) -> str:
        data = {"custom_id": custom_id, "component_type": 2}
        return await self._interact(3, data, message=message, member_id=member_id, permissions=permissions)

    async def until(self, condition: Callable[[], Any], *, seconds: float = 60.0) -> Any:
        """Wait for the condition, looked at after every call of the bot."""
        async with asyncio.timeout(seconds):
            while not (result := condition()):
                self.changed.clear()
                try:
                    await asyncio.wait_for(self.changed.wait(), 0.2)
                except TimeoutError:
                    continue
            return result

    def clips(self) -> list[MESSAGE]:
        """All messages with a finished clip, anywhere."""
        return [
            message
            for channel in self.messages.values()
            for message in channel.values()
            if any(file["filename"].endswith(".mp4") for file in message["attachments"])
        ]

    def all_messages(self) -> list[MESSAGE]:
        return [message for channel in self.messages.values() for message in channel.values()]

    async def go_away(self) -> None:
        """Refuse every call, close every connection and take no new one, until `come_back`."""
        self.closed = True
        self.trouble = lambda call: (503, {"message": "Service unavailable"})
        for socket in list(self.sockets):
            await socket.response.close(code=1012)

    def come_back(self) -> None:
        self.closed = False
        self.trouble = lambda call: None

    # ── gateway ─────────────────────────────────────────────────────────────────────────────────

    async def _interact(
        self,
        kind: int,
        data: dict[str, Any],
        *,
        message: MESSAGE | None = None,
        member_id: str = MEMBER_ID,
        permissions: str = "2048",
    ) -> str:
        token = f"token-{next(self.ids)}"
        event = {
            "id": self._id(), "application_id": APPLICATION_ID, "type": kind, "data": data, "token": token,
            "guild_id": GUILD_ID, "channel_id": message["channel_id"] if message else CHANNEL_ID, "version": 1,
            "channel": {"id": CHANNEL_ID, "type": 0, "name": "clips", "guild_id": GUILD_ID, "permissions": PERMISSIONS},
            "member": {
                "user": _user(member_id, f"member{member_id}"), "roles": [], "permissions": permissions, "flags": 0,
                "joined_at": "2026-01-01T00:00:00+00:00", "deaf": False, "mute": False,
            },
            "app_permissions": PERMISSIONS, "locale": "en-US", "guild_locale": "en-US", "entitlements": [],
            "authorizing_integration_owners": {"0": GUILD_ID}, "context": 0, "attachment_size_limit": 10485760,
        }  # fmt: skip
        if message:
            event["message"] = message
        for socket in list(self.sockets):
            await socket.event("INTERACTION_CREATE", event)
        return token

    async def gateway(self, request: web.Request) -> web.WebSocketResponse:
        if self.closed:
            raise web.HTTPServiceUnavailable
        socket = _Socket(web.WebSocketResponse())
        await socket.response.prepare(request)
        await socket.send({"op": 10, "d": {"heartbeat_interval": 41250}})
        async for raw in socket.response:
            if raw.type is not WSMsgType.TEXT:
                continue
            message = json.loads(raw.data)
            if message["op"] == 1:
                await socket.send({"op": 11})
            elif message["op"] == 2:
                await self._welcome(socket, message["d"])
        self.sockets.discard(socket)
        return socket.response

    async def _welcome(self, socket: _Socket, identify: dict[str, Any]) -> None:
        assert identify["intents"] == 1, "the bot may ask for nothing but guilds"
        self.sockets.add(socket)
        ready = {
            "v": 10, "user": _user(BOT_ID, "Animate", bot=True), "session_id": "s", "shard": identify["shard"],
            "guilds": [{"id": GUILD_ID, "unavailable": True}], "resume_gateway_url": "ws://127.0.0.1:1/",
            "application": {"id": APPLICATION_ID, "flags": 0},
        }  # fmt: skip
        await socket.event("READY", ready)
        await socket.event("GUILD_CREATE", _guild())
        self.changed.set()

    # ── REST ────────────────────────────────────────────────────────────────────────────────────

    async def rest(self, request: web.Request) -> web.Response:
        path = request.path.removeprefix("/api/v10")
        body, files = await _read(request)
        call = Call(request.method, path, body)
        self.calls.append(call)
        answer = self.trouble(call) or self._route(request, path.strip("/").split("/"), body, files)
        self.changed.set()
        status, payload = answer
        # discord.py reads JSON only under exactly this content type.
        headers = {"Content-Type": "application/json"}
        raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        return web.Response(status=status, body=raw, headers=headers)

    def _route(
        self, request: web.Request, parts: list[str], body: Any, files: list[tuple[str, bytes]]
    ) -> tuple[int, Any]:
        match (request.method, *parts):
            case ("GET", "users", "@me"):
                return 200, _user(BOT_ID, "Animate", bot=True)
            case ("GET", "oauth2" | "applications", *_, "@me"):
                return 200, _application()
            case ("GET", "users", "@me", "guilds"):
                return 200, [{"id": GUILD_ID, "name": "Server", "permissions": PERMISSIONS}]
            case ("GET", "gateway", "bot"):
                limits = {"total": 1000, "remaining": 999, "reset_after": 1, "max_concurrency": 1}
                # A wrong address on purpose: DISCORD_GATEWAY_URL has to win.
                return 200, {"url": "ws://127.0.0.1:1/", "shards": 1, "session_start_limit": limits}
            case ("PUT", "applications", _, "commands"):
                self.sync_count += 1
                # A menu is published without a description and comes back with an empty one.
                self.commands = [
                    {
                        "description": "",
                        **one,
                        "id": self._id(),
                        "application_id": APPLICATION_ID,
                        "version": "1",
                    }
                    for one in body
                ]
                return 200, self.commands
            case ("POST", "interactions", interaction_id, token, "callback"):
                return self._callback(interaction_id, token, body)
            case ("POST", "webhooks", _, token):
                return 200, self._post(CHANNEL_ID, body, files, flags=body.get("flags", 0))
            case ("GET", "webhooks", _, token, "messages", "@original") if token in self.answers:
                return 200, self.messages[CHANNEL_ID][self.answers[token]]
            case ("PATCH", "webhooks", _, token, "messages", "@original") if token in self.answers:
                return 200, self._edit(CHANNEL_ID, self.answers[token], body, files)
            case ("GET", "guilds", _):
                return 200, _guild()
            case ("POST", "channels", channel, "messages"):
                return 200, self._post(channel, body, files)
            case ("GET", "channels", channel, "messages"):
                after = int(request.query.get("after", 0))
                newer = [one for key, one in self.messages[channel].items() if int(key) > after]
                return 200, newer[: int(request.query.get("limit", 50))][::-1]
            case ("GET", "channels", channel, "messages", key) if key in self.messages[channel]:
                return 200, self.messages[channel][key]
            case ("PATCH", "channels", channel, "messages", key) if key in self.messages[channel]:
                return 200, self._edit(channel, key, body, files)
            case ("POST", "channels", channel, "messages", key, "threads"):
                if key in self.threads:
                    return 400, {
                        "code": 160004,
                        "message": "A thread has already been created for this message",
                    }
                self.threads[key] = body["name"]
                return 201, {
                    "id": key, "type": 11, "guild_id": GUILD_ID, "parent_id": channel, "owner_id": BOT_ID,
                    "name": body["name"], "message_count": 0, "member_count": 1,
                    "thread_metadata": {
                        "archived": False, "auto_archive_duration": 1440, "locked": False,
                        "archive_timestamp": "2026-01-01T00:00:00+00:00",
                    },
                }  # fmt: skip
        return 404, {"code": 10008, "message": f"Unknown Message ({request.method} {request.path})"}

    def _callback(self, interaction_id: str, token: str, body: dict[str, Any]) -> tuple[int, Any]:
        answer = {"interaction": {"id": interaction_id, "type": 2}}
        if body["type"] == 4:
            data = body["data"]
            message = self._post(CHANNEL_ID, data, [], flags=data.get("flags", 0))
            self.answers[token] = message["id"]
            answer["interaction"]["response_message_id"] = message["id"]
            answer["resource"] = {"type": 4, "message": message}
        return 200, answer

    def _post(
        self, channel: str, body: dict[str, Any], files: list[tuple[str, bytes]], *, flags: int = 0
    ) -> MESSAGE:
        nonce = body.get("nonce")
        if nonce and body.get("enforce_nonce") and (channel, nonce) in self.nonces:
            return self.messages[channel][self.nonces[channel, nonce]]
        key = self._id()
        message = {
            "id": key, "channel_id": channel, "type": 0, "content": body.get("content") or "", "embeds": [],
            "author": _user(BOT_ID, "Animate", bot=True), "attachments": [], "mentions": [], "mention_roles": [],
            "mention_everyone": False, "tts": False, "pinned": False, "edited_timestamp": None,
            "timestamp": "2026-01-01T00:00:00+00:00", "flags": body.get("flags", flags),
            "components": body.get("components", []), "allowed": body.get("allowed_mentions"),
        }  # fmt: skip
        if body.get("message_reference"):
            message["message_reference"] = body["message_reference"]
        message["attachments"] = [self._attach(name, content) for name, content in files]
        self.messages[channel][key] = message
        if nonce:
            self.nonces[channel, nonce] = key
        return message

    def _edit(self, channel: str, key: str, body: dict[str, Any], files: list[tuple[str, bytes]]) -> MESSAGE:
        message = self.messages[channel][key]
        message.update({name: body[name] for name in ("content", "components") if name in body})
        if "attachments" in body:
            kept = {one["id"] for one in body["attachments"]}
            message["attachments"] = [one for one in message["attachments"] if one["id"] in kept]
        message["attachments"] += [self._attach(name, content) for name, content in files]
        return message

    # ── files ───────────────────────────────────────────────────────────────────────────────────

    def _attach(self, name: str, content: bytes | Path) -> dict[str, Any]:
        key = self._id()
        self.files[key] = (name, content)
        size = len(content) if isinstance(content, bytes) else content.stat().st_size
        kind = {"mp4": "video/mp4", "mov": "video/quicktime", "png": "image/png"}.get(name[-3:], "image/jpeg")
        url = f"{self.url}/files/{key}/{name}"
        return {
            "id": key, "filename": name, "size": size, "url": url, "proxy_url": url, "content_type": kind,
        }  # fmt: skip

    async def file(self, request: web.Request) -> web.StreamResponse:
        _, content = self.files[request.match_info["key"]]
        return web.FileResponse(content) if isinstance(content, Path) else web.Response(body=content)

    def _id(self) -> str:
        return str(next(self.ids))


@asynccontextmanager
async def wire_discord(discord: WireDiscord | None = None) -> AsyncIterator[WireDiscord]:
    """Serve a Discord on a free port of loopback."""
    discord = discord or WireDiscord()
    app = web.Application(client_max_size=64 * 1024 * 1024)
    app.router.add_get("/gateway/", discord.gateway)
    app.router.add_get("/files/{key}/{name}", discord.file)
    app.router.add_route("*", "/api/v10/{path:.*}", discord.rest)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    discord.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield discord
    finally:
        await runner.cleanup()


class _Socket:
    """One gateway connection with its running compression (`zlib-stream`)."""

    def __init__(self, response: web.WebSocketResponse) -> None:
        self.response = response
        self._zlib = zlib.compressobj()
        self._sequence = itertools.count(1)

    async def event(self, name: str, data: dict[str, Any]) -> None:
        await self.send({"op": 0, "t": name, "s": next(self._sequence), "d": data})

    async def send(self, payload: dict[str, Any]) -> None:
        raw = self._zlib.compress(json.dumps(payload).encode()) + self._zlib.flush(zlib.Z_SYNC_FLUSH)
        if not self.response.closed:
            await self.response.send_bytes(raw)


async def _read(request: web.Request) -> tuple[Any, list[tuple[str, bytes]]]:
    if not request.can_read_body:
        return None, []
    if not request.content_type.startswith("multipart/"):
        return await request.json(), []
    body, files = None, []
    async for part in await request.multipart():
        if part.name == "payload_json":
            body = await part.json()
        else:
            files.append((part.filename, bytes(await part.read())))
    return body, files


def _option_type(value: Any) -> int:
    return 5 if isinstance(value, bool) else 3


def _user(key: str, name: str, *, bot: bool = False) -> dict[str, Any]:
    return {
        "id": key,
        "username": name,
        "discriminator": "0",
        "avatar": None,
        "global_name": name,
        "bot": bot,
    }


def _application() -> dict[str, Any]:
    return {
        "id": APPLICATION_ID, "name": "Animate", "icon": None, "description": "", "bot_public": True,
        "bot_require_code_grant": False, "verify_key": "", "flags": 0, "summary": "",
        "owner": _user("5005", "owner"), "team": None, "interactions_endpoint_url": None,
    }  # fmt: skip


def _guild() -> dict[str, Any]:
    roles = [
        {
            "id": GUILD_ID, "name": "@everyone", "permissions": PERMISSIONS, "position": 0, "color": 0,
            "colors": {"primary_color": 0, "secondary_color": None, "tertiary_color": None},
            "hoist": False, "managed": False, "mentionable": False, "flags": 0,
        }
    ]  # fmt: skip
    channel = {"id": CHANNEL_ID, "type": 0, "name": "clips", "position": 0, "permission_overwrites": []}
    return {
        "id": GUILD_ID, "name": "Server", "owner_id": "5005", "roles": roles, "channels": [channel], "threads": [],
        "emojis": [], "stickers": [], "features": [], "members": [], "member_count": 2, "premium_tier": 0,
        "unavailable": False, "verification_level": 0, "default_message_notifications": 0, "afk_timeout": 60,
        "explicit_content_filter": 0, "mfa_level": 0, "nsfw_level": 0, "system_channel_flags": 0, "presences": [],
        "preferred_locale": "en-US", "voice_states": [], "stage_instances": [], "guild_scheduled_events": [],
        "premium_progress_bar_enabled": False, "soundboard_sounds": [],
    }  # fmt: skip

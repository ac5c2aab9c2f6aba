"""What one person sees of the simulated Discord, as JSON for the page."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlsplit

from demo.world import Channel, Person, World

SLASH, MESSAGE_MENU = 1, 3  # kinds of commands
_LOADING = 1 << 7
_EPHEMERAL = 1 << 6
_COMMAND_RESPONSES = (20, 23)
_VOICE_LIKE, _FORUM_LIKE = (2, 13), (15, 16)


def state_of(world: World, viewer: Person) -> dict[str, Any]:
    """Return everything but the messages: people, channels with their threads, commands."""
    channels = [_channel(world, viewer, each) for each in _visible_channels(world, viewer)]
    return {
        "server": world.guild.name,
        "viewer": str(viewer.id),
        "bot": str(world.bot_id),
        "people": {str(user.id): user.global_name or user.name for user in world.discord.users.values()},
        "roles": _roles(world),
        "viewers": [
            {"id": str(person.id), "role": role}
            for person, role in (
                (world.member, "Member"),
                (world.moderator, "Moderator"),
                (world.stranger, "Another member"),
            )
        ],
        "channels": channels,
        "commands": {
            each["id"]: {
                "slash": world.commands(viewer, int(each["id"]), kind=SLASH),
                "message": world.commands(viewer, int(each["id"]), kind=MESSAGE_MENU),
            }
            for channel in channels
            for each in (channel, *channel["threads"])
        },
    }


def messages_of(world: World, viewer: Person) -> Iterator[dict[str, Any]]:
    """Give every message that the viewer can see, channel by channel, oldest first."""
    for channel in _visible_channels(world, viewer):
        for place in (channel.id, *(thread.id for thread in channel.threads)):
            if world.sees(viewer, place):
                for payload in world.messages(place, viewer=viewer):
                    yield _message(world, viewer, payload)


def media_path(world: World, url: str) -> str | None:
    """Return where the page serves the attachment behind a CDN address, None for any other address."""
    parts = urlsplit(url)
    steps = parts.path.split("/")
    if parts.netloc != world.cdn.host or len(steps) < 2 or not steps[-2].isdigit():
        return None
    return f"/media/{steps[-2]}/{quote(steps[-1], safe='%')}"


def _roles(world: World) -> list[dict[str, str]]:
    """Every role that can be chosen; the one of everybody has its server's id."""
    roles = world.discord.get_guild(world.guild.id).roles.values()
    return [{"id": str(role.id), "name": role.name} for role in roles if role.id != world.guild.id]


def _visible_channels(world: World, viewer: Person) -> list[Channel]:
    return [each for each in world.guild.channels.values() if world.sees(viewer, each.id)]


def _channel(world: World, viewer: Person, channel: Channel) -> dict[str, Any]:
    stored = world.discord.get_channel(channel.id)
    kind = "voice" if stored.type in _VOICE_LIKE else "forum" if stored.type in _FORUM_LIKE else "text"
    return {
        "id": str(stored.id),
        "name": stored.name,
        "type": int(stored.type),
        "kind": kind,
        "topic": stored.topic or "",
        "threads": [_thread(world, thread.id) for thread in channel.threads if world.sees(viewer, thread.id)],
    }


def _thread(world: World, thread_id: int) -> dict[str, Any]:
    stored = world.discord.get_channel(thread_id)
    starter = world.discord.messages.get(stored.parent_id or 0, {}).get(thread_id)
    metadata = (starter.interaction_metadata or {}) if starter else {}
    return {
        "id": str(stored.id),
        "type": int(stored.type),
        "parent": str(stored.parent_id),
        "name": stored.name,
        "archived": bool(stored.thread_metadata and stored.thread_metadata.archived),
        "count": stored.message_count,
        # Whose command the thread answers: their page opens it by itself, as Discord's own apps show it.
        "for": metadata.get("user", {}).get("id"),
    }


def _message(world: World, viewer: Person, payload: dict[str, Any]) -> dict[str, Any]:
    author, metadata = payload["author"], payload.get("interaction_metadata") or {}
    return {
        "id": payload["id"],
        "channel": payload["channel_id"],
        "author": {
            "id": author["id"],
            "name": author.get("global_name") or author["username"],
            "bot": bool(author.get("bot")),
        },
        "time": int(datetime.fromisoformat(payload["timestamp"]).timestamp() * 1000),
        "edited": bool(payload["edited_timestamp"]),
        "system": payload["type"] not in (0, 19, *_COMMAND_RESPONSES),
        "content": payload["content"],
        "for_viewer": world.was_pinged(viewer, payload),
        "ephemeral": bool(payload["flags"] & _EPHEMERAL),
        "loading": bool(payload["flags"] & _LOADING),
        "command": {"name": metadata.get("name"), "user": metadata["user"]["id"]}
        if payload["type"] in _COMMAND_RESPONSES and metadata.get("user")
        else None,
        "attachments": [_local(world, each) for each in payload["attachments"]],
        "embeds": payload["embeds"],
        "components": _local(world, payload["components"]),
        "thread": payload["id"] if int(payload["id"]) in world.discord.channels else None,
    }


def _local(world: World, part: Any) -> Any:
    """Copy a part of a message with every CDN address turned into one of the page."""
    if isinstance(part, list):
        return [_local(world, each) for each in part]
    if not isinstance(part, dict):
        return part
    copied = {key: _local(world, value) for key, value in part.items()}
    for each in copied.get("default_values") or ():
        # As Discord gives them; as numbers they would lose digits in JavaScript.
        each["id"] = str(each["id"])
    if isinstance(part.get("url"), str):
        path = media_path(world, part["url"])
        if path is not None:
            copied |= {"url": path, "local": True}
            copied.pop("proxy_url", None)
    return copied

"""The line to Discord: calls by ids and the bot token, within the budget, bounded in time."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import discord
from discord.http import Route

from cogs.budget import Budget, Priority

CALL_SECONDS = 90.0
"""Longer than discord.py's own retries and the longest rate limit that it waits for (60 s)."""

UPLOAD_SECONDS = 330.0
"""Longer than the 300 s that aiohttp gives one request."""

UPLOADS_AT_ONCE = 6
"""Uploads may not take the connections that answers to interactions need."""

RECENT_MESSAGES = 100


@dataclass(frozen=True, slots=True)
class Spot:
    """A channel or thread of a server."""

    guild_id: int
    channel_id: int

    def link(self, message_id: int) -> str:
        """The address that makes Discord jump to a message here."""
        return f"https://discord.com/channels/{self.guild_id}/{self.channel_id}/{message_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """What a new message holds; `nonce` makes Discord take it once within a few minutes.

    Without a `mention` it is silent: nobody's phone rings for it.
    """

    nonce: str
    content: str | None = None
    view: discord.ui.View | discord.ui.LayoutView | None = None
    file: discord.File | None = None
    files: Sequence[discord.File] = ()
    reply_to: int | None = None
    mention: int | None = None


class Line:
    """Sends through discord.py without its caches; raises `cogs.verdicts.CALL_ERRORS`."""

    def __init__(self, client: discord.Client, budget: Budget) -> None:
        self._client = client
        self._budget = budget
        self._uploads = asyncio.Semaphore(UPLOADS_AT_ONCE)

    def room_for_tick(self) -> bool:
        """Whether an edit that only shows that time passes may be made now; if so it is paid for."""
        return self._budget.spend_if_idle()

    async def post(self, spot: Spot, post: Post, *, priority: Priority) -> int:
        """Send a message and return its id."""
        options: dict[str, Any] = {
            "content": post.content,
            "nonce": post.nonce,
            "silent": post.mention is None,
        }
        if post.view is not None:
            options["view"] = post.view
        if post.reply_to is not None:
            options["reference"] = discord.MessageReference(
                message_id=post.reply_to,
                channel_id=spot.channel_id,
                guild_id=spot.guild_id,
                fail_if_not_exists=False,
            )
        if post.mention is not None:
            options["allowed_mentions"] = discord.AllowedMentions(users=[discord.Object(post.mention)])
        await self._budget.spend(priority)
        channel = self._channel(spot)
        files = [*post.files, *([post.file] if post.file is not None else [])]
        if not files:
            async with asyncio.timeout(CALL_SECONDS):
                return (await channel.send(**options)).id
        async with self._uploads, asyncio.timeout(UPLOAD_SECONDS):
            return (await channel.send(**options, files=files)).id

    async def edit(
        self, spot: Spot, message_id: int, *, priority: Priority | None, **changes: Any
    ) -> list[discord.Attachment]:
        """Edit a message and return its attachments. `priority` None: `room_for_tick` has paid for it."""
        if priority is not None:
            await self._budget.spend(priority)
        async with asyncio.timeout(CALL_SECONDS):
            return (await self._message(spot, message_id).edit(**changes)).attachments

    async def delete(self, spot: Spot, message_id: int) -> None:
        """Delete one of the bot's own messages, for which it needs no permission."""
        await self._budget.spend(Priority.CHANGE)
        async with asyncio.timeout(CALL_SECONDS):
            await self._message(spot, message_id).delete()

    async def attachments(self, spot: Spot, message_id: int) -> list[discord.Attachment]:
        """Read what is attached to a message."""
        await self._budget.spend(Priority.CHANGE)
        async with asyncio.timeout(CALL_SECONDS):
            return (await self._message(spot, message_id).fetch()).attachments

    async def start_thread(self, spot: Spot, message_id: int, name: str) -> int:
        """Open a thread from a message and return its id."""
        message = self._message(spot, message_id)
        message.guild = await self.guild(spot.guild_id)
        await self._budget.spend(Priority.CHANGE)
        async with asyncio.timeout(CALL_SECONDS):
            return (await message.create_thread(name=name)).id

    async def own_recent_messages(self, spot: Spot) -> Sequence[discord.Message]:
        """Those of the last hundred messages that are the bot's, newest first."""
        assert self._client.user is not None
        await self._budget.spend(Priority.CHANGE)
        async with asyncio.timeout(CALL_SECONDS):
            history = self._channel(spot).history(limit=RECENT_MESSAGES)
            return [message async for message in history if message.author.id == self._client.user.id]

    async def find_answer(self, interaction_token: str) -> int | None:
        """Return the id of the public answer to an interaction, None when the answer was a private one."""
        await self._budget.spend(Priority.CHANGE)
        route = Route(
            "GET",
            "/webhooks/{webhook_id}/{webhook_token}/messages/@original",
            webhook_id=self._client.application_id,
            webhook_token=interaction_token,
        )
        async with asyncio.timeout(CALL_SECONDS):
            answer = await self._client.http.request(route)
        private = discord.MessageFlags._from_value(answer.get("flags", 0)).ephemeral
        return None if private else int(answer["id"])

    async def upload_limit(self, guild_id: int) -> int:
        """Bytes that a bot may attach in this server by its boost level (`discord.md`, section 3)."""
        return (await self.guild(guild_id)).filesize_limit

    def _channel(self, spot: Spot) -> discord.PartialMessageable:
        return self._client.get_partial_messageable(spot.channel_id, guild_id=spot.guild_id)

    def _message(self, spot: Spot, message_id: int) -> discord.PartialMessage:
        return self._channel(spot).get_partial_message(message_id)

    def known_guild(self, guild_id: int) -> discord.Guild | None:
        """The server, if this process is told of it by a gateway connection."""
        return self._client.get_guild(guild_id)

    async def guild(self, guild_id: int) -> discord.Guild:
        """The server, with what this process knows of it or Discord says."""
        cached = self.known_guild(guild_id)
        if cached is not None:
            return cached
        # A process without a gateway connection, or a server that is unavailable at the moment.
        await self._budget.spend(Priority.CHANGE)
        async with asyncio.timeout(CALL_SECONDS):
            return await self._client.fetch_guild(guild_id, with_counts=False)

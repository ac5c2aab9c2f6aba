"""The connection to Discord: what it subscribes to, keeps in memory, and when it publishes the commands."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any, Protocol

import aiohttp
import discord
import structlog
from discord.ext import commands

from cogs.failures import Tree

log = structlog.get_logger(__name__)

CONNECTIONS = 128
"""Open connections to Discord at once, REST and gateway shards together."""

LONGEST_RATE_LIMIT_SECONDS = 60.0

COMMANDS_KEY = "commands_digest"


class Notes(Protocol):
    """Small values that outlive the process."""

    async def read(self, key: str) -> str | None: ...

    async def write(self, key: str, value: str) -> None: ...


def new_connector(limit: int = CONNECTIONS) -> aiohttp.TCPConnector:
    """A bounded connector; must be made inside the running loop."""
    return aiohttp.TCPConnector(limit=limit)


class Client(commands.AutoShardedBot):
    """The bot's Discord side. Cogs come ready-made; commands are published only when they have changed."""

    def __init__(
        self,
        *,
        notes: Notes,
        connector: aiohttp.BaseConnector | None = None,
        shard_count: int | None = None,
    ) -> None:
        super().__init__(
            # No prefix commands: without the message intents only slash commands ever arrive.
            command_prefix=commands.when_mentioned,
            help_command=None,
            tree_cls=Tree,
            intents=discord.Intents(guilds=True),
            max_messages=None,
            member_cache_flags=discord.MemberCacheFlags.none(),
            chunk_guilds_at_startup=False,
            allowed_mentions=discord.AllowedMentions.none(),
            max_ratelimit_timeout=LONGEST_RATE_LIMIT_SECONDS,
            connector=connector,
            shard_count=shard_count,
        )
        self._notes = notes
        self._ready_made: list[commands.Cog] = []

    def install(self, cogs: Sequence[commands.Cog]) -> None:
        """Say which cogs to load at login; they hold their collaborators already."""
        self._ready_made = list(cogs)

    async def setup_hook(self) -> None:
        for cog in self._ready_made:
            await self.add_cog(cog)
        await self._publish_commands()

    async def _publish_commands(self) -> None:
        """Send the global commands when they differ from what was last sent for this application."""
        definition = [command.to_dict(self.tree) for command in self.tree.get_commands()]
        digest = f"{self.application_id}:{_digest(definition)}"
        if await self._notes.read(COMMANDS_KEY) == digest:
            return
        published = await self.tree.sync()
        await self._notes.write(COMMANDS_KEY, digest)
        log.info("commands_published", count=len(published))


def _digest(definition: Any) -> str:
    return hashlib.sha256(json.dumps(definition, sort_keys=True).encode()).hexdigest()

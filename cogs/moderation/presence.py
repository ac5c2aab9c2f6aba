"""Servers that the bot has left or come back to, as the gateway tells it."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import discord
from discord.ext import commands

from studio.moderation.departures import Departures, Shards
from studio.ports import Clock


class Presence(commands.Cog):
    """An outage of a server is no departure: discord.py tells the two apart."""

    def __init__(self, client: commands.AutoShardedBot, departures: Departures, clock: Clock) -> None:
        self._client = client
        self._departures = departures
        self._clock = clock
        self._noting: set[asyncio.Task[None]] = set()

    async def cog_unload(self) -> None:
        """Let what is being noted get into the database before that is closed."""
        if self._noting:
            await asyncio.wait(self._noting)

    @commands.Cog.listener()
    async def on_guild_remove(self, guild: discord.Guild) -> None:
        await self._note(self._departures.note(guild.id, self._clock(), left=True))

    @commands.Cog.listener()
    async def on_guild_join(self, guild: discord.Guild) -> None:
        await self._note(self._departures.note(guild.id, self._clock(), left=False))

    @commands.Cog.listener()
    async def on_ready(self) -> None:
        shards = Shards(self._client.shard_count, self._client.shard_ids)
        present = [guild.id for guild in self._client.guilds]
        await self._note(self._departures.compare(present, self._clock(), shards=shards))

    async def _note(self, noting: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(noting)
        self._noting.add(task)
        task.add_done_callback(self._noting.discard)
        await task

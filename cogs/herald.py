"""Messages to a server's moderators that answer nothing: the log, and what they have to mend."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

import discord
import structlog

from cogs.budget import Budget, Priority
from cogs.line import CALL_SECONDS, Line, Post, Spot
from cogs.verdicts import desk_errors
from cogs.voice import Voice
from studio.errors import DeskGone
from studio.ids import new_job_id
from studio.languages.tongues import Language

log = structlog.get_logger(__name__)


class DiscordHerald:
    """The `Herald` of the studio on Discord."""

    def __init__(self, client: discord.Client, budget: Budget) -> None:
        self._client = client
        self._line = Line(client, budget)
        self.voice = Voice(self._line)

    async def language_of(self, guild_id: int) -> Language:
        return await self.voice.of(guild_id)

    async def post(self, guild_id: int, channel_id: int, text: str, *, nonce: str) -> None:
        with desk_errors():
            spot, post = Spot(guild_id, channel_id), Post(nonce=nonce, content=text)
            await self._line.post(spot, post, priority=Priority.CHANGE)

    async def warn(self, guild_id: int, actor_id: int | None, text: str) -> None:
        with desk_errors():
            guild = await self._line.guild(guild_id)
        # A process without a gateway connection does not know the server's channels.
        if guild.system_channel is not None and await self._arrives(
            guild_id, partial(_known, guild.system_channel.id), text
        ):
            return
        for person_id in dict.fromkeys((actor_id, guild.owner_id)):
            if person_id is not None and await self._arrives(guild_id, partial(self._dm, person_id), text):
                return
        raise DeskGone

    async def _arrives(self, guild_id: int, find: Callable[[], Awaitable[int]], text: str) -> bool:
        try:
            with desk_errors():
                channel_id = await find()
            await self.post(guild_id, channel_id, text, nonce=new_job_id(discord.utils.utcnow()))
        except DeskGone as error:
            log.info("warning_not_taken", guild_id=guild_id, error=error.code)
            return False
        return True

    async def _dm(self, person_id: int) -> int:
        async with asyncio.timeout(CALL_SECONDS):
            return (await self._client.create_dm(discord.Object(person_id))).id


async def _known(channel_id: int) -> int:
    return channel_id

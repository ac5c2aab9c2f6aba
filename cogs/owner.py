"""Direct messages to whoever runs the bot: the application's owner, or the members of its team."""

from __future__ import annotations

import asyncio

import discord
import structlog
from discord.ext import commands

from cogs.verdicts import CALL_ERRORS
from studio.languages.spoken import speaking
from studio.languages.tongues import Language
from studio.texts import say

log = structlog.get_logger(__name__)

LONGEST_TEXT = 1500
TELL_SECONDS = 15.0


class Owner:
    """Tells the owner what only they can mend; also by a client that has no gateway connection."""

    def __init__(self, client: commands.AutoShardedBot) -> None:
        self._client = client

    async def tell(self, subject: str, text: str) -> bool:
        """Send one message to each owner; True when it reached at least one of them."""
        # Alarms are in English, as are the log and the documents that they name.
        with speaking(Language.ENGLISH):
            words = say("operator_alarm", subject=subject, text=text[:LONGEST_TEXT])
        try:
            async with asyncio.timeout(TELL_SECONDS):
                reached = [await self._send(owner_id, words) for owner_id in await self._owner_ids()]
        except CALL_ERRORS as error:
            log.warning("owner_not_told", subject=subject, error=str(error))
            return False
        return any(reached)

    async def _owner_ids(self) -> list[int]:
        application = await self._client.application_info()
        if application.team is None:
            return [application.owner.id]
        return [member.id for member in application.team.members]

    async def _send(self, owner_id: int, words: str) -> bool:
        try:
            channel = await self._client.create_dm(discord.Object(owner_id))
            await channel.send(words)
        except (discord.Forbidden, discord.NotFound) as error:
            # Whoever takes no messages from this bot has the log.
            log.info("owner_unreachable", owner_id=owner_id, error=str(error))
            return False
        return True

"""What every cog of moderation is given, and how their commands and presses are answered."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import discord
from discord import app_commands

from cogs.controls import Handler, Route
from cogs.moderation.rights import Rights
from cogs.voice import of_server
from studio.languages.spoken import speaking
from studio.moderation.audit import Entry
from studio.moderation.council import Council
from studio.sharing.servers import Servers

if TYPE_CHECKING:
    from studio.front import Studio

Interaction = discord.Interaction[discord.Client]

# Evaluated by discord.py at run time, where `from __future__ import annotations` has made it a string.
Reason = app_commands.Range[str, 0, 300]


@dataclass(frozen=True, slots=True, kw_only=True)
class Office:
    """`servers` is what this process remembers; decisions are made through the `council`."""

    studio: Studio
    servers: Servers
    rights: Rights
    council: Council

    def entry(self, interaction: Interaction, action: str, **facts: Any) -> Entry:
        """The record of what whoever interacts decides now; `facts` are further fields of `Entry`."""
        assert interaction.guild_id is not None
        return Entry(
            at=self.council.now(),
            guild_id=interaction.guild_id,
            actor_id=interaction.user.id,
            action=action,
            **facts,
        )

    def for_the_record(self, interaction: Interaction) -> AbstractContextManager[None]:
        """For words that an entry keeps: everybody who may read the record reads them."""
        return speaking(of_server(interaction, self.studio.language(interaction.guild_id or 0)))

    def for_managers(self, prefix: str, handle: Handler) -> Route:
        """A route whose presses are refused to everybody but managers, before anything else."""

        async def guarded(interaction: Interaction, rest: str) -> None:
            self.rights.require_manager(interaction)
            await handle(interaction, rest)

        return Route(prefix, guarded)

    def for_moderators(self, prefix: str, handle: Handler) -> Route:
        """The same for moderators."""

        async def guarded(interaction: Interaction, rest: str) -> None:
            self.rights.require_moderator(interaction)
            await handle(interaction, rest)

        return Route(prefix, guarded)


async def take_time(interaction: Interaction) -> None:
    """Answer a command at once, privately, so that what follows may wait for the database."""
    await interaction.response.defer(ephemeral=True, thinking=True)


async def conclude(interaction: Interaction, text: str) -> None:
    """Say how it went, where `take_time` has put the answer."""
    await interaction.edit_original_response(content=text)

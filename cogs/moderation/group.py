"""`/studio`: the one command group for moderators; its commands stand in the files beside it."""

from __future__ import annotations

from typing import Any

import discord
from discord import app_commands

from cogs.failures import CommandRefused
from cogs.moderation.rights import Rights
from studio.errors import OrderRefused
from studio.texts import say


class Guarded(app_commands.Group):
    """A group whose commands only managers may use, but for those that moderators were given.

    Of nested groups discord.py asks the innermost alone.
    """

    def __init__(self, rights: Rights, *, name: str, description: str) -> None:
        self._rights = rights
        self._of_moderators: set[str] = set()
        super().__init__(
            name=name,
            description=description,
            guild_only=True,
            default_permissions=discord.Permissions(manage_guild=True),
        )

    def add_for_moderators(self, command: app_commands.Command[Any, ..., Any]) -> None:
        """Add a command that decides about members and clips, not about rules."""
        self._of_moderators.add(command.name)
        self.add_command(command)

    async def interaction_check(self, interaction: discord.Interaction[discord.Client]) -> bool:
        command = interaction.command
        try:
            if command is not None and command.name in self._of_moderators:
                self._rights.require_moderator(interaction)
            else:
                self._rights.require_manager(interaction)
        except OrderRefused as refusal:
            raise CommandRefused(refusal) from refusal
        return True


class StudioGroup(Guarded):
    """Offered to who may manage the server; they offer it to others under Server Settings › Integrations."""

    def __init__(self, rights: Rights) -> None:
        super().__init__(rights, name="studio", description=say("command_studio"))

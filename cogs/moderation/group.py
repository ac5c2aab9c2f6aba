"""`/studio`: the one command group for moderators; its commands stand in the files beside it."""

from __future__ import annotations

import discord
from discord import app_commands

from cogs.failures import CommandRefused
from cogs.moderation.rights import Rights
from studio.errors import OrderRefused
from studio.texts import say


class Guarded(app_commands.Group):
    """A group whose commands only managers may use; of nested groups discord.py asks the innermost alone."""

    def __init__(self, rights: Rights, *, name: str, description: str) -> None:
        self._rights = rights
        super().__init__(
            name=name,
            description=description,
            guild_only=True,
            default_permissions=discord.Permissions(manage_guild=True),
        )

    async def interaction_check(self, interaction: discord.Interaction[discord.Client]) -> bool:
        try:
            self._rights.require_manager(interaction)
        except OrderRefused as refusal:
            raise CommandRefused(refusal) from refusal
        return True


class StudioGroup(Guarded):
    """Offered to who may manage the server; moderators re-assign it under Server Settings › Integrations."""

    def __init__(self, rights: Rights) -> None:
        super().__init__(rights, name="studio", description=say("command_studio"))

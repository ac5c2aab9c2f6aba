"""Who may do what: asked at every command and press, whatever Discord has let through."""

from __future__ import annotations

import discord
import structlog

from studio.errors import OrderRefused
from studio.sharing.servers import Servers

log = structlog.get_logger(__name__)


class Rights:
    """Managers set the rules, moderators decide about members and clips.

    A manager may manage the server, or has one of the roles that its managers have named as moderators' own.
    A moderator is a manager, or may delete others' messages where the question arises.
    """

    def __init__(self, servers: Servers) -> None:
        self._servers = servers

    def is_manager(self, interaction: discord.Interaction[discord.Client]) -> bool:
        if interaction.guild_id is None:
            return False
        return interaction.permissions.manage_guild or self._has_named_role(interaction)

    def is_moderator(self, interaction: discord.Interaction[discord.Client]) -> bool:
        if interaction.guild_id is None:
            return False
        return interaction.permissions.manage_messages or self.is_manager(interaction)

    def require_manager(self, interaction: discord.Interaction[discord.Client]) -> None:
        """Raise `OrderRefused` for everybody else; the try is logged."""
        if not self.is_manager(interaction):
            _refuse(interaction)

    def require_moderator(self, interaction: discord.Interaction[discord.Client]) -> None:
        """Raise `OrderRefused` for everybody else; the try is logged."""
        if not self.is_moderator(interaction):
            _refuse(interaction)

    def _has_named_role(self, interaction: discord.Interaction[discord.Client]) -> bool:
        assert interaction.guild_id is not None
        named = self._servers.of(interaction.guild_id).policy.moderator_role_ids
        member = interaction.user
        return isinstance(member, discord.Member) and any(role.id in named for role in member.roles)


def _refuse(interaction: discord.Interaction[discord.Client]) -> None:
    log_refusal(interaction)
    raise OrderRefused("not_permitted")


def log_refusal(interaction: discord.Interaction[discord.Client]) -> None:
    """Note who tried what without the right."""
    data = dict(interaction.data or {})
    log.warning(
        "not_permitted",
        guild_id=interaction.guild_id,
        member_id=interaction.user.id,
        what=data.get("custom_id") or data.get("name"),
    )

"""Motions as they are offered to who types a name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import discord
from discord import app_commands

from studio.motions.motion import Motion
from studio.texts import say

if TYPE_CHECKING:
    from studio.front import Studio

LONGEST_CHOICE = 100


async def suggestions(
    studio: Studio, interaction: discord.Interaction[discord.Client], typed: str
) -> list[app_commands.Choice[str]]:
    """What the member may mean, the likeliest first; nothing where nothing can be known."""
    if interaction.guild_id is None:
        return []
    found = await studio.motions.suggest(interaction.guild_id, interaction.user.id, typed)
    return [app_commands.Choice(name=_offered(motion), value=motion.id) for motion in found]


def _offered(motion: Motion) -> str:
    code = "motion_suggested_tags" if motion.tags else "motion_suggested"
    text = say(code, name=motion.name, seconds=motion.content.seconds, tags=", ".join(motion.tags))
    return text if len(text) <= LONGEST_CHOICE else f"{text[: LONGEST_CHOICE - 1]}…"

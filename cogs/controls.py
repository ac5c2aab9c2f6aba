"""Buttons that survive a restart: the custom_id says what and which, the database says who may press."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import discord
from discord.ext import commands

from cogs.cards import CANCEL_PREFIX
from cogs.failures import tell_failure
from cogs.moderation.rights import log_refusal
from cogs.voice import of_member
from studio import promptly
from studio.languages.spoken import speak
from studio.models import CancelAnswer
from studio.texts import say

if TYPE_CHECKING:
    from cogs.moderation.rights import Rights
    from studio.front import Studio

Handler = Callable[[discord.Interaction[discord.Client], str], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Route:
    """Presses and modals whose custom_id begins with `prefix` go to `handle`, with the rest of it."""

    prefix: str
    handle: Handler


JOB_ID = re.compile(r"[0-9a-z]{1,32}")

PRESSES = frozenset({discord.InteractionType.component, discord.InteractionType.modal_submit})


class Controls(commands.Cog):
    """Routes every press by its custom_id.

    discord.py's own ways are not used: views die with the process, and its dynamic items lose their
    registration for everybody when a message is edited (2.7.1, ui/view.py:948 and 977).
    """

    def __init__(self, studio: Studio, rights: Rights, routes: Sequence[Route] = ()) -> None:
        """`routes` are those of the other cogs; a prefix may begin no other one."""
        self._studio = studio
        self._rights = rights
        self._routes = (Route(CANCEL_PREFIX, self._cancel), *routes)

    @commands.Cog.listener()
    async def on_interaction(self, interaction: discord.Interaction[discord.Client]) -> None:
        if interaction.type not in PRESSES:
            return
        # Listeners have a task of their own for each event.
        speak(of_member(interaction))
        promptly.begin()
        try:
            await self._route(interaction)
        except Exception as error:  # noqa: BLE001  # the outermost step: everything is told and logged there
            await tell_failure(interaction, error)

    async def _route(self, interaction: discord.Interaction[discord.Client]) -> None:
        custom_id = str(interaction.data.get("custom_id")) if interaction.data else ""
        for route in self._routes:
            if custom_id.startswith(route.prefix):
                await route.handle(interaction, custom_id.removeprefix(route.prefix))
                return
        await unknown_button(interaction)

    async def _cancel(self, interaction: discord.Interaction[discord.Client], job_id: str) -> None:
        if not JOB_ID.fullmatch(job_id):
            await unknown_button(interaction)
            return
        # Answered at once: what follows writes to the database, which may be busy for longer than 3 s.
        await interaction.response.defer()
        answer = await self._studio.cancel(
            job_id,
            member_id=interaction.user.id,
            is_moderator=self._rights.is_moderator(interaction),
        )
        if answer is CancelAnswer.NOT_YOURS:
            log_refusal(interaction)
        await interaction.followup.send(say(f"cancel_{answer}"), ephemeral=True)


async def unknown_button(interaction: discord.Interaction[discord.Client]) -> None:
    """Answer a press whose id nobody can read any more."""
    await interaction.response.send_message(say("button_unknown"), ephemeral=True)

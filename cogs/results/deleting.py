"""Delete below a finished clip: for its member and for moderators, after they were asked once."""

from __future__ import annotations

import discord
from discord import ui

from cogs.cards import ERASE_PREFIX
from cogs.controls import JOB_ID, Route, unknown_button
from cogs.moderation.office import Interaction, take_time
from cogs.moderation.rights import Rights
from studio.errors import NotYours
from studio.models import Job
from studio.moderation.care import Care
from studio.texts import say

SURE_PREFIX = "v1:erase-sure:"


class Deleting:
    """The right to delete is asked at both presses."""

    def __init__(self, care: Care, rights: Rights) -> None:
        self._care = care
        self._rights = rights

    def routes(self) -> list[Route]:
        return [Route(ERASE_PREFIX, self._ask), Route(SURE_PREFIX, self._erase)]

    async def _ask(self, interaction: Interaction, job_id: str) -> None:
        if not JOB_ID.fullmatch(job_id) or interaction.guild_id is None:
            await unknown_button(interaction)
            return
        await take_time(interaction)
        await self._clip(interaction, job_id)
        view = ui.View(timeout=None)
        sure: ui.Button[ui.View] = ui.Button(
            label=say("button_erase_sure"),
            style=discord.ButtonStyle.danger,
            custom_id=f"{SURE_PREFIX}{job_id}",
        )
        view.add_item(sure)
        view.stop()
        await interaction.edit_original_response(content=say("erase_sure"), view=view)

    async def _erase(self, interaction: Interaction, job_id: str) -> None:
        if not JOB_ID.fullmatch(job_id) or interaction.guild_id is None:
            await unknown_button(interaction)
            return
        # Answered at once: what follows deletes messages and files.
        await interaction.response.defer()
        job = await self._clip(interaction, job_id)
        await self._care.safety.take_down(job, by=interaction.user.id, reason="")
        await interaction.edit_original_response(content=say("erased"), view=None)

    async def _clip(self, interaction: Interaction, job_id: str) -> Job:
        assert interaction.guild_id is not None
        job = await self._care.safety.job(interaction.guild_id, job_id=job_id)
        is_own = job.order.member.id == interaction.user.id
        if not is_own and not self._rights.is_moderator(interaction):
            raise NotYours("erase_not_yours")
        return job

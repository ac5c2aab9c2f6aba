"""`/privacy`: what is stored about whoever asks, their copy, deleting it, and being shown in a clip."""

from __future__ import annotations

import io

import discord
from discord import app_commands, ui
from discord.ext import commands

from cogs.controls import Route
from cogs.moderation.fields import filled_in, form, text_field
from cogs.moderation.office import Interaction, conclude, take_time
from cogs.moderation.reports import parse_clip
from studio.errors import OrderRefused
from studio.moderation.care import Care
from studio.moderation.reports import LONGEST_REASON
from studio.moderation.safety import Complaint
from studio.texts import say

EXPORT, DELETE, DELETE_ALL = "v1:privacy:export", "v1:privacy:delete", "v1:privacy:forget"
SHOWN, SHOWN_FORM = "v1:privacy:shown", "v1:privacy:told"

LONGEST_LINK = 200


class PrivacyCommand(commands.Cog):
    """Everything here is seen by whoever asks alone, and concerns nobody but them."""

    def __init__(self, care: Care) -> None:
        self._care = care

    @app_commands.command(name="privacy", description=say("command_privacy"))
    @app_commands.allowed_installs(guilds=True, users=False)
    @app_commands.allowed_contexts(guilds=True, dms=True, private_channels=False)
    async def privacy(self, interaction: Interaction) -> None:
        promise = self._care.privacy.promise()
        code = "privacy_trial" if promise.trial else "privacy_stored"
        text = say(code, days=f"{promise.retention_days:g}", provider=promise.provider)
        view = _buttons(
            (EXPORT, "button_export", discord.ButtonStyle.primary),
            (SHOWN, "button_shown", discord.ButtonStyle.secondary),
            (DELETE, "button_forget", discord.ButtonStyle.danger),
        )
        text = f"{text}\n{say('privacy_choices')}\n\n{say('privacy_kept')}"
        await interaction.response.send_message(text, view=view, ephemeral=True)

    def routes(self) -> list[Route]:
        return [
            Route(EXPORT, self._export),
            Route(DELETE, self._ask_again),
            Route(DELETE_ALL, self._forget),
            Route(SHOWN, self._ask_where),
            Route(SHOWN_FORM, self._tell),
        ]

    async def _export(self, interaction: Interaction, _: str) -> None:
        await take_time(interaction)
        file = await self._care.privacy.export(interaction.user.id)
        attachment = discord.File(
            io.BytesIO(file.content), filename=file.name, description=say("alt_privacy_export")
        )
        await interaction.edit_original_response(content=say("privacy_exported"), attachments=[attachment])

    async def _ask_again(self, interaction: Interaction, _: str) -> None:
        view = _buttons((DELETE_ALL, "button_forget_all", discord.ButtonStyle.danger))
        await interaction.response.send_message(say("privacy_forget_sure"), view=view, ephemeral=True)

    async def _forget(self, interaction: Interaction, _: str) -> None:
        await take_time(interaction)
        done = await self._care.privacy.forget(interaction.user.id)
        await conclude(interaction, say("privacy_forgotten" if done else "privacy_being_forgotten"))

    async def _ask_where(self, interaction: Interaction, _: str) -> None:
        link = text_field(
            say("shown_link"), "link", longest=LONGEST_LINK, hint="https://discord.com/channels/…"
        )
        reason = text_field(say("shown_reason"), "reason", longest=LONGEST_REASON, paragraph=True)
        await interaction.response.send_modal(form(say("shown_form"), SHOWN_FORM, link, reason))

    async def _tell(self, interaction: Interaction, _: str) -> None:
        """Whoever is shown need not have ordered anything, nor be in the server any more."""
        await take_time(interaction)
        told = filled_in(interaction)
        guild_id, message_id, job_id = parse_clip(told.get("link", ""))
        guild_id = guild_id or interaction.guild_id
        if guild_id is None:
            raise OrderRefused("clip_unknown")
        job = await self._care.safety.job(guild_id, job_id=job_id, message_id=message_id)
        complaint = Complaint(
            guild_id=guild_id,
            job_id=job.id,
            reporter_id=interaction.user.id,
            reason=told.get("reason", ""),
            urgent=True,
        )
        shown = await self._care.safety.report(complaint)
        await conclude(interaction, say("shown_thanks" if shown else "report_kept"))


def _buttons(*buttons: tuple[str, str, discord.ButtonStyle]) -> ui.View:
    view = ui.View(timeout=None)
    for custom_id, label, style in buttons:
        view.add_item(ui.Button(label=say(label), style=style, custom_id=custom_id))
    view.stop()
    return view

"""The one error handler: a `StudioError` says its own sentence, anything else gets a reference code."""

from __future__ import annotations

import secrets

import discord
import structlog
from discord import app_commands

from cogs.moderation.rights import log_refusal
from cogs.verdicts import CALL_ERRORS, Verdict, verdict
from cogs.voice import of_member
from studio import promptly
from studio.errors import NotYours, StudioError
from studio.languages.spoken import speak, spoken
from studio.texts import say

log = structlog.get_logger(__name__)


class CommandRefused(app_commands.CheckFailure):
    """What a group's `interaction_check` raises: nothing else reaches the error handler from there."""

    def __init__(self, refusal: StudioError) -> None:
        super().__init__(refusal.code)
        self.refusal = refusal


class Tree(app_commands.CommandTree[discord.Client]):
    """discord.py's command tree with our error handler; its commands answer in their member's language."""

    sends_file_types = True
    """False once Discord has refused the key on commands."""

    async def interaction_check(self, interaction: discord.Interaction[discord.Client], /) -> bool:
        # The first that is called in the task which discord.py makes for the interaction.
        language = of_member(interaction)
        if language is not spoken():
            speak(language)
        promptly.begin()
        return True

    async def on_error(
        self, interaction: discord.Interaction[discord.Client], error: app_commands.AppCommandError
    ) -> None:
        await tell_failure(interaction, _cause(error))


async def tell_failure(interaction: discord.Interaction[discord.Client], error: Exception) -> None:
    """Tell the member what went wrong, and the log everything else."""
    if not isinstance(error, StudioError) and _is_too_late(error):
        # The member saw "the application did not respond"; there is nobody left to answer.
        log.warning("interaction_lost", interaction_id=interaction.id, error=str(error))
        return
    if isinstance(error, NotYours):
        log_refusal(interaction)
    sentence = error.sentence if isinstance(error, StudioError) else _refer(interaction, error)
    try:
        if interaction.response.is_done():
            await interaction.followup.send(sentence, ephemeral=True)
        else:
            await interaction.response.send_message(sentence, ephemeral=True)
    except CALL_ERRORS as silent:
        log.warning("failure_not_told", interaction_id=interaction.id, error=str(silent))


def _refer(interaction: discord.Interaction[discord.Client], error: Exception) -> str:
    reference = new_reference()
    log.error(
        "interaction_failed",
        reference=reference,
        interaction_id=interaction.id,
        guild_id=interaction.guild_id,
        member_id=interaction.user.id,
        exc_info=error,
    )
    return say("internal", reference=reference)


def new_reference() -> str:
    """Six characters that connect what a member read with what the log says."""
    return secrets.token_hex(3).upper()


def _cause(error: app_commands.AppCommandError) -> Exception:
    if isinstance(error, app_commands.CommandInvokeError):
        return error.original
    if isinstance(error, CommandRefused):
        return error.refusal
    if isinstance(error, app_commands.CommandNotFound | app_commands.CommandSignatureMismatch):
        # Discord still offers a form of the command that an update has replaced.
        return StudioError("command_outdated")
    return error


def _is_too_late(error: Exception) -> bool:
    return isinstance(error, CALL_ERRORS) and verdict(error) is Verdict.INTERACTION_GONE

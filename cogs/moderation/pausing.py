"""`/studio pause` and `/studio resume`: whether a server takes new clips."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from discord import app_commands

from cogs.moderation.office import Interaction, Office, Reason, conclude, take_time
from studio.texts import say


def commands_of(office: Office) -> list[app_commands.Command[Any, ..., Any]]:
    @app_commands.command(name="pause", description=say("command_studio_pause"))
    @app_commands.describe(reason=say("option_reason"))
    async def pause(interaction: Interaction, reason: Reason = "") -> None:
        await take_time(interaction)
        entry = office.entry(interaction, "paused", reason=reason)
        await office.council.amend(lambda policy: replace(policy, paused=True), entry)
        await conclude(interaction, say("studio_paused"))

    @app_commands.command(name="resume", description=say("command_studio_resume"))
    @app_commands.describe(reason=say("option_reason"))
    async def resume(interaction: Interaction, reason: Reason = "") -> None:
        await take_time(interaction)
        entry = office.entry(interaction, "resumed", reason=reason)
        await office.council.amend(lambda policy: replace(policy, paused=False), entry)
        await conclude(interaction, say("studio_resumed"))

    return [pause, resume]

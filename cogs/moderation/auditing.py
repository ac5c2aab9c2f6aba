"""`/studio audit`: the record of decisions, page by page."""

from __future__ import annotations

from typing import Any

import discord
from discord import app_commands, ui

from cogs.controls import Route
from cogs.moderation.office import Interaction, Office, take_time
from studio.moderation import audit
from studio.moderation.telling import pages_of
from studio.texts import say

AUDIT_PREFIX = "v1:audit:"

ENTRIES_PER_PAGE = 10
LONGEST_PAGE = 3600
"""Below the 4000 characters that Discord takes in all texts of a message together."""


def commands_of(office: Office) -> list[app_commands.Command[Any, ..., Any]]:
    @app_commands.command(name="audit", description=say("command_studio_audit"))
    async def show(interaction: Interaction) -> None:
        await take_time(interaction)
        await interaction.edit_original_response(view=await _page(office, interaction))

    return [show]


def routes_of(office: Office) -> list[Route]:
    async def turn(interaction: Interaction, before: str) -> None:
        await interaction.response.defer()
        await interaction.edit_original_response(view=await _page(office, interaction, before or None))

    return [office.for_moderators(AUDIT_PREFIX, turn)]


async def _page(office: Office, interaction: Interaction, before: str | None = None) -> ui.LayoutView:
    assert interaction.guild_id is not None
    async with office.council.reading() as connection:
        found = await audit.newest(
            connection, interaction.guild_id, limit=ENTRIES_PER_PAGE + 1, before=before
        )
    view = ui.LayoutView(timeout=None)
    container: ui.Container[ui.LayoutView] = ui.Container(ui.TextDisplay(say("audit_title")))
    shown = found[:ENTRIES_PER_PAGE]
    if shown:
        text, number = pages_of([entry for _, entry in shown], longest=LONGEST_PAGE)[0]
        shown = shown[:number]
        container.add_item(ui.TextDisplay(text))
    else:
        container.add_item(ui.TextDisplay(say("audit_empty")))
    row: ui.ActionRow[ui.LayoutView] = ui.ActionRow()
    if len(found) > len(shown):
        older = f"{AUDIT_PREFIX}{shown[-1][0]}"
        row.add_item(ui.Button(label=say("button_older"), custom_id=older))
    if before is not None:
        row.add_item(
            ui.Button(label=say("button_newest"), custom_id=AUDIT_PREFIX, style=discord.ButtonStyle.secondary)
        )
    if row.children:
        container.add_item(row)
    view.add_item(container)
    view.stop()
    return view

"""`/studio jobs`: the server's clips, each running one with a Cancel button."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import discord
from discord import app_commands, ui

from cogs.controls import JOB_ID, Route, unknown_button
from cogs.moderation.office import Interaction, Office, take_time
from studio.models import CancelAnswer
from studio.moderation import docket
from studio.moderation.docket import Case
from studio.texts import moment, say

HALT_PREFIX = "v1:halt:"
PAGE_PREFIX = "v1:jobs:"

RUNNING_PER_PAGE = 10
"""Three components each, of the 40 that Discord takes in a message."""
MOST_RECENT = 10


def commands_of(office: Office) -> list[app_commands.Command[Any, ..., Any]]:
    @app_commands.command(name="jobs", description=say("command_studio_jobs"))
    async def jobs(interaction: Interaction) -> None:
        await take_time(interaction)
        await interaction.edit_original_response(view=await _page(office, interaction))

    return [jobs]


def routes_of(office: Office) -> list[Route]:
    async def halt(interaction: Interaction, job_id: str) -> None:
        if not JOB_ID.fullmatch(job_id):
            await unknown_button(interaction)
            return
        # Answered at once: what follows writes to the database, which may be busy for longer than 3 s.
        await interaction.response.defer()
        job = await office.studio.job(job_id)
        if job is None or job.place.guild_id != interaction.guild_id:
            answer = CancelAnswer.UNKNOWN
        else:
            answer = await office.studio.cancel(job_id, member_id=interaction.user.id, is_moderator=True)
        await interaction.edit_original_response(view=await _page(office, interaction))
        await interaction.followup.send(say(f"cancel_{answer}"), ephemeral=True)

    async def turn(interaction: Interaction, after: str) -> None:
        await interaction.response.defer()
        await interaction.edit_original_response(view=await _page(office, interaction, after))

    return [office.for_moderators(HALT_PREFIX, halt), office.for_moderators(PAGE_PREFIX, turn)]


async def _page(office: Office, interaction: Interaction, after: str = "") -> ui.LayoutView:
    guild_id = interaction.guild_id
    assert guild_id is not None
    async with office.council.reading() as connection:
        found = await docket.under_way(connection, guild_id, limit=RUNNING_PER_PAGE + 1, after=after)
        recent = await docket.ended(connection, guild_id, now=office.council.now(), limit=MOST_RECENT)
    shown = found[:RUNNING_PER_PAGE]
    container: ui.Container[ui.LayoutView] = ui.Container(ui.TextDisplay(say("jobs_title")))
    for case in shown:
        container.add_item(_running(case, guild_id))
    if not shown:
        container.add_item(ui.TextDisplay(say("jobs_none")))
    container.add_item(ui.TextDisplay(_told(recent, guild_id)))
    row: ui.ActionRow[ui.LayoutView] = ui.ActionRow()
    if len(found) > len(shown):
        row.add_item(ui.Button(label=say("button_jobs_more"), custom_id=f"{PAGE_PREFIX}{shown[-1].job_id}"))
    row.add_item(
        ui.Button(label=say("button_jobs_again"), custom_id=PAGE_PREFIX, style=discord.ButtonStyle.secondary)
    )
    container.add_item(row)
    view = ui.LayoutView(timeout=None)
    view.add_item(container)
    view.stop()
    return view


def _running(case: Case, guild_id: int) -> ui.Section[ui.LayoutView]:
    button: ui.Button[ui.LayoutView] = ui.Button(
        label=say("button_halt"),
        custom_id=f"{HALT_PREFIX}{case.job_id}",
        style=discord.ButtonStyle.danger,
    )
    return ui.Section(ui.TextDisplay(say("jobs_running", **_facts(case, guild_id))), accessory=button)


def _told(recent: Sequence[Case], guild_id: int) -> str:
    if not recent:
        return say("jobs_recent_none")
    lines = [say("jobs_ended", spent=case.cost_usd_micros, **_facts(case, guild_id)) for case in recent]
    return "\n".join([say("jobs_recent"), *lines])


def _facts(case: Case, guild_id: int) -> dict[str, str]:
    facts = {
        "member": f"<@{case.member_id}>" if case.member_id > 0 else say("member_forgotten"),
        "channel": f"<#{case.channel_id}>",
        "state": say(f"job_{case.state}"),
        "when": moment(case.at),
    }
    if case.message_id is not None:
        facts["link"] = f"https://discord.com/channels/{guild_id}/{case.talk_id}/{case.message_id}"
    return facts

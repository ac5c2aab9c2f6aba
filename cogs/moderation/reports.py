"""Reporting a clip, and what moderators decide about it; taking a clip down."""

from __future__ import annotations

import re
from functools import partial
from typing import Any

from discord import app_commands

from cogs.bench import BLOCK_PREFIX, DELETE_PREFIX, DISMISS_PREFIX, decision_buttons, report_text
from cogs.cards import REPORT_PREFIX
from cogs.controls import JOB_ID, Route
from cogs.moderation.fields import filled_in, form, text_field
from cogs.moderation.office import Interaction, Office, conclude, take_time
from studio.errors import OrderRefused
from studio.models import Job
from studio.moderation.care import Care
from studio.moderation.reports import LONGEST_REASON, ReportState
from studio.moderation.safety import Complaint, Safety
from studio.texts import say

FORM_PREFIX = "v1:reported:"

MOST_SHOWN = 5

_LINK = re.compile(r"https://(?:\w+\.)?discord(?:app)?\.com/channels/(\d{1,20})/(\d{1,20})/(\d{1,20})")

Reason = app_commands.Range[str, 1, 300]


def routes_of(office: Office, care: Care) -> list[Route]:
    presses = _Presses(care.safety)
    decisions = (
        (DELETE_PREFIX, ReportState.DELETED),
        (BLOCK_PREFIX, ReportState.BLOCKED),
        (DISMISS_PREFIX, ReportState.DISMISSED),
    )
    return [
        Route(REPORT_PREFIX, presses.ask_why),
        Route(FORM_PREFIX, presses.file),
        *(office.for_moderators(prefix, partial(presses.decide, state=state)) for prefix, state in decisions),
    ]


def commands_of(office: Office, care: Care) -> list[app_commands.Command[Any, ..., Any]]:
    del office  # the group itself asks for the right

    @app_commands.command(name="takedown", description=say("command_studio_takedown"))
    @app_commands.describe(clip=say("option_clip"), reason=say("option_takedown_reason"))
    async def takedown(interaction: Interaction, clip: str, reason: Reason) -> None:
        await take_time(interaction)
        job = await named_clip(care.safety, interaction, clip)
        done = await care.safety.take_down(job, by=interaction.user.id, reason=reason)
        await conclude(interaction, say("clip_taken_down" if done else "clip_being_taken_down"))

    @app_commands.command(name="reports", description=say("command_studio_reports"))
    async def reports(interaction: Interaction) -> None:
        await take_time(interaction)
        assert interaction.guild_id is not None
        found = await care.safety.undecided(interaction.guild_id)
        if not found:
            await conclude(interaction, say("reports_none"))
            return
        await conclude(interaction, say("reports_waiting", count=len(found)))
        for report, job in found[:MOST_SHOWN]:
            await interaction.followup.send(
                report_text(report, job), view=decision_buttons(report), ephemeral=True
            )

    return [takedown, reports]


async def named_clip(safety: Safety, interaction: Interaction, named: str) -> Job:
    """The clip of this server that a link or a clip's id names. Raises `OrderRefused`."""
    guild_id, message_id, job_id = parse_clip(named)
    if guild_id is not None and guild_id != interaction.guild_id:
        raise OrderRefused("clip_unknown")
    assert interaction.guild_id is not None
    return await safety.job(interaction.guild_id, job_id=job_id, message_id=message_id)


def parse_clip(named: str) -> tuple[int | None, int, str]:
    """A link's server and message, or a clip's id, as in `clip-<id>.mp4`."""
    link = _LINK.search(named)
    if link is not None:
        return int(link[1]), int(link[3]), ""
    job_id = named.strip().lower().removeprefix("clip-").removesuffix(".mp4")
    return None, 0, job_id if JOB_ID.fullmatch(job_id) else ""


class _Presses:
    def __init__(self, safety: Safety) -> None:
        self._safety = safety

    async def ask_why(self, interaction: Interaction, job_id: str) -> None:
        """Any member may report what they can see; on a copy of the clip, its own id follows the clip's."""
        job_id = job_id.partition(":")[0]
        field = text_field(say("report_field"), "reason", longest=LONGEST_REASON, paragraph=True)
        await interaction.response.send_modal(form(say("report_form"), f"{FORM_PREFIX}{job_id}", field))

    async def file(self, interaction: Interaction, job_id: str) -> None:
        await take_time(interaction)
        if interaction.guild_id is None:
            raise OrderRefused("clip_unknown")
        complaint = Complaint(
            guild_id=interaction.guild_id,
            job_id=job_id,
            reporter_id=interaction.user.id,
            reason=filled_in(interaction).get("reason", ""),
        )
        shown = await self._safety.report(complaint)
        await conclude(interaction, say("report_thanks" if shown else "report_kept"))

    async def decide(self, interaction: Interaction, report_id: str, *, state: ReportState) -> None:
        # Answered at once: what follows deletes messages and files.
        await interaction.response.defer()
        assert interaction.guild_id is not None
        report, job = await self._safety.decide(
            report_id, state, guild_id=interaction.guild_id, by=interaction.user.id
        )
        pressed = interaction.message.id if interaction.message else None
        if report.message_id != pressed:
            # The list that one moderator has asked for; the channel's own message is settled already.
            await interaction.edit_original_response(content=report_text(report, job), view=None)

"""Reports as moderators see them: posted once where they decide, and settled there afterwards."""

from __future__ import annotations

import re

import discord
from discord import ui

from cogs.budget import Priority
from cogs.cards import shown_name
from cogs.line import Line, Post, Spot
from cogs.moderation.request_cards import custom_ids
from cogs.verdicts import CALL_ERRORS, Verdict, verdict
from studio.models import Job
from studio.moderation.findings import reason_of
from studio.moderation.reports import THE_STUDIO, Report, ReportState
from studio.texts import say

DELETE_PREFIX = "v1:rep-delete:"
BLOCK_PREFIX = "v1:rep-block:"
DISMISS_PREFIX = "v1:rep-dismiss:"

LONGEST_WORDS = 600

_BUTTONS = (
    (DELETE_PREFIX, "button_delete", discord.ButtonStyle.danger),
    (BLOCK_PREFIX, "button_block", discord.ButtonStyle.secondary),
    (DISMISS_PREFIX, "button_dismiss", discord.ButtonStyle.secondary),
)


class Bench:
    """Posts to a moderators' channel; raises `CALL_ERRORS`."""

    def __init__(self, line: Line) -> None:
        self._line = line

    async def show(self, report: Report, job: Job, channel_id: int) -> int:
        """Post the report, unless an earlier try has; return the message's id."""
        spot = Spot(report.guild_id, channel_id)
        earlier = await self._find(spot, report)
        if earlier is not None:
            return earlier
        post = Post(nonce=f"rep-{report.id}", content=report_text(report, job), view=decision_buttons(report))
        return await self._line.post(spot, post, priority=Priority.CHANGE)

    async def settle(self, report: Report, job: Job) -> None:
        """Say at the report's message what was decided."""
        if report.channel_id is None or report.message_id is None:
            return
        spot = Spot(report.guild_id, report.channel_id)
        text = report_text(report, job)
        await self._line.edit(spot, report.message_id, priority=Priority.CHANGE, content=text, view=None)

    async def _find(self, spot: Spot, report: Report) -> int | None:
        try:
            recent = await self._line.own_recent_messages(spot)
        except CALL_ERRORS as error:
            # Without Read Message History only the nonce guards against a repeat.
            if verdict(error) is not Verdict.FORBIDDEN:
                raise
            return None
        for message in recent:
            if any(custom_id.endswith(report.id) for custom_id in custom_ids(message.components)):
                return message.id
        return None


def report_text(report: Report, job: Job) -> str:
    """What moderators read; words that are not ours can format nothing."""
    by = say("report_by_studio") if report.reporter_id == THE_STUDIO else f"<@{report.reporter_id}>"
    if report.reporter_id < 0:
        by = say("report_by_former")
    facts = {
        "reporter": by,
        "member": f"<@{job.order.member.id}>" if job.order.member.id > 0 else shown_name(job.order.member),
        "link": job.place.told_link,
        "reason": _quoted(reason_of(report)),
        "clip": job.id,
    }
    lines = [say("report_urgent" if report.state is ReportState.URGENT else "report_open", **facts)]
    if job.order.wishes.prompt:
        lines.append(say("report_words", words=_quoted(job.order.wishes.prompt)))
    if not report.state.is_open:
        decided = f"<@{report.decided_by}>" if (report.decided_by or 0) > 0 else say("report_by_former")
        lines.append(say(f"report_{report.state}", moderator=decided))
    return "\n".join(lines)


def decision_buttons(report: Report) -> ui.View:
    view = ui.View(timeout=None)
    for prefix, label, style in _BUTTONS:
        view.add_item(ui.Button(label=say(label), style=style, custom_id=f"{prefix}{report.id}"))
    view.stop()
    return view


def _quoted(text: str) -> str:
    plain = discord.utils.escape_mentions(discord.utils.escape_markdown(re.sub(r"\s+", " ", text)))
    return plain if len(plain) <= LONGEST_WORDS else f"{plain[: LONGEST_WORDS - 1]}…"

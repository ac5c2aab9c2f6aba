"""What the messages say that show a clip once more."""

from __future__ import annotations

import discord
from discord import ui

from cogs.attached import WITHOUT_FILE, Attached
from cogs.cards import LONGEST_BUTTON_URL, REPORT_PREFIX, clip_label, shown_name
from studio.models import Clip, Job
from studio.results.copies import Copy
from studio.texts import say


def copy_mark(copy: Copy) -> str:
    """The custom_id by which the message of an earlier try is recognised; it is that of Report."""
    return f"{REPORT_PREFIX}{copy.job_id}:{copy.id}"


def copy_text(
    job: Job, clip: Clip, copy: Copy, *, link: str | None, attached: Attached, trial: bool = False
) -> str:
    """The content; it names the member without ringing them."""
    place = job.place
    where = {}
    if place.outcome_id is not None:
        where["link"] = place.told_link
    said = "copy_shared" if copy.shared else "copy_shown"
    lines = [say(said, name=shown_name(job.order.member), **where)]
    if link is not None:
        written_out = {"link": link} if len(link) > LONGEST_BUTTON_URL else {}
        if attached in WITHOUT_FILE:
            lines.append(say(f"copy_{attached.value}", **written_out))
        elif attached is Attached.COPY:
            lines.append(say("result_smaller", **written_out))
    lines.append(clip_label(job, clip, trial=trial))
    return "\n".join(lines)


def copy_buttons(copy: Copy, link: str | None) -> ui.View:
    view = ui.View(timeout=None)
    if link is not None and len(link) <= LONGEST_BUTTON_URL:
        view.add_item(ui.Button(label=say("button_original"), url=link))
    report: ui.Button[ui.View] = ui.Button(
        label=say("button_report"), style=discord.ButtonStyle.secondary, custom_id=copy_mark(copy)
    )
    view.add_item(report)
    view.stop()
    return view

"""Every message that we show, built from values; sends nothing."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import timedelta
from pathlib import PurePath

import discord
from discord import ui

from cogs.attached import WITHOUT_FILE, Attached
from studio.keeping import is_unposted
from studio.lineage import Parent
from studio.models import Clip, Ending, Job, JobState, Member, Notice, Progress, Stage, Wishes, looks_swapped
from studio.remarks import remarks_on
from studio.texts import cost_sentence, say

PICTURE_NAME = "picture.jpg"
VIDEO_NAME = "video.jpg"

CANCEL_PREFIX = "v1:cancel:"
REPORT_PREFIX = "v1:report:"
AGAIN_PREFIX, CHANGE_PREFIX = "v1:again:", "v1:change:"
SHARE_PREFIX, ERASE_PREFIX = "v1:share:", "v1:erase:"

FIRST_ROW = (
    ("button_again", AGAIN_PREFIX),
    ("button_change_clip", CHANGE_PREFIX),
    ("button_share", SHARE_PREFIX),
)

LONGEST_THREAD_NAME = 100
LONGEST_BUTTON_URL = 512

STEPS = (Stage.CHECKING, Stage.QUEUED, Stage.RENDERING, Stage.FETCHING, Stage.POSTING)
AFTER_RENDERING = frozenset({Stage.FETCHING, Stage.POSTING})
_BAR_CELLS = 12


def status_card(
    job: Job, progress: Progress, *, pictures: Sequence[str] = (), trial: bool = False
) -> ui.LayoutView:
    """The status card; `pictures` are the file names of the attached thumbnails that it shows.

    A fresh view at every call, stopped so that discord.py keeps nothing of it: presses are routed by
    `cogs.controls`, also after a restart.
    """
    container: ui.Container[ui.LayoutView] = ui.Container()
    container.add_item(ui.TextDisplay(f"### {say('card_title', name=shown_name(job.order.member))}"))
    if pictures:
        alt_texts = {PICTURE_NAME: say("alt_picture"), VIDEO_NAME: say("alt_video")}
        gallery: ui.MediaGallery[ui.LayoutView] = ui.MediaGallery()
        for name in pictures:
            gallery.add_item(
                media=f"attachment://{name}",
                description=alt_texts.get(name),
                spoiler=job.order.wishes.spoiler,
            )
        container.add_item(gallery)
    container.add_item(ui.TextDisplay(_status_text(job, progress, trial)))
    if job.order.parent is not None:
        link = parent_link(job.place.guild_id, job.order.parent)
        container.add_item(ui.TextDisplay(say("card_parent", link=link)))
    remarks = [*_as_last_time(job.order.wishes), *(_notice(notice) for notice in progress.notices)]
    if remarks:
        container.add_item(ui.TextDisplay("\n".join(f"-# {remark}" for remark in remarks)))
    if progress.can_cancel:
        row: ui.ActionRow[ui.LayoutView] = ui.ActionRow()
        row.add_item(
            ui.Button(
                label=say("button_cancel"),
                style=discord.ButtonStyle.secondary,
                custom_id=f"{CANCEL_PREFIX}{job.id}",
            )
        )
        container.add_item(row)
    view = ui.LayoutView(timeout=None)
    view.add_item(container)
    view.stop()
    return view


def _status_text(job: Job, progress: Progress, trial: bool) -> str:
    if progress.stage is Stage.DONE:
        return _closing_line("card_done", progress, trial)
    if progress.stage is Stage.ENDED:
        cancelled = job.state is JobState.CANCELLED
        return _closing_line("card_cancelled" if cancelled else "card_ended", progress, trial)
    lines = [*_steps(progress), "", _bar(progress.fraction), _times(progress, trial)]
    if progress.waiting_for:
        lines.append(say(progress.waiting_for))
    return "\n".join(lines)


def _steps(progress: Progress) -> list[str]:
    # Who waits for a yes stands where the queue will be.
    asking = progress.stage is Stage.ASKING
    steps = [Stage.ASKING if asking and stage is Stage.QUEUED else stage for stage in STEPS]
    current = steps.index(progress.stage)
    lines = []
    for index, stage in enumerate(steps):
        place = {"position": progress.position} if progress.position and index == current else {}
        mark = "mark_done" if index < current else "mark_now" if index == current else "mark_later"
        lines.append(say(mark, stage=say(f"stage_{stage}", **place)))
    return lines


def _bar(fraction: float) -> str:
    # The full bar belongs to the clip itself.
    shown = min(max(fraction, 0.0), 0.99)
    filled = int(shown * _BAR_CELLS)
    bar = "▰" * filled + "▱" * (_BAR_CELLS - filled)
    return f"{bar} {say('card_percent', percent=int(shown * 100))}"


def _times(progress: Progress, trial: bool) -> str:
    parts = [say("card_elapsed", elapsed=progress.elapsed_seconds)]
    now = progress.started_at + timedelta(seconds=progress.elapsed_seconds)
    # Members' clients count these down by themselves: they are left out where they are about to pass zero.
    if progress.starts_at and progress.starts_at > now:
        parts.append(say("card_starts", when=discord.utils.format_dt(progress.starts_at, "R")))
    if progress.stage not in AFTER_RENDERING and progress.expected_at and progress.expected_at > now:
        parts.append(say("card_expected", when=discord.utils.format_dt(progress.expected_at, "R")))
    if trial:
        parts.append(say("card_price_trial"))
    elif progress.price_usd_micros is not None:
        parts.append(say("card_price", price=progress.price_usd_micros))
    return " · ".join(parts)


def _closing_line(code: str, progress: Progress, trial: bool) -> str:
    line = say(code, elapsed=progress.elapsed_seconds)
    if trial:
        return f"{line} {cost_sentence(0, trial=True)}"
    if progress.stage is Stage.ENDED:
        return f"{line} {cost_sentence(progress.price_usd_micros or 0)}"
    return f"{line} {cost_sentence(progress.price_usd_micros)}" if progress.price_usd_micros else line


def _as_last_time(wishes: Wishes) -> list[str]:
    """What the member left out, and got as they had chosen it last time."""
    said = {
        "orientation": f"orientation_{wishes.orientation or 'auto'}",
        "keep_sound": "keep_sound_yes" if wishes.keep_sound else "keep_sound_no",
        "shot_type": f"shot_{wishes.shot_type}",
    }
    return [say(f"card_last_time_{said[name]}") for name in wishes.as_last_time]


def _notice(notice: Notice) -> str:
    return say(notice.code, **notice.facts)


# ── the answer in the channel ───────────────────────────────────────────────────────────────────


def shown_name(member: Member) -> str:
    """The member's name as plain text: it formats nothing and pings nobody."""
    # Most names have nothing to escape, and the answer waits for this.
    if member.name.isalnum():
        return member.name
    return discord.utils.escape_mentions(discord.utils.escape_markdown(member.name))


def first_answer(member: Member) -> str:
    return say("answer_started", name=shown_name(member))


def final_answer(job: Job, link: str | None) -> str:
    """What the answer says at the end; `link` leads to the message that tells the outcome."""
    facts = {"name": shown_name(job.order.member)} | ({"link": link} if link else {})
    if job.removed_at is not None:
        return say("answer_removed", **facts, **(job.ending.facts if job.ending else {}))
    if job.state is JobState.DELIVERED:
        return say("answer_ready", **facts)
    if job.state is JobState.CANCELLED:
        return say("answer_cancelled", **facts)
    return say("answer_unposted" if is_unposted(job) else "answer_failed", **facts)


def withdrawn_answer(member: Member, reason: str) -> str:
    """What the answer says when the order could not be recorded after all."""
    return say("answer_withdrawn", name=shown_name(member), reason=reason)


def thread_name(job: Job) -> str:
    """Named after the member and the clip, within Discord's 100 characters."""
    name, title = job.order.member.name, clip_title(job)
    if not title:
        return say("thread_name", name=name)[:LONGEST_THREAD_NAME]
    return say("thread_name", name=name, title=title)[:LONGEST_THREAD_NAME].rstrip()


def clip_title(job: Job) -> str:
    """What the clip's video is called, as plain text; nothing where a camera made the name."""
    order = job.order
    video = order.picture if looks_swapped(order.picture, order.video) else order.video
    return _title(video.filename)


def shown_title(job: Job) -> str:
    """The same where it could format something, or stand in a link."""
    plain = re.sub(r"[\[\]<>]", " ", clip_title(job)).strip()
    return discord.utils.escape_mentions(discord.utils.escape_markdown(plain))[:100]


def _title(filename: str) -> str:
    """The readable part of a file's name; nothing where a camera made the name."""
    words = re.sub(r"[_\s]+", " ", PurePath(filename).stem).strip(" .-")
    letters = sum(character.isalpha() for character in words)
    return words if letters >= 4 and letters * 2 >= len(words) else ""


# ── the outcome ─────────────────────────────────────────────────────────────────────────────────


def clip_file_name(job: Job) -> str:
    """What the clip is called where it is saved."""
    return f"clip-{job.id}.mp4"


def clip_alt_text(job: Job, clip: Clip, *, trial: bool = False) -> str:
    code = "alt_clip_trial" if trial else "alt_clip"
    return say(code, seconds=clip.seconds, name=job.order.member.name)


def mention_of(job: Job) -> int | None:
    """Whom the one message that says how it ended mentions."""
    return job.order.member.id if job.order.wishes.notify else None


def result_text(job: Job, clip: Clip, *, link: str | None, attached: Attached, trial: bool = False) -> str:
    """The content of the one message that brings the clip."""
    written_out = {"link": link} if link is not None and len(link) > LONGEST_BUTTON_URL else {}
    is_bare = attached in WITHOUT_FILE
    if is_bare:
        lines = [say(f"result_{attached.value}", **_mention(job), **written_out)]
    else:
        lines = [say("result_ready", **_mention(job))]
    if attached is Attached.COPY and link is not None:
        lines.append(say("result_smaller", **written_out))
    if clip.found is not None and not is_bare:
        lines.append(say("result_covered"))
    if job.order.parent is not None:
        lines.append(say("card_parent", link=parent_link(job.place.guild_id, job.order.parent)))
    remarks = (f"-# {_notice(remark)}" for remark in remarks_on(job, clip))
    return "\n".join([*lines, clip_label(job, clip, trial=trial), *remarks])


def clip_label(job: Job, clip: Clip, *, trial: bool = False) -> str:
    """The line that stands below every clip: that a machine made it, how long and large it is, its price."""
    facts = {"seconds": clip.seconds, "width": clip.width, "height": clip.height}
    if job.price_usd_micros is not None:
        facts["price"] = job.price_usd_micros
    return say("result_label_trial" if trial else "result_label", **facts)


def parent_link(guild_id: int, parent: Parent) -> str:
    return f"https://discord.com/channels/{guild_id}/{parent.channel_id}/{parent.message_id}"


def _mention(job: Job) -> dict[str, str]:
    mentioned = mention_of(job)
    return {} if mentioned is None else {"mention": f"<@{mentioned}>"}


def result_buttons(job: Job, link: str | None) -> ui.View:
    """The rows under the result: what its member may do with it; where the original is, how to report it."""
    view = ui.View(timeout=None)
    for code, prefix in FIRST_ROW:
        view.add_item(_result_button(code, prefix, job, row=0))
    if link is not None and len(link) <= LONGEST_BUTTON_URL:
        view.add_item(ui.Button(label=say("button_original"), url=link, row=1))
    for code, prefix in (("button_report", REPORT_PREFIX), ("button_erase", ERASE_PREFIX)):
        view.add_item(_result_button(code, prefix, job, row=1))
    view.stop()
    return view


def _result_button(code: str, prefix: str, job: Job, *, row: int) -> ui.Button[ui.View]:
    style = discord.ButtonStyle.secondary
    return ui.Button(label=say(code), style=style, custom_id=f"{prefix}{job.id}", row=row)


def report_text(job: Job, ending: Ending, *, trial: bool = False) -> str:
    """The content of the one message that says why there is no clip."""
    facts = {**ending.facts, "cost": cost_sentence(ending.cost_usd_micros, trial=trial)}
    return say("report", **_mention(job), sentence=say(ending.code, **facts))

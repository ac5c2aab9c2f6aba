"""The messages that ask for a yes, and how they look once they were answered; sends nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

import discord
from discord import ui

from cogs.cards import shown_name
from studio.models import Job
from studio.moderation.findings import why_text
from studio.moderation.questions import History, Kind, Question, Why
from studio.texts import say

APPROVAL_PREFIX = "v1:approval:"
PRICE_PREFIX = "v1:price:"

LONGEST_WORDS = 1100
"""Of each prompt: the message as a whole may have 4000 characters."""

Container = ui.Container[ui.LayoutView]


def request_card(
    job: Job, question: Question, history: History, *, names: Sequence[str], trial: bool
) -> ui.LayoutView:
    """What the moderators decide on; `names` are the attached files that it shows."""
    container = _titled(job)
    container.add_item(ui.TextDisplay("\n".join(_reasons(job, question))))
    gallery: ui.MediaGallery[ui.LayoutView] = ui.MediaGallery()
    for name, alt in zip(names, alt_texts(names), strict=True):
        gallery.add_item(media=f"attachment://{name}", description=alt, spoiler=_is_suspect(job))
    container.add_item(gallery)
    for text in _words(job):
        container.add_item(ui.TextDisplay(text))
    container.add_item(ui.TextDisplay("\n".join(_facts(job, question, history, trial))))
    row: ui.ActionRow[ui.LayoutView] = ui.ActionRow()
    for press, style in (
        ("approve", discord.ButtonStyle.success),
        ("deny", discord.ButtonStyle.secondary),
        ("block", discord.ButtonStyle.danger),
    ):
        custom_id = yes_id(question) if press == "approve" else f"{APPROVAL_PREFIX}{press}:{job.id}"
        row.add_item(ui.Button(label=say(f"press_{press}"), style=style, custom_id=custom_id))
    container.add_item(row)
    return _whole(container)


def alt_texts(names: Sequence[str]) -> tuple[str, str]:
    """Of the picture and of the video, which may be only a still of it."""
    is_still = names[1].endswith(".jpg")
    return say("alt_picture"), say("alt_video" if is_still else "alt_request_video")


def price_card(job: Job, question: Question, *, trial: bool) -> ui.LayoutView:
    """What the member is asked before money moves."""
    container: Container = ui.Container()
    dearer = "price_question_dearer" if question.why == Why.DEARER else "price_question"
    code = "price_question_trial" if trial else dearer
    facts = {"mention": f"<@{job.order.member.id}>", "price": job.held_usd_micros or 0}
    container.add_item(ui.TextDisplay(say(code, **facts)))
    row: ui.ActionRow[ui.LayoutView] = ui.ActionRow()
    for press, style in (("yes", discord.ButtonStyle.success), ("no", discord.ButtonStyle.secondary)):
        custom_id = yes_id(question) if press == "yes" else f"{PRICE_PREFIX}{press}:{job.id}"
        row.add_item(ui.Button(label=say(f"press_{press}"), style=style, custom_id=custom_id))
    container.add_item(row)
    return _whole(container)


def answered_card(job: Job, question: Question) -> ui.LayoutView:
    """The same message afterwards: who decided, when and why. No buttons, and none of the files."""
    if question.kind is Kind.PRICE:
        container: Container = ui.Container()
        text = say(f"price_{question.state}_shown", price=job.held_usd_micros or 0)
    else:
        container = _titled(job)
        text = say(f"request_{question.state}_shown", **_decision(question))
    container.add_item(ui.TextDisplay(text))
    return _whole(container)


def custom_ids(components: Iterable[object]) -> Iterable[str]:
    """Every custom_id in a message's components, however deep."""
    for component in components:
        custom_id = getattr(component, "custom_id", None)
        if custom_id:
            yield custom_id
        yield from custom_ids(getattr(component, "children", ()))


def yes_id(question: Question) -> str:
    """The custom_id of the question's yes, by which its message is recognised.

    It names the price: the buttons of an earlier message, which asked about another one, may still be there.
    """
    press = f"{PRICE_PREFIX}yes" if question.kind is Kind.PRICE else f"{APPROVAL_PREFIX}approve"
    price = "" if question.usd_micros is None else f":{question.usd_micros:x}"
    return f"{press}:{question.job_id}{price}"


def _titled(job: Job) -> Container:
    container: Container = ui.Container()
    container.add_item(ui.TextDisplay(f"### {say('request_title', name=shown_name(job.order.member))}"))
    return container


def _is_suspect(job: Job) -> bool:
    return job.inputs is not None and job.inputs.found is not None


def _reasons(job: Job, question: Question) -> list[str]:
    """Why they are asked; that it is over a limit is said besides, since their yes lets it pass that, too."""
    reasons = [why_text(question.why)]
    if job.order.overruled and question.why != Why.OVER_LIMIT:
        reasons.append(why_text(Why.OVER_LIMIT))
    return reasons


def _words(job: Job) -> list[str]:
    wishes = job.order.wishes
    said = (
        [say("request_no_words")]
        if not wishes.prompt
        else [say("request_words", words=_quoted(wishes.prompt))]
    )
    if wishes.negative_prompt:
        said.append(say("request_negative_words", words=_quoted(wishes.negative_prompt)))
    return said


def _facts(job: Job, question: Question, history: History, trial: bool) -> list[str]:
    assert job.inputs is not None
    member, place = job.order.member, job.place
    price = "request_price_trial" if trial else "request_price"
    link = f"https://discord.com/channels/{place.guild_id}/{place.talk_id}"
    return [
        say(price, price=job.held_usd_micros or 0, seconds=job.inputs.seconds),
        say(
            "request_member",
            mention=f"<@{member.id}>",
            since=_date(discord.utils.snowflake_time(member.id)),
            made=history.made,
            failed=history.failed,
            blocks=history.blocks,
            reports=history.reports,
        ),
        say("request_until", link=link, when=discord.utils.format_dt(question.expires_at, "R")),
    ]


def _decision(question: Question) -> dict[str, str]:
    facts = {}
    if question.decided_by is not None:
        facts["by"] = f"<@{question.decided_by}>"
    if question.decided_at is not None:
        facts["when"] = discord.utils.format_dt(question.decided_at, "R")
    if question.reason:
        facts["reason"] = _quoted(question.reason)
    return facts


def _quoted(words: str) -> str:
    """A member's words as plain text on one line."""
    plain = discord.utils.escape_mentions(discord.utils.escape_markdown(" ".join(words.split())))
    return plain if len(plain) <= LONGEST_WORDS else f"{plain[: LONGEST_WORDS - 1]}…"


def _date(when: datetime) -> str:
    return discord.utils.format_dt(when, "d")


def _whole(container: Container) -> ui.LayoutView:
    # Stopped, so that discord.py keeps nothing of it: presses are routed by `cogs.controls`.
    view = ui.LayoutView(timeout=None)
    view.add_item(container)
    view.stop()
    return view

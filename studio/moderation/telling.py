"""How a decision is told: its entry in the record as sentences for people."""

from __future__ import annotations

from collections.abc import Sequence

from studio.moderation.audit import Entry
from studio.sentences import SENTENCES
from studio.texts import say

WORDED = frozenset({"period", "mode", "switch", "access"})
"""Details whose values have a text of their own (`period_day`)."""


def sentence_of(entry: Entry) -> str:
    """Who did what to whom; an action that only another version of the bot knows is named as it is."""
    facts = {
        key: say(f"{key}_{value}") if key in WORDED else value
        for key, value in entry.details.items()
        if value is not None
    }
    facts["actor"] = say("audit_studio") if entry.actor_id is None else f"<@{entry.actor_id}>"
    if entry.subject:
        facts["subject"] = entry.subject
    if entry.job_id is not None:
        facts["job"] = entry.job_id
    code = f"audit_{entry.action}"
    if code not in SENTENCES:
        return say("audit_other", **facts | {"action": entry.action})
    return say(code, **facts)


def lines_of(entry: Entry) -> str:
    """The whole entry: when, the sentence, and the reason if one was given."""
    lines = [f"<t:{int(entry.at.timestamp())}:f> {sentence_of(entry)}"]
    if entry.reason:
        lines.append(say("audit_reason", reason=" ".join(entry.reason.split())))
    return "\n".join(lines)


def pages_of(entries: Sequence[Entry], *, longest: int) -> list[tuple[str, int]]:
    """Texts of at most `longest` characters with how many of the entries each tells, in their order."""
    pages: list[tuple[str, int]] = []
    for entry in entries:
        text = lines_of(entry)[:longest]
        if pages and len(pages[-1][0]) + 1 + len(text) <= longest:
            told, number = pages[-1]
            pages[-1] = (f"{told}\n{text}", number + 1)
        else:
            pages.append((text, 1))
    return pages

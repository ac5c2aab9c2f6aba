"""Writes docs/messages.md: every error that a member can read, from the texts, with causes kept by hand.

    python -m tests.messages     brings the list up to date; what it cannot know is left as it stands there

The columns "cause" and, where a text gives no advice, "what to do" are written in the document itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from studio import reasons, words
from studio.sentences import SENTENCES
from studio.texts import NOTHING_CHARGED, wordings

PATH = Path(__file__).resolve().parents[1] / "docs" / "messages.md"

HEAD = """# What the bot says when something does not work

Each message with its cause, what it cost and what to do, in English; members read them in their own language.
Braces hold what the bot fills in. The code is what the log and the tests call it. Kept up to date by
`python -m tests.messages`; the causes are written here by hand.

"It says" in the column on cost: the message itself names what was charged. That is nothing, unless PixelByte
had taken the order already and charged for it; it does not refund what it has rendered.
"""

UNLISTED = frozenset(
    {"cost_nothing", "cost_trial", "cancel_cancelled", "cancel_asked", "price_denied_shown", "heard_denied",
     "heard_declined", "heard_approved", "heard_confirmed", "heard_blocked", "waiting_for_decision",
     "waiting_for_confirmation", "request_expired_shown", "request_withdrawn_shown", "price_expired_shown",
     "price_withdrawn_shown", "picked_motion", "picked_picture", "picked_both"}
)  # fmt: skip
"""Texts that say that nothing was charged or changed though nothing went wrong."""

PASSING = re.compile(
    r"(?:cancel|heard|waiting_for)_|watch_(?!.*_title$)(?:unknown|expired|removed|away)|render_slow"
)
"""Further messages that are no refusals."""

MAY_COST = frozenset({*reasons._RENDERING, *reasons._TROUBLE, "taken_down"})
"""What can happen after the renderer was asked; limits, files and consent are looked at before."""

MARKS = re.compile(r"\{cost\}|Nothing (?:was|is) (?:charged|changed)[^.]*\.")

GROUPS: Mapping[str, Mapping[str, reasons.Template]] = {
    "Orders that are not taken": reasons._REFUSALS,
    "Pictures and videos": reasons._INPUTS,
    "Rendering and delivery": reasons._RENDERING,
    "Trouble of the bot or of Discord": reasons._TROUBLE,
}

ROW = re.compile(r"^\| `(?P<code>\w+)` \|(?P<cells>.*)\|$", re.MULTILINE)


def codes() -> list[str]:
    """Everything that has to be in the list."""
    listed = [code for code in SENTENCES if code in reasons.REASONS or _is_error(code)]
    return [code for code in listed if code not in UNLISTED]


def _is_error(code: str) -> bool:
    return bool(PASSING.match(code)) or any("Nothing was ch" in each for each in wordings(SENTENCES[code]))


def document(known: Mapping[str, list[str]]) -> str:
    """The document, with what `known` has by hand."""
    parts = [HEAD]
    for title, members in _grouped().items():
        lines = [
            f"## {title}\n",
            "| Code | What you read | Cause | Cost | What to do |",
            "|---|---|---|---|---|",
        ]
        lines += [_row(code, known.get(code, ["", "", "", ""])) for code in members]
        parts.append("\n".join(lines) + "\n")
    return "\n".join(parts)


def _grouped() -> dict[str, list[str]]:
    grouped: dict[str, list[str]] = {title: [] for title in GROUPS}
    for code in codes():
        title = next((title for title, group in GROUPS.items() if code in group), None)
        if title is None:
            title = "Approval, moderation and limits" if code in words.REFUSED else "Buttons, waits and pages"
        grouped.setdefault(title, []).append(code)
    return grouped


def _row(code: str, known: list[str]) -> str:
    text = " ".join(wordings(SENTENCES[code])[0].split()).replace("|", "\\|")
    marks = [*MARKS.finditer(text)]
    advice = text[marks[-1].end() :].strip() if marks else ""
    said = f"{text[: marks[0].start()].strip()}" if marks else text
    return f"| `{code}` | {said} | {known[1]} | {_cost(code, text, known[2])} | {advice or known[3]} |"


def _cost(code: str, text: str, known: str) -> str:
    if NOTHING_CHARGED.removesuffix(".") in text or ("{cost}" in text and code not in MAY_COST):
        return "Nothing"
    return "It says" if "{cost}" in text else known or "Nothing"


def by_hand(text: str) -> dict[str, list[str]]:
    """The cells of each row: what is read, cause, cost, what to do."""
    return {
        match["code"]: [cell.strip() for cell in re.split(r"(?<!\\)\|", match["cells"])]
        for match in ROW.finditer(text)
    }


def gaps(text: str) -> Iterator[str]:
    """Rows in which something is missing."""
    for code, cells in by_hand(text).items():
        if len(cells) != 4 or not all(cells):
            yield code


if __name__ == "__main__":
    before = PATH.read_text("utf-8") if PATH.exists() else ""
    PATH.write_text(document(by_hand(before)), "utf-8")
    print(*(f"to be written: {code}" for code in gaps(PATH.read_text("utf-8"))), sep="\n")

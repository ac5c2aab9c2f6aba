"""The English wording by subject, a file each; `studio.sentences` and `studio.reasons` take it from here."""

from __future__ import annotations

from collections.abc import Mapping

from studio.words import (
    amounts,
    approving,
    checking,
    decisions,
    docket,
    limits,
    moderation,
    motions,
    names,
    operator,
    ordering,
    panel,
    results,
    safety,
    shares,
    usage,
)

Wording = Mapping[str, str | tuple[str, ...]]

SAID: Wording = {
    **amounts.SAID,
    **names.SAID,
    **moderation.SAID,
    **decisions.SAID,
    **panel.SAID,
    **panel.DECISIONS,
    **limits.SAID,
    **limits.DECISIONS,
    **docket.SAID,
    **usage.SAID,
    **operator.SAID,
    **safety.SAID,
    **shares.SAID,
    **approving.SAID,
    **motions.SAID,
    **results.SAID,
    **ordering.SAID,
    **checking.SAID,
}
"""What is no refusal."""

REFUSED: Wording = {
    **moderation.REFUSED,
    **panel.REFUSED,
    **limits.REFUSED,
    **safety.REFUSED,
    **approving.REFUSED,
    **motions.REFUSED,
    **results.REFUSED,
    **ordering.REFUSED,
    **checking.REFUSED,
}
"""Refusals: what happened, what it cost, what to do now."""

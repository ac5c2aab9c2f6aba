"""Shares and allowances as people read them."""

from __future__ import annotations

from studio.sharing.grants import Given
from studio.sharing.policy import Allowance, Policy, Share
from studio.texts import date, say, say_number

MOST_NAMED = 8
"""Roles in one sentence."""


def share_text(share: Share) -> str:
    """`10 clips or $5.00 per week`; a share without limits says so."""
    facts = {
        "clips": None if share.clips is None else clips_text(share.clips),
        "amount": share.usd_micros,
    }
    given = {key: value for key, value in facts.items() if value is not None}
    return say("share_limits", period=say(f"period_{share.period}"), **given)


def clips_text(number: int) -> str:
    return say_number("clips", number)


def allowance_text(allowance: Allowance) -> str:
    """One role's line, with everything that it allows."""
    parts = [say("allowance_line", role=f"<@&{allowance.role_id}>", share=share_text(allowance.share))]
    if allowance.at_once is not None:
        parts.append(say("allowance_at_once", number=allowance.at_once))
    if allowance.longest_seconds is not None:
        parts.append(say("allowance_longest", seconds=allowance.longest_seconds))
    if allowance.priority:
        parts.append(say("allowance_priority", number=allowance.priority))
    return " · ".join(parts)


def limits_line(policy: Policy) -> str:
    """The pool, and how many roles have allowances."""
    return say("limits_line", pool=share_text(policy.pool), number=len(policy.allowances))


def warnings_of(policy: Policy, guild_id: int) -> list[str]:
    """What moderators may not have meant: members whom nothing limits where others are limited."""
    warnings = []
    free = policy.lifts_limits
    if free:
        roles = " ".join(f"<@&{each.role_id}>" for each in free[:MOST_NAMED])
        warnings.append(say("limits_lifted", roles=roles))
    if policy.leaves_out(guild_id):
        warnings.append(say("limits_rest_free"))
    return warnings


def given_text(given: Given) -> str:
    """One entry of what moderators gave or took."""
    to = f"<@{given.member_id}>" if given.role_id is None else f"<@&{given.role_id}>"
    facts = {"subject": to, "clips": clips_text(abs(given.clips)), "actor": f"<@{given.actor_id}>"}
    if given.until is not None:
        facts["until"] = date(given.until)
    if given.replaces:
        return say("given_limit", **facts)
    return say("given_more" if given.clips > 0 else "given_less", **facts)

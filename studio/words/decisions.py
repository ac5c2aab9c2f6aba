"""Every decision as the log channel and `/studio audit` tell it, by the entry's action."""

from __future__ import annotations

from collections.abc import Mapping

SAID: Mapping[str, str | tuple[str, ...]] = {
    "audit_studio": "The studio",
    "audit_reason": "-# Reason: {reason}",
    "audit_other": ("{actor}: {action} {subject}", "{actor}: {action}"),
    "audit_paused": "{actor} paused new clips.",
    "audit_resumed": "{actor} opened new clips again.",
    "audit_request_approved": "{actor} approved a clip of {subject}.",
    "audit_request_denied": "{actor} denied a clip of {subject}.",
    "audit_clip_cancelled": "{actor} pressed Cancel on a clip of {subject}.",
    "audit_price_confirmed": "{actor} confirmed the price of a clip.",
    "audit_price_declined": "{actor} declined the price of a clip of {subject}.",
    "audit_price_expired": "Nobody confirmed the price of a clip of {subject} in time.",
    "audit_approval_expired": "Nobody decided on a clip of {subject} in time.",
    "audit_approvals_unreachable": (
        "Clips wait for moderators, but I cannot post in {subject}: the channel is gone or closed to me. "
        "Choose another one with /studio setup, or let me in."
    ),
    "audit_approvals_nowhere": (
        "Clips wait for moderators, but no channel is chosen in which I could ask. "
        "Choose one with /studio setup."
    ),
    "audit_asked_over_limit": "{actor} asked for a clip over a limit.",
}

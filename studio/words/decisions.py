"""Every decision as the log channel and `/studio audit` tell it, by the entry's action."""

from __future__ import annotations

from collections.abc import Mapping

SAID: Mapping[str, str | tuple[str, ...]] = {
    "audit_studio": "The studio",
    "audit_reason": "-# Reason: {reason}",
    "audit_other": ("{actor}: {action} {subject}", "{actor}: {action}"),
    "audit_paused": "{actor} paused new clips.",
    "audit_resumed": "{actor} opened new clips again.",
}

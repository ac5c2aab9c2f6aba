"""What `/studio` says to moderators, besides its panel."""

from __future__ import annotations

from collections.abc import Mapping

SAID: Mapping[str, str | tuple[str, ...]] = {
    "command_studio_pause": "Take no new clips in this server until you resume",
    "command_studio_resume": "Take new clips again",
    "option_reason": "Why; it is kept in the record",
    "studio_paused": (
        "New clips are paused. What is being rendered goes on, what waits in the queue waits. "
        "/studio resume opens it again."
    ),
    "command_studio_audit": "Who decided what in this server, and why; the newest first",
    "audit_title": "### What was decided here",
    "audit_empty": "Nothing has been decided in this server yet.",
    "button_older": "Older",
    "button_newest": "Newest",
    "log_channel_closed": (
        "I may no longer write in {channel}, where this server's decisions are logged. Give me View "
        "Channel and Send Messages there (Edit Channel › Permissions), or choose another channel with "
        "/studio setup. "
        "Nothing is lost meanwhile: /studio audit shows every decision."
    ),
    "studio_resumed": "New clips are taken again.",
}

REFUSED: Mapping[str, str | tuple[str, ...]] = {
    "moderation_busy": (
        "I could not save that just now. Nothing was changed. Nothing was charged. Try again in a minute."
    ),
}

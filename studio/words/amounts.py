"""What things cost, how long they last, and the kinds of files, as other texts say it."""

from __future__ import annotations

from collections.abc import Mapping

SAID: Mapping[str, str | tuple[str, ...]] = {
    "cost_nothing": "Nothing was charged.",
    "cost_trial": "Nothing was charged, this was a trial.",
    "cost_amount": "It cost {amount:money}.",
    "length_seconds": "{seconds} s",
    "length_minutes": "{minutes} min {seconds} s",
    "length_hours": "{hours} h {minutes} min",
    "what_picture": "picture",
    "what_video": "video",
    "what_file": "file",
}

"""What `/studio report` says of who used what."""

from __future__ import annotations

from collections.abc import Mapping

SAID: Mapping[str, str | tuple[str, ...]] = {
    "command_studio_report": "Who used what: a table, a chart and a file",
    "option_report_period": "Over which time; this month if you leave it out",
    "choice_report_day": "today",
    "choice_report_week": "this week",
    "choice_report_month": "this month",
    "choice_report_thirty_days": "the last 30 days",
    "usage_title": (
        "### Used here since {since}\n"
        "Altogether: clips {clips}, {spent:money}. Clips under way count with what is held for them."
    ),
    "usage_line": "{place}. {member} · clips {clips} · {spent:money}",
    "usage_more": "… and {number} more, all of them in the file.",
    "usage_none": "Nobody has used anything here since {since}.",
    "usage_bar": "clips {clips} · {spent:money}",
    "alt_usage": "Bars of who used most: {bars}",
    "alt_usage_file": "Everybody's use as a table for a spreadsheet",
}

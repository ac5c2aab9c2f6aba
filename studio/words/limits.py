"""Limits, grants, blocks and filters: their commands, and what they say."""

from __future__ import annotations

from collections.abc import Mapping

SAID: Mapping[str, str | tuple[str, ...]] = {
    "period_day": "day",
    "period_week": "week",
    "period_month": "month",
    "clips_one": "1 clip",
    "clips_many": "{number} clips",
    "share_limits": (
        "{clips} and {amount:money} per {period}",
        "{clips} per {period}",
        "{amount:money} per {period}",
        "no limit",
    ),
    "allowance_line": "{role}: {share} each",
    "allowance_at_once": "{number} at once",
    "allowance_longest": "videos up to {seconds:number} s",
    "allowance_priority": "priority {number}",
    "limits_line": "{pool} for the whole server; roles with allowances: {number}",
}

"""How far the wish to have a job cancelled has come."""

from __future__ import annotations

from enum import StrEnum


class Cancel(StrEnum):
    """Whether the requester wants a job gone, and whether the provider lets it go; `begun`: not, unasked."""

    NONE = "none"
    BEGUN = "begun"
    ASKED = "asked"
    TOO_LATE = "too_late"


class CancelAnswer(StrEnum):
    """What pressing Cancel led to, for the one who pressed."""

    CANCELLED = "cancelled"
    ASKED = "asked"
    TOO_LATE = "too_late"
    NOT_YOURS = "not_yours"
    UNKNOWN = "unknown"

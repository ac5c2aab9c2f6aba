"""Why a picture or a video cannot be used."""

from __future__ import annotations

from enum import StrEnum
from typing import Any


class Reason(StrEnum):
    """One thing that is wrong with a file; the studio turns it into the member's sentence."""

    NOT_A_PICTURE = "not_a_picture"
    NOT_A_VIDEO = "not_a_video"
    NO_VIDEO_STREAM = "no_video_stream"
    BROKEN = "broken"
    TOO_SHORT = "too_short"
    TOO_SMALL = "too_small"
    TOO_MANY_PIXELS = "too_many_pixels"
    TOO_MANY_FRAMES = "too_many_frames"
    TOO_LARGE = "too_large"
    TOO_COMPLEX = "too_complex"
    CRASHED = "crashed"


class MediaRefused(Exception):
    """The file cannot be used; `facts` fill the sentence (seconds, width, height, limit …)."""

    def __init__(self, reason: Reason, **facts: Any) -> None:
        super().__init__(reason, facts)
        self.reason = reason
        self.facts = facts


class WorkshopFailed(Exception):
    """The worker broke down by itself: a bug, a missing library; not the file's fault.

    `tail` is the end of what it wrote to stderr, for the log and never for the member.
    """

    def __init__(self, task: str, exit_code: int | None, tail: str) -> None:
        super().__init__(task, exit_code, tail)
        self.task = task
        self.exit_code = exit_code
        self.tail = tail

"""What is wrong with the contents of the two inputs, worded like the services upstream (provider.md, 5)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

IMAGE_BYTES = 10 << 20
VIDEO_BYTES = 100 << 20
PICTURE_SIDES = (300, 65_536)
VIDEO_SIDES = (340, 3850)
MOST_RATIO = 2.5
# MPO is a JPEG that a phone has put a second picture behind.
PICTURE_FORMATS = frozenset({"JPEG", "MPO", "PNG"})
SHORTEST_SECONDS = 3.0
LONGEST_SECONDS = {"video": 30.0, "image": 10.0}
# A container counts in ticks; a clip of exactly 30 s must not fail for a rounded one.
TICK = 0.002


def problem_with(facts: Mapping[str, Any], orientation: str) -> str | None:
    """Judge the probe's facts; None when there is nothing to complain about."""
    return _picture_problem(facts["picture"]) or _video_problem(facts["video"], orientation)


def _picture_problem(picture: Mapping[str, Any] | None) -> str | None:
    if picture is None or picture["format"] not in PICTURE_FORMATS:
        return "Image format is invalid. Supported formats: jpg, jpeg, png."
    sides = picture["width"], picture["height"]
    if min(sides) < PICTURE_SIDES[0] or max(sides) > PICTURE_SIDES[1]:
        return f"Image pixel is invalid. Width and height must be at least {PICTURE_SIDES[0]}px."
    if max(sides) / min(sides) > MOST_RATIO:
        return "Image aspect ratio is invalid. It must be between 1:2.5 and 2.5:1."
    return None


def _video_problem(video: Mapping[str, Any] | None, orientation: str) -> str | None:
    if video is None:
        return "Video format is invalid. Supported formats: mp4, mov."
    sides = video["width"], video["height"]
    if min(sides) < VIDEO_SIDES[0] or max(sides) > VIDEO_SIDES[1]:
        return f"Video pixel is invalid. Width and height must be {VIDEO_SIDES[0]}-{VIDEO_SIDES[1]}px."
    longest = LONGEST_SECONDS[orientation]
    if not SHORTEST_SECONDS - TICK <= video["seconds"] <= longest + TICK:
        return (
            f"Video duration is invalid. It must be {SHORTEST_SECONDS:g}-{longest:g} seconds "
            f"when character_orientation is {orientation}."
        )
    return None

"""The limits that every provider's published rules accept, which the prepared files keep.

Source: the pre-flight rule set of `provider.md`, section 5 (JPEG or PNG up to 10 MB; MP4 up to 100 MB and
3–30 s; both sides 340–3850 px; ratio 0.4–2.5).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

SHORTEST_SIDE = 340
LONGEST_SIDE = 3850
NARROWEST = 0.4
WIDEST = 2.5

SMALLEST_USABLE_SIDE = 64
"""Below this many pixels on a side there is nothing left to animate, however much it is enlarged."""

PICTURE_BYTES = 10_000_000
PICTURE_PIXELS = 100_000_000

CLIP_BYTES = 100_000_000
SHORTEST_SECONDS = 3.0
EDGE_SECONDS = 0.05
"""Providers measure on their own, so a trimmed clip ends this much before the limit."""
MOST_FRAMES_PER_SECOND = 60.0

CLIP_PIXELS = 36_000_000
"""A frame of 8K (7680 × 4320) still passes."""
CLIP_FRAMES = 200_000
CLIP_FRAMES_PER_SECOND = 300.0
REENCODED_SIDE = 1920
"""What is encoded anew gets no longer side: renders are at most 1080p, and 4K would take minutes."""

THUMBNAIL_SIDE = 320


@dataclass(frozen=True, slots=True)
class Frame:
    """How something is laid out in pixels: scaled to `width` × `height`, centred on the canvas."""

    width: int
    height: int
    canvas_width: int
    canvas_height: int

    @property
    def padded(self) -> bool:
        return (self.width, self.height) != (self.canvas_width, self.canvas_height)


def lay_out(width: int, height: int, *, longest: int = LONGEST_SIDE, step: int = 1) -> Frame:
    """Return how `width` × `height` pixels come within the limits; `step` 2 gives even sides.

    The canvas is the picture itself unless its ratio is out of bounds; both are scaled together, and only
    when a side is out of bounds.
    """
    canvas_w, canvas_h = float(width), float(height)
    if width > WIDEST * height:
        canvas_h = width / WIDEST
    elif width < NARROWEST * height:
        canvas_w = height * NARROWEST
    factor = 1.0
    if max(canvas_w, canvas_h) > longest:
        factor = longest / max(canvas_w, canvas_h)
    elif min(canvas_w, canvas_h) < SHORTEST_SIDE:
        factor = SHORTEST_SIDE / min(canvas_w, canvas_h)
    w, h = _stepped(width * factor, step), _stepped(height * factor, step)
    return Frame(
        w,
        h,
        max(w, SHORTEST_SIDE, _stepped_up(h * NARROWEST, step)),
        max(h, SHORTEST_SIDE, _stepped_up(w / WIDEST, step)),
    )


def _stepped(value: float, step: int) -> int:
    return max(step, round(value / step) * step)


def _stepped_up(value: float, step: int) -> int:
    return math.ceil(round(value / step, 6)) * step

"""The chart of what was used: bars with their figures, readable on a phone before any background."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from media.facts import Bar, PictureFacts

DOTS_PER_INCH = 200
WIDTH = 780
"""Twice the 390 px of a small phone, so that it is sharp there."""
BAR_HEIGHT = 132
MARGIN = 36
LARGE, SMALL = 11.5, 10.5  # in points: at least 14 px on that phone

# A card of its own, since Discord's background may be light or dark; the contrasts are above 7 : 1.
CARD, INK, FAINT, USED = "#16181d", "#ffffff", "#c9ced8", "#7db4ff"


def draw(bars: Sequence[Bar], target: Path) -> PictureFacts:
    """Write the bars as a PNG, one below the other; what is used is filled and hatched, not only coloured."""
    height = MARGIN * 2 + BAR_HEIGHT * len(bars) - 24
    figure = Figure(
        figsize=(WIDTH / DOTS_PER_INCH, height / DOTS_PER_INCH), dpi=DOTS_PER_INCH, facecolor=CARD
    )
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    axes.set_xlim(0, WIDTH)
    axes.set_ylim(height, 0)
    for index, bar in enumerate(bars):
        top, whole = MARGIN + index * BAR_HEIGHT, WIDTH - 2 * MARGIN
        words: dict[str, Any] = {"color": INK, "va": "top", "parse_math": False}
        axes.text(MARGIN, top, bar.label, fontsize=LARGE, fontweight="bold", **words)
        axes.text(WIDTH - MARGIN, top, bar.figure, fontsize=SMALL, ha="right", **words)
        filled = whole * min(1.0, max(0.0, bar.fraction))
        axes.add_patch(
            Rectangle((MARGIN, top + 48), filled, 40, facecolor=USED, edgecolor=CARD, hatch="//", linewidth=0)
        )
        axes.add_patch(
            Rectangle((MARGIN, top + 48), whole, 40, facecolor="none", edgecolor=FAINT, linewidth=1.2)
        )
    figure.savefig(target, format="png")
    return PictureFacts(format="PNG", width=WIDTH, height=height, size=target.stat().st_size)

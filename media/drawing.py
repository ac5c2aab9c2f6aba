"""A drawn motion for trials: somebody who jumps and waves, so that nobody's film has to be borrowed."""

from __future__ import annotations

import math
from pathlib import Path

import av
import numpy as np
from PIL import Image, ImageDraw

from media.clips import probe
from media.facts import ClipFacts

SECONDS, RATE = 4, 20
_SIZE = (360, 640)
_GROUND, _SKY, _FIGURE, _SHIRT = (96, 140, 108), (214, 228, 240), (70, 52, 48), (222, 112, 72)

Point = tuple[float, float]


def draw_motion(target: Path) -> ClipFacts:
    """Write the motion as an MP4."""
    with av.open(str(target), "w", format="mp4", options={"movflags": "+faststart"}) as output:
        stream = output.add_stream("libx264", rate=RATE, options={"preset": "veryfast", "crf": "24"})
        stream.width, stream.height = _SIZE
        stream.pix_fmt = "yuv420p"
        for number in range(SECONDS * RATE):
            output.mux(
                stream.encode(av.VideoFrame.from_ndarray(np.asarray(_moment(number / RATE)), format="rgb24"))
            )
        output.mux(stream.encode(None))
    return probe(target)


def _moment(second: float) -> Image.Image:
    """How it looks then; every second is one jump, every other one a wave to the other side."""
    width, height = _SIZE
    picture = Image.new("RGB", _SIZE, _SKY)
    draw = ImageDraw.Draw(picture)
    draw.rectangle((0, height * 0.78, width, height), fill=_GROUND)
    lift = abs(math.sin(math.pi * second)) * height * 0.08
    lean = math.sin(math.pi * second / 2) * width * 0.06
    hip = (width / 2 + lean, height * 0.56 - lift)
    neck = (width / 2 + lean * 1.8, height * 0.36 - lift)
    bend = lift * 0.5
    for side in (-1, 1):
        foot = (width / 2 + side * width * 0.12, height * 0.8 - lift)
        knee = (hip[0] + side * (width * 0.09 + bend), (hip[1] + foot[1]) / 2)
        _limb(draw, [hip, knee, foot], _FIGURE)
        swing = math.sin(2 * math.pi * second + side)
        elbow = (neck[0] + side * width * 0.17, neck[1] + height * 0.05)
        hand = (elbow[0] + side * width * 0.08, elbow[1] - height * 0.1 * swing)
        _limb(draw, [neck, elbow, hand], _FIGURE)
    draw.line([neck, hip], fill=_SHIRT, width=48)
    _disc(draw, (neck[0], neck[1] - height * 0.075), 40, _FIGURE)
    return picture


def _limb(draw: ImageDraw.ImageDraw, points: list[Point], colour: tuple[int, int, int]) -> None:
    draw.line(points, fill=colour, width=20, joint="curve")
    _disc(draw, points[-1], 13, colour)


def _disc(draw: ImageDraw.ImageDraw, at: Point, radius: float, colour: tuple[int, int, int]) -> None:
    x, y = at
    draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=colour)

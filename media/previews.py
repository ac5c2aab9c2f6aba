"""A motion's looping preview: a small GIF of its first seconds, which every Discord app plays by itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from PIL import Image

from media.errors import MediaRefused, Reason
from media.facts import PictureFacts
from media.graph import FrameGraph
from media.limits import Frame
from media.opening import find_video, frames, opened
from media.probe import Probe, examine

WIDEST, HIGHEST = 320, 240
"""The box for the loop. It is filled to this ratio where a video stands upright: in full width it would take
a phone's whole screen.
"""

LOOP_SECONDS = 3.0
RATE = 8
_COLOURS = 64
_BESIDE = (24, 25, 28)
_SAMPLES = 6
"""From so many frames the colours are chosen that all have to share."""


def write_preview(source: Path, target: Path) -> PictureFacts:
    """Write the loop of one of our own prepared videos.

    Raises `MediaRefused` with BROKEN when none of it can be decoded.
    """
    probe = examine(source)
    pictures = list(_pictures(source, probe))
    if not pictures:
        raise MediaRefused(Reason.BROKEN, detail="no frame can be decoded")
    palette = _palette(pictures)
    first, *rest = [picture.quantize(palette=palette, dither=Image.Dither.NONE) for picture in pictures]
    first.save(
        target, "GIF", save_all=True, append_images=rest, duration=1000 // RATE, loop=0, optimize=False
    )
    return PictureFacts(format="GIF", width=first.width, height=first.height, size=target.stat().st_size)


def _pictures(source: Path, probe: Probe) -> Iterator[Image.Image]:
    """Small pictures, `RATE` a second."""
    facts = probe.facts
    factor = min(1.0, WIDEST / facts.width, HIGHEST / facts.height)
    width, height = (max(2, round(side * factor / 2) * 2) for side in (facts.width, facts.height))
    graph = FrameGraph(probe, Frame(width, height, width, height), rate=None, pixel_format="rgb24")
    taken, most = 0, round(min(LOOP_SECONDS, facts.seconds) * RATE)
    with opened(source) as container:
        for frame in frames(container, find_video(container)):
            if (frame.time or 0.0) - float(probe.start) < taken / RATE - 0.001:
                continue
            taken += 1
            yield from (_widened(Image.fromarray(small.to_ndarray())) for small in graph.push(frame))
            if taken >= most:
                break
    yield from (_widened(Image.fromarray(small.to_ndarray())) for small in graph.finish())


def _widened(picture: Image.Image) -> Image.Image:
    width = max(picture.width, picture.height * WIDEST // HIGHEST)
    if width == picture.width:
        return picture
    canvas = Image.new("RGB", (width, picture.height), _BESIDE)
    canvas.paste(picture, ((width - picture.width) // 2, 0))
    return canvas


def _palette(pictures: list[Image.Image]) -> Image.Image:
    """Colours of several moments: those of the first alone would not do for what comes into view later."""
    step = max(1, len(pictures) // _SAMPLES)
    chosen = pictures[::step]
    width, height = chosen[0].size
    strip = Image.new("RGB", (width, height * len(chosen)))
    for number, picture in enumerate(chosen):
        strip.paste(picture, (0, number * height))
    return strip.quantize(_COLOURS, method=Image.Quantize.MEDIANCUT)

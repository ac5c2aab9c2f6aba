"""Animated WebP as a video: FFmpeg has no decoder for it, so Pillow gives the frames.

The lengths stand in the container (RFC 9649, section 2.7.1.1: `ANMF` chunks) and are read before anything
is decoded.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
from av.video.frame import VideoFrame
from PIL import Image

from media import limits
from media.errors import MediaRefused, Reason
from media.facts import ClipFacts
from media.probe import Probe, check_sides
from media.recognise import Family

_SHORTEST_MS = 20  # browsers show shorter delays as 100 ms
_USUAL_MS = 100
_CLOCK = Fraction(1, 1000)


def examine_animation(source: Path) -> Probe:
    """Measure an animated WebP; raises `MediaRefused` as `media.probe.examine` does."""
    width, height, delays = _read_chunks(source)
    check_sides(width, height)
    seconds = sum(delays) / 1000
    rate = 1000 * len(delays) / sum(delays)
    facts = ClipFacts(
        format="WEBP",
        codec="webp",
        width=width,
        height=height,
        seconds=seconds,
        frames_per_second=round(rate, 3),
        has_sound=False,
        size=source.stat().st_size,
    )
    return Probe(
        facts=facts,
        family=Family.WEBP_ANIMATION,
        stored=(width, height),
        pixel_format="rgba",
        start=Fraction(0),
        whole_seconds=seconds,
        rate=1000 / sorted(delays)[len(delays) // 2],
        steady=min(delays) == max(delays),
        moves=len(delays) > 1,
    )


def animation_frames(source: Path) -> Iterator[VideoFrame]:
    """Decode the frames one after the other, the last one twice: at its begin and where it ends."""
    _, _, delays = _read_chunks(source)
    at = 0
    try:
        with Image.open(source, formats=("WEBP",)) as animation:
            for number, delay in enumerate(delays):
                animation.seek(number)
                yield _frame(animation, at)
                at += delay
            yield _frame(animation, at)
    except (OSError, ValueError, EOFError, SyntaxError, RuntimeError) as error:
        raise MediaRefused(Reason.BROKEN, detail=f"{type(error).__name__}: {error}"[:200]) from error


def _frame(animation: Image.Image, milliseconds: int) -> VideoFrame:
    frame = VideoFrame.from_ndarray(np.asarray(animation.convert("RGBA")), format="rgba")
    frame.pts, frame.time_base = milliseconds, _CLOCK
    return frame


def _read_chunks(source: Path) -> tuple[int, int, list[int]]:
    """Return the sides of the canvas and the length of each frame in milliseconds."""
    delays: list[int] = []
    end = source.stat().st_size
    with source.open("rb") as file:
        header = file.read(30)
        width, height = (int.from_bytes(header[at : at + 3], "little") + 1 for at in (24, 27))
        start = 12
        while start + 8 <= end:
            file.seek(start)
            chunk = file.read(24)
            if chunk[:4] == b"ANMF":
                delay = int.from_bytes(chunk[20:23], "little")
                delays.append(delay if delay >= _SHORTEST_MS else _USUAL_MS)
            if len(delays) > limits.CLIP_FRAMES:
                raise MediaRefused(Reason.TOO_MANY_FRAMES, frames=len(delays), limit=limits.CLIP_FRAMES)
            size = int.from_bytes(chunk[4:8], "little")
            start += 8 + size + size % 2
    if not delays or start > end + 1:
        raise MediaRefused(Reason.BROKEN, detail="the file is cut off")
    return width, height, delays

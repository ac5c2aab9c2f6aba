"""A few frames of a clip, spread over its whole length."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from media.errors import MediaRefused, Reason
from media.graph import FrameGraph
from media.limits import Frame
from media.opening import find_video, frames, opened
from media.probe import examine


def samples(source: Path, *, number: int, longest: int) -> Iterator[np.ndarray]:
    """Yield up to `number` upright frames as rows of RGB pixels, at most `longest` pixels a side.

    The first frame is among them, since players show it before anybody presses. Raises `MediaRefused` as
    `media.clips.probe` does, and with BROKEN when no frame can be decoded.
    """
    probe = examine(source)
    facts = probe.facts
    factor = min(1.0, longest / max(facts.width, facts.height))
    width, height = (max(2, round(side * factor)) for side in (facts.width, facts.height))
    graph = FrameGraph(probe, Frame(width, height, width, height), rate=None, pixel_format="rgb24")
    gap = facts.seconds / (number - 0.5)
    taken = 0
    with opened(source) as container:
        stream = find_video(container)
        # Frames that no other one is made from are left out: one next to it will do.
        stream.codec_context.skip_frame = "NONREF"
        for frame in frames(container, stream):
            if (frame.time or 0.0) - float(probe.start) < taken * gap:
                continue
            taken += 1
            for small in graph.push(frame):
                yield small.to_ndarray()
            if taken == number:
                break
    for small in graph.finish():
        yield small.to_ndarray()
    if not taken:
        raise MediaRefused(Reason.BROKEN, detail="no frame can be decoded")

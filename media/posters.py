"""A clip's poster: its first good frame as a JPEG, for those who see the clip before it has loaded."""

from __future__ import annotations

from pathlib import Path

from av.video.frame import VideoFrame
from PIL import Image, ImageStat

from media.animations import animation_frames
from media.errors import MediaRefused, Reason
from media.graph import FrameGraph
from media.limits import Frame
from media.opening import find_video, frames, opened
from media.probe import Probe

LONGEST_SIDE = 960
QUALITY = 80
_MOMENT_SECONDS = 1.0
_LOOK_SECONDS = 2.0
_LOOKS = 12
_TOO_DARK, _TOO_LIGHT, _TOO_FLAT = 16, 240, 6  # of the 256 steps of grey: mean, mean, standard deviation


def write_poster(
    source: Path, target: Path, probe: Probe, first: VideoFrame, *, longest: int = LONGEST_SIDE
) -> None:
    """Write the first frame that shows something, of those in the first seconds; else the first of all.

    `first` is that one, as it was decoded; `longest` is the longest side. Raises `MediaRefused` with BROKEN
    when none can be.
    """
    graph = _shrinking(probe, longest)
    for small in (*graph.push(first), *graph.finish()):
        picture = Image.fromarray(small.to_ndarray())
        if _shows_something(picture):
            _save(picture, target)
            return
    _save(_found_further_on(source, probe, longest), target)


def write_poster_of_animation(source: Path, target: Path, probe: Probe) -> None:
    """Write what a moving picture shows after about a second."""
    graph = _shrinking(probe, LONGEST_SIDE)
    moment = min(_MOMENT_SECONDS, probe.facts.seconds / 2)
    chosen = next(frame for frame in animation_frames(source) if (frame.time or 0) >= moment)
    small, *_ = (*graph.push(chosen), *graph.finish())
    _save(Image.fromarray(small.to_ndarray()), target)


def _found_further_on(source: Path, probe: Probe, longest: int) -> Image.Image:
    graph = _shrinking(probe, longest)
    gap = min(_LOOK_SECONDS, probe.facts.seconds) / _LOOKS
    first, looked = None, 0
    with opened(source) as container:
        for frame in frames(container, find_video(container)):
            if (frame.time or 0.0) - float(probe.start) < looked * gap:
                continue
            looked += 1
            for small in graph.push(frame):
                picture = Image.fromarray(small.to_ndarray())
                first = first or picture
                if _shows_something(picture):
                    return picture
            if looked >= _LOOKS:
                break
    for small in graph.finish():
        first = first or Image.fromarray(small.to_ndarray())
    if first is None:
        raise MediaRefused(Reason.BROKEN, detail="no frame can be decoded")
    return first


def _shrinking(probe: Probe, longest: int) -> FrameGraph:
    facts = probe.facts
    factor = min(1.0, longest / max(facts.width, facts.height))
    width, height = (max(2, round(side * factor)) for side in (facts.width, facts.height))
    return FrameGraph(probe, Frame(width, height, width, height), rate=None, pixel_format="rgb24")


def _shows_something(picture: Image.Image) -> bool:
    """Neither black nor white nor of one colour, as fades begin."""
    grey = ImageStat.Stat(picture.convert("L"))
    return _TOO_DARK < grey.mean[0] < _TOO_LIGHT and grey.stddev[0] > _TOO_FLAT


def _save(picture: Image.Image, target: Path) -> None:
    picture.save(target, "JPEG", quality=QUALITY)

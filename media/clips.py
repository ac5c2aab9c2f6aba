"""Videos made ready: probed, brought within all limits with as little change as possible, fitted to a size.

Runs in the worker: decoding what a stranger sent belongs into a process with limits.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from av.video.frame import VideoFrame
from PIL import Image

from media import limits
from media.animations import examine_animation
from media.copying import copy_clip
from media.encoding import Recipe, encode_clip
from media.errors import MediaRefused, Reason
from media.facts import ClipFacts, PictureFacts, PreparedClip
from media.limits import Frame
from media.plan import Plan, Way, make_plan, require_length, steady_rate
from media.posters import write_poster, write_poster_of_animation
from media.probe import Probe, examine, examine_and_see
from media.recognise import Family, family_of

_SHORT_SIDES = (1080, 720, 480)
_GOOD_BITS_A_PIXEL = 0.06
_FEWEST_BITS_A_PIXEL = 0.012
_SOUND_BITS = (48_000, 128_000)
_ROOM_FOR_INDEX = 0.96
_FIT_TRIES = 3


def probe(source: Path) -> ClipFacts:
    """Return what the video is.

    Raises `MediaRefused` with NOT_A_VIDEO, NO_VIDEO_STREAM, BROKEN, TOO_SHORT (seconds, limit),
    TOO_SMALL, TOO_MANY_PIXELS (width, height, limit) or TOO_MANY_FRAMES (frames, limit).
    """
    probed = _examine(source)
    require_length(probed)
    return probed.facts


def verify(source: Path) -> ClipFacts:
    """Return what a provider's result is. Raises as `probe` does, except that it may be of any length."""
    return _examine(source).facts


def draw_poster(source: Path, target: Path) -> PictureFacts:
    """Write the poster of a provider's result: its first frame that shows something. Raises as `verify`."""
    if family_of(source) is Family.WEBP_ANIMATION:
        write_poster_of_animation(source, target, examine_animation(source))
    else:
        probed, first = examine_and_see(source)
        write_poster(source, target, probed, first)
    with Image.open(target) as made:
        return PictureFacts(format="JPEG", width=made.width, height=made.height, size=target.stat().st_size)


def prepare(source: Path, target: Path, poster_target: Path, *, longest: float) -> PreparedClip:
    """Write the video as an MP4 within the limits and at most `longest` seconds long, and its poster.

    Raises `MediaRefused` as `probe` does, or TOO_LARGE (size, limit).
    """
    return carry_out(planned(source, longest=longest), target, poster_target)


@dataclass(frozen=True, slots=True)
class Planned:
    """A video before it is made ready: `first` is its first frame, where that was decoded."""

    source: Path
    before: Probe
    first: VideoFrame | None
    plan: Plan


def planned(source: Path, *, longest: float) -> Planned:
    """Return what the video is, and what would make it ready. Raises as `probe` does."""
    if family_of(source) is Family.WEBP_ANIMATION:
        before, first = examine_animation(source), None
    else:
        before, first = examine_and_see(source)
    return Planned(source, before, first, make_plan(before, longest=longest))


def carry_out(planned: Planned, target: Path, poster_target: Path) -> PreparedClip:
    """Write what was planned for the video; as `prepare`."""
    source, before, first, plan = planned.source, planned.before, planned.first, planned.plan
    way = plan.way
    if way is Way.AS_IS:
        shutil.copyfile(source, target)
    elif way is Way.COPY:
        copy_clip(source, target, probe=before, end=plan.end)
    else:
        recipe = Recipe(frame=plan.frame, rate=plan.rate, end=plan.end)
        encode_clip(source, target, probe=before, recipe=recipe)
    after = before
    if first is None or way is not Way.AS_IS:
        after, first = examine_and_see(target)
    if after.facts.size > limits.CLIP_BYTES:
        raise MediaRefused(Reason.TOO_LARGE, size=after.facts.size, limit=limits.CLIP_BYTES)
    write_poster(target, poster_target, after, first, longest=limits.THUMBNAIL_SIDE)
    return PreparedClip(
        before=before.facts, after=after.facts, changes=plan.changes, reencoded=way is Way.ENCODE
    )


def fit(source: Path, target: Path, *, max_bytes: int) -> ClipFacts:
    """Write a clip that has at most `max_bytes` and plays everywhere, with fewer pixels where bits are short.

    It is H.264 with 8 bits, keeps its sound, and has its index first. The short side stays at 480 pixels
    or more (unless it was less). Raises `MediaRefused` with TOO_LARGE (size, limit) when that would only
    give mud, and as `verify` does.
    """
    before = _examine(source)
    if before.facts.size <= max_bytes and before.facts.plays_everywhere and before.index_first:
        shutil.copyfile(source, target)
        return before.facts
    share = 1.0
    for _ in range(_FIT_TRIES):
        encode_clip(source, target, probe=before, recipe=_fitting(before, int(max_bytes * share)))
        size = target.stat().st_size
        if size <= max_bytes:
            return examine(target).facts
        share *= 0.95 * max_bytes / size
    raise MediaRefused(Reason.TOO_LARGE, size=size, limit=max_bytes)


def _examine(source: Path) -> Probe:
    animated = family_of(source) is Family.WEBP_ANIMATION
    return examine_animation(source) if animated else examine(source)


def _fitting(probe: Probe, max_bytes: int) -> Recipe:
    """Choose the most pixels that still get enough bits each."""
    facts, rate = probe.facts, steady_rate(probe)
    total = max_bytes * 8 * _ROOM_FOR_INDEX / facts.seconds
    fewest, most = _SOUND_BITS
    sound_bits = int(min(most, max(fewest, total * 0.1))) if facts.has_sound else None
    picture_bits = int(total - (sound_bits or 0))
    short_side = min(facts.width, facts.height)
    for side in (short_side, *(side for side in _SHORT_SIDES if side < short_side)):
        frame = _scaled(facts, side)
        bits_a_pixel = picture_bits / (frame.width * frame.height * float(rate))
        if bits_a_pixel >= _GOOD_BITS_A_PIXEL:
            break
    if bits_a_pixel < _FEWEST_BITS_A_PIXEL:
        raise MediaRefused(Reason.TOO_LARGE, size=facts.size, limit=max_bytes)
    return Recipe(frame=frame, rate=rate, end=facts.seconds, picture_bits=picture_bits, sound_bits=sound_bits)


def _scaled(facts: ClipFacts, short_side: int) -> Frame:
    factor = short_side / min(facts.width, facts.height)
    width, height = (max(2, round(side * factor / 2) * 2) for side in (facts.width, facts.height))
    return Frame(width, height, width, height)

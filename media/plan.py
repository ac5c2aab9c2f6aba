"""What has to be done to a video so that every provider takes it, decided from its probe alone."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

from media import limits
from media.errors import MediaRefused, Reason
from media.facts import Change
from media.limits import Frame, lay_out
from media.probe import Probe
from media.recognise import Family


class Way(StrEnum):
    """AS_IS leaves the file alone, COPY keeps the coded picture, ENCODE makes a new one."""

    AS_IS = "as_is"
    COPY = "copy"
    ENCODE = "encode"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """`end` is the second, from the first frame, at which the clip stops; `rate` is for ENCODE."""

    way: Way
    end: float
    frame: Frame
    rate: Fraction
    changes: tuple[Change, ...]


_USUAL_RATES = (
    Fraction(24000, 1001), Fraction(24), Fraction(25), Fraction(30000, 1001), Fraction(30), Fraction(48),
    Fraction(50), Fraction(60000, 1001), Fraction(60),
)  # fmt: skip
_LOWEST_RATE = 15
_TOLERANCE = 1e-3  # time stamps of some containers are whole milliseconds


def require_length(probe: Probe) -> None:
    """Raise `MediaRefused` for a still (NOT_A_VIDEO) or what is too brief (TOO_SHORT: seconds, limit)."""
    if probe.facts.codec in {"gif", "webp"} and not probe.moves:
        raise MediaRefused(Reason.NOT_A_VIDEO)
    if probe.facts.seconds < limits.SHORTEST_SECONDS - _TOLERANCE:
        raise MediaRefused(Reason.TOO_SHORT, seconds=probe.facts.seconds, limit=limits.SHORTEST_SECONDS)


def make_plan(probe: Probe, *, longest: float) -> Plan:
    """Decide; raises `MediaRefused` as `require_length` does."""
    require_length(probe)
    facts = probe.facts
    too_long = facts.seconds > longest + _TOLERANCE
    end = longest - limits.EDGE_SECONDS if too_long else facts.seconds
    allowed = lay_out(facts.width, facts.height, step=2)
    if _picture_conforms(probe, allowed):
        untouched = _file_conforms(probe) and not too_long and probe.whole_seconds <= longest + _TOLERANCE
        way, frame = (Way.AS_IS if untouched else Way.COPY), allowed
    else:
        way = Way.ENCODE
        frame = lay_out(facts.width, facts.height, longest=limits.REENCODED_SIDE, step=2)
    changes = []
    if way is Way.ENCODE or probe.family is not Family.MP4:
        changes.append(Change.CONVERTED)
    if too_long:
        changes.append(Change.TRIMMED)
    return Plan(
        way=way,
        end=end,
        frame=frame,
        rate=steady_rate(probe),
        changes=(*changes, *_changes_of_size(probe, frame)),
    )


def steady_rate(probe: Probe) -> Fraction:
    """The constant rate to encode at: the usual one of the source, brought between 15 and 60 frames a second.

    Whole divisors and multiples keep every moment where it was; without them motion would stutter.
    """
    rate = _snapped(probe.rate)
    if rate > limits.MOST_FRAMES_PER_SECOND:
        return (
            rate / math.ceil(rate / Fraction(limits.MOST_FRAMES_PER_SECOND)) if probe.steady else Fraction(60)
        )
    if rate < _LOWEST_RATE:
        return rate * math.ceil(_LOWEST_RATE / rate)
    return rate


def _snapped(rate: float) -> Fraction:
    """Phones measure 29.98 where they mean 30."""
    nearest = min(_USUAL_RATES, key=lambda usual: abs(usual - rate))
    if abs(float(nearest) - rate) <= 0.004 * rate:
        return nearest
    return max(Fraction(rate).limit_denominator(100), Fraction(1, 10))


def _picture_conforms(probe: Probe, allowed: Frame) -> bool:
    """Whether the coded picture may be sent as it is."""
    facts = probe.facts
    return (
        facts.codec == "h264"
        and probe.family in {Family.MP4, Family.MOV, Family.MATROSKA}
        and probe.pixel_format == "yuv420p"
        and not probe.interlaced
        and not probe.turn.filters
        and probe.shape == 1
        and probe.curve is None
        and probe.clean
        and probe.steady
        and facts.frames_per_second <= limits.MOST_FRAMES_PER_SECOND + 0.5
        and facts.size <= limits.CLIP_BYTES
        and (allowed.width, allowed.height) == (facts.width, facts.height)
        and not allowed.padded
    )


def _file_conforms(probe: Probe) -> bool:
    """Whether nothing around the picture needs a change either."""
    return (
        probe.family is Family.MP4
        and probe.index_first
        and probe.sound_codec in {None, "aac"}
        and probe.only_these_streams
        and not probe.names_a_place
    )


def _changes_of_size(probe: Probe, frame: Frame) -> list[Change]:
    changes = []
    if frame.width < probe.facts.width - 1 or frame.height < probe.facts.height - 1:
        changes.append(Change.SCALED_DOWN)  # a single odd line that goes is nothing to speak of
    elif frame.width > probe.facts.width + 1 or frame.height > probe.facts.height + 1:
        changes.append(Change.SCALED_UP)
    if frame.padded:
        changes.append(Change.PADDED)
    return changes

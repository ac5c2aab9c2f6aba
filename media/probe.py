"""What a video file really contains: measured from its packets and first frames rather than believed."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import islice, pairwise
from pathlib import Path
from statistics import median

from av.audio.stream import AudioStream
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from media import limits
from media.boxes import read_layout
from media.errors import MediaRefused, Reason
from media.facts import ClipFacts
from media.opening import complaints, find_sound, find_video, frames, opened, packets
from media.recognise import Family, family_of
from media.turning import UPRIGHT, Turn, turn_of

CURVES = {16: "pq", 18: "hlg"}
"""The transfer characteristics of HDR, by their numbers in ITU-T H.273."""
UNSPECIFIED = (2, 2, 2)

_REWOUND = frozenset({Family.MP4, Family.MOV})
"""What FFmpeg goes back in without fail; opening a file once more takes it longer than everything else."""

_PLAYED_PIXELS = frozenset({"yuv420p", "yuvj420p"})
_PLAYED_SOUND = frozenset({None, "aac", "mp3", "mp3float"})

_SAMPLED_KEYFRAMES = 5
_PLACE_TAGS = ("location", "gps")


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """A video as measured: the public facts, and what deciding and converting need beside them.

    `stored` are the coded sides before turning, `shape` is how much wider than high a pixel is, `start` the
    second of the first frame, `whole_seconds` the length of the longest stream, `rate` the usual frame rate
    (the mean one hides variable rates), `steady` whether the frames keep to it, `clean` whether all
    packets are shown and in order, `colours` primaries, transfer and matrix by their numbers in ITU-T H.273.
    """

    facts: ClipFacts
    family: Family
    stored: tuple[int, int]
    pixel_format: str
    start: Fraction
    whole_seconds: float
    rate: float
    shape: Fraction = Fraction(1)
    turn: Turn = UPRIGHT
    steady: bool = True
    interlaced: bool = False
    curve: str | None = None
    colours: tuple[int, int, int] = UNSPECIFIED
    sound_codec: str | None = None
    clean: bool = True
    index_first: bool = False
    moves: bool = True
    only_these_streams: bool = True
    names_a_place: bool = False


_Origin = tuple[Path, Family]


@dataclass(slots=True)
class _Times:
    """Gathered while the packets go by; in seconds."""

    shown: list[float] = field(default_factory=list)
    keys: list[int] = field(default_factory=list)
    last_end: float = 0.0
    first: Fraction | None = None
    whole_start: float = float("inf")
    whole_end: float = 0.0
    clean: bool = True


def examine(source: Path) -> Probe:
    """Measure a video file.

    Raises `MediaRefused` with NOT_A_VIDEO, NO_VIDEO_STREAM, BROKEN, TOO_SMALL, TOO_MANY_PIXELS or
    TOO_MANY_FRAMES; the length is not judged here.
    """
    return examine_and_see(source)[0]


def examine_and_see(source: Path) -> tuple[Probe, VideoFrame]:
    """The same, with the first frame, which has to be decoded anyway."""
    family = family_of(source)
    index_first = False
    if family in {Family.MP4, Family.MOV}:
        layout = read_layout(source)
        index_first = layout.index_first
        if not layout.complete or b"moov" not in layout.names:
            raise MediaRefused(Reason.BROKEN, detail="the file is cut off")
    elif family is Family.GIF:
        _check_gif_screen(source)
    with ExitStack() as stack:
        container, stream = _opened(stack, source)
        times = _measure(container, stream)
        if family in _REWOUND:
            with complaints():
                container.seek(times.keys[0] if times.keys else 0, stream=stream)
        else:
            stack.close()
            container, stream = _opened(stack, source)
        head = list(islice(frames(container, stream), 3))
        if not head:
            raise MediaRefused(Reason.BROKEN, detail="no frame can be decoded")
        if family is not Family.GIF:
            _decode_samples(container, stream, times.keys)
        probe = _described(container, stream, (source, family), times, head[0])
    facts = replace(probe.facts, plays_everywhere=_plays_everywhere(probe))
    return replace(probe, facts=facts, index_first=index_first), head[0]


def _plays_everywhere(probe: Probe) -> bool:
    """Whether it is an MP4 of H.264 with 8 bits and halved colours, and any sound one that phones know."""
    return (
        probe.family is Family.MP4
        and probe.facts.codec == "h264"
        and probe.pixel_format in _PLAYED_PIXELS
        and probe.sound_codec in _PLAYED_SOUND
    )


def _opened(stack: ExitStack, source: Path) -> tuple[InputContainer, VideoStream]:
    container = stack.enter_context(opened(source))
    # A second thread would decode frames that nobody looks at.
    return container, find_video(container, threads=1)


def _check_gif_screen(source: Path) -> None:
    """FFmpeg says nothing of a screen that it finds too large, so it is read here (GIF89a, section 18)."""
    with source.open("rb") as file:
        header = file.read(10)
    width, height = int.from_bytes(header[6:8], "little"), int.from_bytes(header[8:10], "little")
    if width * height > limits.CLIP_PIXELS:
        raise MediaRefused(Reason.TOO_MANY_PIXELS, width=width, height=height, limit=limits.CLIP_PIXELS)


def _measure(container: InputContainer, stream: VideoStream) -> _Times:
    """Walk through all packets without decoding them."""
    times, last_dts, first = _Times(), None, None
    sound = find_sound(container)
    streams: list[VideoStream | AudioStream] = [stream, sound] if sound else [stream]
    # In whole numbers: a long clip has thousands of packets, and fractions are slow.
    clocks = {one.index: (one.time_base or Fraction(0)).as_integer_ratio() for one in streams}
    for packet in packets(container, streams):
        ticks, rate = clocks[packet.stream.index]
        if packet.pts is None or packet.dts is None or not ticks:
            times.clean = times.clean and not packet.size  # the last, empty one only ends the stream
            continue
        at = packet.pts * ticks / rate
        end = (packet.pts + (packet.duration or 0)) * ticks / rate
        times.whole_start = min(times.whole_start, at)
        times.whole_end = max(times.whole_end, end)
        if packet.stream.index != stream.index:
            continue
        if packet.is_discard:
            times.clean = False
            continue
        times.clean = times.clean and (last_dts is None or packet.dts > last_dts)
        last_dts = packet.dts
        if packet.is_keyframe:
            times.keys.append(packet.pts)
        first = packet.pts if first is None else min(first, packet.pts)
        times.shown.append(at)
        times.last_end = max(times.last_end, end)
        if len(times.shown) > limits.CLIP_FRAMES:
            raise MediaRefused(Reason.TOO_MANY_FRAMES, frames=len(times.shown), limit=limits.CLIP_FRAMES)
    if first is None:
        raise MediaRefused(Reason.BROKEN, detail="the video has no frames")
    times.first = first * Fraction(*clocks[stream.index])
    times.shown.sort()
    _require_whole(container, times)
    return times


def _require_whole(container: InputContainer, times: _Times) -> None:
    claimed = (container.duration or 0) / 1_000_000
    if times.whole_end - min(times.whole_start, 0.0) < claimed - max(1.0, claimed * 0.05):
        raise MediaRefused(Reason.BROKEN, detail="the file is cut off")


def _decode_samples(container: InputContainer, stream: VideoStream, keys: list[int]) -> None:
    """Decode a few frames along the way; a file that is intact only at its start is broken."""
    step = max(1, len(keys) // _SAMPLED_KEYFRAMES)
    for key in keys[step::step][:_SAMPLED_KEYFRAMES]:
        with complaints():
            container.seek(key, stream=stream)
        if next(frames(container, stream), None) is None:
            raise MediaRefused(Reason.BROKEN, detail="the file is damaged in the middle")


def _described(
    container: InputContainer, stream: VideoStream, origin: _Origin, times: _Times, frame: VideoFrame
) -> Probe:
    source, family = origin
    gap, steady = _rhythm(times.shown)
    seconds, mean_rate = _length(times, gap)
    context, sound = stream.codec_context, find_sound(container)
    turn, shape = turn_of(frame), _shape(stream.sample_aspect_ratio)
    width, height = _seen_sides(frame, turn, shape)
    whole = max(seconds, times.whole_end - times.whole_start, (container.duration or 0) / 1e6)
    facts = ClipFacts(
        format=str(family),
        codec=context.name,
        width=width,
        height=height,
        seconds=round(seconds, 3),
        frames_per_second=round(mean_rate, 3),
        has_sound=sound is not None,
        size=source.stat().st_size,
    )
    return Probe(
        facts=facts,
        family=family,
        stored=(frame.width, frame.height),
        pixel_format=frame.format.name,
        start=times.first or Fraction(0),
        whole_seconds=whole,
        rate=1 / gap if gap > 0 else mean_rate,
        shape=shape,
        turn=turn,
        steady=steady,
        interlaced=frame.interlaced_frame,
        curve=CURVES.get(context.color_trc),
        colours=(context.color_primaries, context.color_trc, context.colorspace),
        sound_codec=sound.codec_context.name if sound else None,
        clean=times.clean,
        moves=len(times.shown) > 1,
        only_these_streams=len(container.streams) == 1 + (sound is not None),
        names_a_place=_names_a_place(container),
    )


def _seen_sides(frame: VideoFrame, turn: Turn, shape: Fraction) -> tuple[int, int]:
    width, height = round(frame.width * shape), frame.height
    if turn.swaps:
        width, height = height, width
    check_sides(width, height)
    return width, height


def _length(times: _Times, gap: float) -> tuple[float, float]:
    """Return the seconds from the first frame to the end of the last one, and the mean frame rate."""
    count = len(times.shown)
    seconds = max(times.last_end, times.shown[-1] + gap) - times.shown[0]
    mean_rate = count / seconds if seconds > 0 else 0.0
    if mean_rate > limits.CLIP_FRAMES_PER_SECOND and count > 1:
        raise MediaRefused(Reason.TOO_MANY_FRAMES, frames=count, limit=limits.CLIP_FRAMES)
    return seconds, mean_rate


def _rhythm(shown: list[float]) -> tuple[float, bool]:
    """Return the usual gap between frames, and whether nearly all gaps are near it.

    Single frames that a busy phone dropped do not make a video unsteady; pauses and changes of rate do.
    """
    gaps = [later - earlier for earlier, later in pairwise(shown)]
    if not gaps:
        return 0.0, True
    usual = median(gaps)
    odd = sum(1 for gap in gaps if not 0.5 * usual <= gap <= 1.6 * usual)
    return usual, odd <= 0.1 * len(gaps) and max(gaps) <= max(0.25, 3 * usual)


def _shape(ratio: Fraction | None) -> Fraction:
    """Nonsense is taken for square pixels."""
    return ratio if ratio and Fraction(1, 4) <= ratio <= 4 else Fraction(1)


def check_sides(width: int, height: int) -> None:
    """Raise `MediaRefused` with TOO_MANY_PIXELS or TOO_SMALL (width, height, limit)."""
    if width * height > limits.CLIP_PIXELS:
        raise MediaRefused(Reason.TOO_MANY_PIXELS, width=width, height=height, limit=limits.CLIP_PIXELS)
    if min(width, height) < limits.SMALLEST_USABLE_SIDE:
        raise MediaRefused(Reason.TOO_SMALL, width=width, height=height, limit=limits.SMALLEST_USABLE_SIDE)


def _names_a_place(container: InputContainer) -> bool:
    tags = [*container.metadata, *(tag for stream in container.streams for tag in stream.metadata)]
    return any(mark in tag.lower() for tag in tags for mark in _PLACE_TAGS)

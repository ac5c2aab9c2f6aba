"""A new H.264 picture for a video that cannot stay as it is, in an MP4 with its index first."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
from av.container import OutputContainer
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from media import limits
from media.animations import animation_frames
from media.errors import MediaRefused, Reason
from media.graph import RGB, FrameGraph
from media.limits import Frame
from media.opening import complaints, find_sound, find_video, opened, packets, processors, ticks
from media.probe import Probe
from media.recognise import Family
from media.sound import SoundTrack

_BT709 = (1, 1, 1)
_STUDIO_RANGE = 1
_MANY_PIXELS_A_SECOND = 30_000_000
_CONTAINER_SHARE = 0.97  # the rest of a byte limit goes to sound and index
_MOST_DAMAGED_PACKETS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How a clip is encoded: the canvas, a constant rate, the end in seconds, and bits a second.

    `picture_bits` None aims at quality (and still keeps `limits.CLIP_BYTES`); `sound_bits` None keeps AAC
    as it is.
    """

    frame: Frame
    rate: Fraction
    end: float
    picture_bits: int | None = None
    sound_bits: int | None = None


def encode_clip(source: Path, target: Path, *, probe: Probe, recipe: Recipe) -> None:
    """Write the clip; raises `MediaRefused` with BROKEN when too much of it cannot be decoded."""
    with av.open(str(target), "w", format="mp4", options={"movflags": "+faststart"}) as output:
        picture = _Picture(output, probe, recipe)
        if probe.family is Family.WEBP_ANIMATION:
            for frame in animation_frames(source):
                picture.take(frame)
            picture.finish()
        else:
            _encode_streams(source, output, picture, probe=probe, recipe=recipe)


def _encode_streams(
    source: Path, output: OutputContainer, picture: _Picture, *, probe: Probe, recipe: Recipe
) -> None:
    with opened(source) as container:
        stream = find_video(container)
        sound_source = find_sound(container)
        sound = None
        if sound_source:
            sound = SoundTrack(
                output, sound_source, start=probe.start, end=recipe.end, bits=recipe.sound_bits
            )
        damaged = 0
        for packet in packets(container, [stream, sound_source] if sound_source else [stream]):
            if packet.stream.index != stream.index:
                if sound:
                    sound.take(packet)
                continue
            if picture.complete:
                if sound is None:
                    break
                continue
            try:
                with complaints():
                    frames = stream.decode(packet)
            except MediaRefused:
                damaged += 1
                if damaged > _MOST_DAMAGED_PACKETS:
                    raise
                continue
            for frame in frames:
                picture.take(frame)
        picture.finish()
        if sound:
            sound.finish()


class _Picture:
    """The encoded picture track: takes decoded frames, writes frames at a constant rate."""

    def __init__(self, output: OutputContainer, probe: Probe, recipe: Recipe) -> None:
        self._output = output
        self._start = probe.start
        self._rate = recipe.rate
        self._graph = FrameGraph(probe, recipe.frame, rate=recipe.rate)
        self._stream = _h264(output, probe, recipe)
        self._most = max(1, math.floor(recipe.end * recipe.rate + Fraction(1, 100)))
        self._written = 0

    @property
    def complete(self) -> bool:
        return self._written >= self._most

    def take(self, frame: VideoFrame) -> None:
        if frame.pts is None or self.complete:
            return
        frame.pts -= ticks(self._start, frame.time_base)
        if frame.pts >= 0:
            self._write(self._graph.push(frame))

    def finish(self) -> None:
        if not self.complete:
            self._write(self._graph.finish())
        if not self._written:
            raise MediaRefused(Reason.BROKEN, detail="no frame can be decoded")
        self._output.mux(self._stream.encode(None))

    def _write(self, frames: Iterator[VideoFrame]) -> None:
        for frame in frames:
            if self.complete:
                return
            frame.pts, frame.time_base = self._written, 1 / self._rate
            frame.pict_type = 0  # the source's key frames are none of the encoder's business
            self._output.mux(self._stream.encode(frame))
            self._written += 1


def _h264(output: OutputContainer, probe: Probe, recipe: Recipe) -> VideoStream:
    frame, rate = recipe.frame, recipe.rate
    busy = frame.canvas_width * frame.canvas_height * rate > _MANY_PIXELS_A_SECOND
    most = int(limits.CLIP_BYTES * 8 * _CONTAINER_SHARE / max(recipe.end, 1)) - 400_000
    options = {"g": str(math.ceil(rate * 2)), "threads": str(processors())}
    if recipe.picture_bits is None:
        options |= {"preset": "superfast" if busy else "veryfast", "crf": "20" if busy else "19"}
        options |= {"maxrate": str(min(most, 40_000_000)), "bufsize": str(min(most, 40_000_000))}
    else:
        bits = recipe.picture_bits
        options |= {"preset": "veryfast", "maxrate": str(int(bits * 1.3)), "bufsize": str(bits * 2)}
    stream = output.add_stream("libx264", rate=rate, options=options)
    if recipe.picture_bits is not None:
        stream.bit_rate = recipe.picture_bits
    stream.width, stream.height, stream.pix_fmt = frame.canvas_width, frame.canvas_height, "yuv420p"
    context = stream.codec_context
    context.time_base = 1 / rate
    _tag_colours(context, probe)
    return stream


def _tag_colours(context: VideoCodecContext, probe: Probe) -> None:
    """What the graph mapped is BT.709; the rest keeps its own tags, lest players guess another matrix."""
    mapped = probe.curve is not None or probe.pixel_format.startswith(RGB)
    primaries, transfer, matrix = _BT709 if mapped else probe.colours
    context.color_primaries, context.color_trc, context.colorspace = primaries, transfer, matrix
    context.color_range = _STUDIO_RANGE

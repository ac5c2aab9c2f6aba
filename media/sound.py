"""A clip's sound on its way into the MP4: copied when it is AAC, else encoded; cut with the picture."""

from __future__ import annotations

from fractions import Fraction

import av.error
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.packet import Packet

from media.opening import ticks

BITS_PER_SECOND = 160_000
_RATES = (32_000, 44_100, 48_000)


class SoundTrack:
    """Takes the packets of one sound stream in order and writes them, moved by `start` and up to `end`."""

    def __init__(
        self,
        output: OutputContainer,
        source: AudioStream,
        *,
        start: Fraction,
        end: float,
        bits: int | None = None,
    ) -> None:
        """`start` is the second of the first picture, from which `end` counts; `bits` force encoding."""
        self._output = output
        self._start = start
        self._end = end
        self._last: int | None = None
        self._copies = source.codec_context.name == "aac" and bits is None
        if self._copies:
            self._stream = output.add_stream_from_template(source, opaque=True)
            return
        rate = source.codec_context.sample_rate
        self._stream = output.add_stream("aac", rate=rate if rate in _RATES else 48_000, layout="stereo")
        self._stream.codec_context.bit_rate = bits or BITS_PER_SECOND

    def take(self, packet: Packet) -> None:
        """Write one packet of the source; damaged ones are left out, as players do."""
        if packet.pts is None or packet.time_base is None:
            return
        if self._copies:
            self._copy(packet)
            return
        try:
            frames = packet.decode()
        except av.error.InvalidDataError:
            return
        for frame in frames:
            if isinstance(frame, AudioFrame) and frame.pts is not None:
                self._encode(frame)

    def finish(self) -> None:
        """Write what the encoder still holds."""
        if not self._copies:
            self._output.mux(self._stream.encode(None))

    def _copy(self, packet: Packet) -> None:
        assert packet.pts is not None
        moved = packet.pts - ticks(self._start, packet.time_base)
        length = packet.duration or 0
        if moved < -length or moved + length > ticks(self._end, packet.time_base):
            return
        if self._last is not None and moved <= self._last:
            return  # out of order: an MP4 cannot hold it, and players would skip it
        self._last = moved
        packet.pts = packet.dts = moved
        packet.stream = self._stream
        self._output.mux(packet)

    def _encode(self, frame: AudioFrame) -> None:
        assert frame.pts is not None
        moved = frame.pts - ticks(self._start, frame.time_base)
        if moved < 0 or moved + ticks(Fraction(frame.samples, frame.sample_rate), frame.time_base) > ticks(
            self._end, frame.time_base
        ):
            return
        frame.pts = moved
        self._output.mux(self._stream.encode(frame))

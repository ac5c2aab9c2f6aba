"""The video's sound, carried over into the clip: AAC as it is, anything else made into AAC."""

from __future__ import annotations

from collections.abc import Iterator
from types import TracebackType
from typing import Any, Self

import av

from providers.sandbox_render.probe import open_video


class Sound:
    """Muxes the sound of `video` (None: no sound) into `output`, in step with the pictures."""

    def __init__(self, video: str | None, output: av.container.OutputContainer, *, seconds: float) -> None:
        self._output = output
        self._seconds = seconds
        self._input = open_video(video) if video else None
        self._waiting: Any = None
        self._packets: Iterator[Any] = iter(())
        self.audible = False
        if self._input is not None and self._input.streams.audio:
            self.audible = True
            source = self._input.streams.audio[0]
            copied = source.codec_context.name == "aac"
            self._packets = self._copied(source) if copied else self._encoded(source)
            # Announces the stream before the header is written.
            self._waiting = next(self._packets, None)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._input is not None:
            self._input.close()

    def mux_until(self, moment: float) -> None:
        """Mux everything that sounds up to `moment` (seconds)."""
        while self._waiting is not None and self._time(self._waiting) <= moment:
            self._output.mux(self._waiting)
            self._waiting = next(self._packets, None)

    @staticmethod
    def _time(packet: Any) -> float:
        return float((packet.pts or 0) * packet.time_base)

    def _copied(self, source: Any) -> Iterator[Any]:
        target = self._output.add_stream_from_template(source)
        assert self._input is not None
        for packet in self._input.demux(source):
            if packet.dts is None:
                continue
            if self._time(packet) >= self._seconds:
                return
            packet.stream = target
            yield packet

    def _encoded(self, source: Any) -> Iterator[Any]:
        target = self._output.add_stream("aac", rate=source.codec_context.sample_rate or 48_000)
        assert self._input is not None
        for frame in self._input.decode(source):
            if frame.time is not None and frame.time >= self._seconds:
                break
            yield from target.encode(frame)
        yield from target.encode(None)

"""The way of a frame from decoder to encoder: steady in rate, upright, scaled, padded, opaque, SDR."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import av.error
from av.filter import Graph
from av.filter.context import FilterContext
from av.video.frame import VideoFrame

from media.limits import Frame
from media.probe import Probe
from media.tones import sdr_filters

BACKGROUND = "0xE6E6E6"
"""What shows through where an animation is transparent, as with pictures."""

PADDING = "0x181818"

RGB = ("rgb", "bgr", "gbr", "argb", "abgr", "0rgb", "0bgr", "pal8")
"""How the names of pixel formats without a matrix of their own begin."""
_WITH_ALPHA = ("rgba", "bgra", "argb", "abgr", "yuva", "ya", "gbrap", "pal8")


class FrameGraph:
    """FFmpeg's filters for one source; frames are pushed in and come out ready to be encoded."""

    def __init__(
        self, probe: Probe, frame: Frame, *, rate: Fraction | None, pixel_format: str = "yuv420p"
    ) -> None:
        """`rate` None keeps each frame as it comes, which is for stills."""
        self._probe = probe
        self._frame = frame
        self._rate = rate
        self._pixel_format = pixel_format
        self._graph: Graph | None = None
        self._kind = ""

    def push(self, frame: VideoFrame) -> Iterator[VideoFrame]:
        """Put a frame in, yield what is ready; `frame.pts` counts `frame.time_base` from the first frame."""
        kind = _kind_of(frame)
        if kind != self._kind:  # recordings of calls change their size as they go
            yield from self.finish()
            self._graph, self._kind = self._built(frame, kind), kind
        assert self._graph is not None
        self._graph.vpush(frame)
        yield from _ready(self._graph)

    def finish(self) -> Iterator[VideoFrame]:
        """Yield what is still inside."""
        if self._graph is not None:
            self._graph.vpush(None)
            yield from _ready(self._graph)

    def _built(self, first: VideoFrame, kind: str) -> Graph:
        graph = Graph()
        here = graph.add("buffer", kind)
        for name, options in self._filters():
            following = graph.add(name, options)
            here.link_to(following)
            here = following
        if first.format.name.startswith(_WITH_ALPHA):
            here = _flattened(graph, here)
        last = [("format", f"pix_fmts={self._pixel_format}"), ("buffersink", "")]
        if first.format.name.startswith(RGB):
            last.insert(0, ("scale", "out_color_matrix=bt709:out_range=tv"))
        for name, options in last:
            following = graph.add(name, options)
            here.link_to(following)
            here = following
        graph.configure()
        return graph

    def _filters(self) -> Iterator[tuple[str, str]]:
        """Dropping frames and pixels first makes everything behind it cheaper."""
        probe, frame = self._probe, self._frame
        if probe.interlaced:
            yield "bwdif", "mode=send_frame:deint=all"
        if self._rate is not None:
            yield "fps", f"fps={self._rate.numerator}/{self._rate.denominator}:round=near"
        width, height = (frame.height, frame.width) if probe.turn.swaps else (frame.width, frame.height)
        full_range = probe.pixel_format.startswith("yuvj")
        yield "scale", f"w={width}:h={height}:flags=bicubic{':out_range=tv' if full_range else ''}"
        if probe.curve:
            yield from sdr_filters(probe.curve)
        yield from probe.turn.filters
        if frame.padded:
            yield "pad", f"w={frame.canvas_width}:h={frame.canvas_height}:x=-1:y=-1:color={PADDING}"
        yield "setsar", "sar=1"


def _ready(graph: Graph) -> Iterator[VideoFrame]:
    while True:
        try:
            yield graph.vpull()
        except (av.error.BlockingIOError, av.error.EOFError):
            return


def _kind_of(frame: VideoFrame) -> str:
    """Matrix and range belong to it: FFmpeg converts every frame that names one which the graph does not."""
    return (
        f"video_size={frame.width}x{frame.height}:pix_fmt={frame.format.name}:pixel_aspect=1/1"
        f":time_base={frame.time_base}:colorspace={int(frame.colorspace)}:range={int(frame.color_range)}"
    )


def _flattened(graph: Graph, here: FilterContext) -> FilterContext:
    """Lay the frames over a plain ground that has their own times."""
    fork, overlay = graph.add("split"), graph.add("overlay", "format=rgb")
    ground = graph.add("drawbox", f"color={BACKGROUND}@1:t=fill:replace=1")
    here.link_to(fork)
    fork.link_to(ground, 0, 0)
    ground.link_to(overlay, 0, 0)
    fork.link_to(overlay, 1, 1)
    return overlay

"""How FFmpeg is let near a stranger's file: one demuxer, known decoders, this file and no other.

The demuxer is named by the file's content, so a playlist in disguise is never read as one; the protocol and
codec lists hold even if a container asks for something else.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import TypeVar

import av
import av.error
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.packet import Packet
from av.stream import Disposition
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from media import limits
from media.errors import MediaRefused, Reason
from media.facts import Kind
from media.recognise import Family, family_of

VIDEO_CODECS = frozenset(
    {
        "h264", "hevc", "vp8", "vp9", "libvpx", "libvpx-vp9", "av1", "libdav1d", "libaom-av1", "mpeg4",
        "mpeg2video", "mpeg1video", "h263", "mjpeg", "prores", "dnxhd", "theora", "gif", "dvvideo", "png",
    }
)  # fmt: skip
SOUND_CODECS = frozenset(
    {
        "aac", "mp3", "mp3float", "mp2", "opus", "libopus", "vorbis", "flac", "alac", "ac3", "eac3", "amrnb",
        "amrwb", "pcm_s16le", "pcm_s16be", "pcm_s24le", "pcm_s24be", "pcm_s32le", "pcm_s32be", "pcm_f32le",
        "pcm_f32be", "pcm_u8", "pcm_s8", "pcm_mulaw", "pcm_alaw", "adpcm_ima_qt", "dca",
    }
)  # fmt: skip

_GIF_SHORTEST, _GIF_USUAL = 2, 10  # in 1/100 s; browsers show what is shorter as if it were the usual
_DEMUXERS = {Family.MP4: "mov", Family.MOV: "mov", Family.MATROSKA: "matroska", Family.GIF: "gif"}
T = TypeVar("T")

_OUR_OWN_TROUBLE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EACCES, errno.EROFS, errno.ENOENT}
_HEADER_PIXELS = 200_000_000  # what FFmpeg may look at while it finds out what `limits.CLIP_PIXELS` refuses


@contextmanager
def opened(source: Path) -> Iterator[InputContainer]:
    """Open a video file; raises `MediaRefused` with NOT_A_VIDEO or BROKEN."""
    family = family_of(source)
    if family.kind not in {Kind.VIDEO, Kind.EITHER} or family not in _DEMUXERS:
        raise MediaRefused(Reason.NOT_A_VIDEO)
    options = {
        "protocol_whitelist": "file",
        "format_whitelist": "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,gif",
        "codec_whitelist": ",".join(sorted(VIDEO_CODECS | SOUND_CODECS)),
        "max_pixels": str(_HEADER_PIXELS),
    }
    with complaints():
        container = av.open(f"file:{source.resolve()}", format=_DEMUXERS[family], options=options)
    with container:
        yield container


@contextmanager
def complaints() -> Iterator[None]:
    """Turn what FFmpeg says about a damaged file into BROKEN; want of memory or disk stays what it is."""
    try:
        yield
    except av.error.MemoryError as error:
        raise MemoryError(str(error)) from error
    except (av.error.FFmpegError, UnicodeDecodeError) as error:
        if getattr(error, "errno", None) in _OUR_OWN_TROUBLE:
            raise
        raise MediaRefused(Reason.BROKEN, detail=f"{type(error).__name__}: {error}"[:200]) from error


def find_video(container: InputContainer, *, threads: int | None = None) -> VideoStream:
    """Return the largest moving picture, which an attached cover is not.

    It is decoded by so many threads; by as many as are good for a whole film if nothing is said.

    Raises `MediaRefused` with NO_VIDEO_STREAM, TOO_MANY_PIXELS, TOO_MANY_FRAMES or BROKEN by what the
    headers claim, before anything is decoded.
    """
    streams = [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]
    if not streams:
        raise MediaRefused(Reason.NO_VIDEO_STREAM)
    readable = [s for s in streams if s.codec_context and s.codec_context.name in VIDEO_CODECS]
    if not readable:
        raise MediaRefused(Reason.BROKEN, detail="no decoder for this video format")
    stream = max(readable, key=lambda s: s.codec_context.width * s.codec_context.height)
    width, height = stream.codec_context.width, stream.codec_context.height
    if width * height > limits.CLIP_PIXELS:
        raise MediaRefused(Reason.TOO_MANY_PIXELS, width=width, height=height, limit=limits.CLIP_PIXELS)
    if stream.frames > limits.CLIP_FRAMES:
        raise MediaRefused(Reason.TOO_MANY_FRAMES, frames=stream.frames, limit=limits.CLIP_FRAMES)
    if not width or not height or stream.time_base is None:
        raise MediaRefused(Reason.BROKEN, detail="the video has no size")
    stream.codec_context.options = {"max_pixels": str(limits.CLIP_PIXELS)}
    stream.thread_type = "AUTO"
    stream.codec_context.thread_count = threads or processors()
    return stream


def find_sound(container: InputContainer) -> AudioStream | None:
    """Return the first sound that we can read; phones add tracks in formats of their own beside it."""
    streams = container.streams.audio
    return next((s for s in streams if s.codec_context and s.codec_context.name in SOUND_CODECS), None)


def processors() -> int:
    """How many threads a codec may use; more than four cost memory and gain little."""
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(available, 4)


def packets(container: InputContainer, streams: list[VideoStream | AudioStream]) -> Iterator[Packet]:
    """Yield the packets of these streams in file order, a GIF's with the times that browsers give them.

    Raises `MediaRefused` with BROKEN.
    """
    is_gif, clock = container.format.name == "gif", 0
    for packet in _watched(container.demux(streams)):
        if is_gif and packet.size:
            if (packet.duration or 0) < _GIF_SHORTEST:
                packet.duration = _GIF_USUAL
            packet.pts = packet.dts = clock
            clock += packet.duration or 0
        yield packet


def frames(container: InputContainer, stream: VideoStream) -> Iterator[VideoFrame]:
    """Decode from where the container stands; raises `MediaRefused` with BROKEN."""
    return _watched(container.decode(stream))


def _watched(items: Iterator[T]) -> Iterator[T]:
    with complaints():
        yield from items


def ticks(seconds: Fraction | float, time_base: Fraction | None) -> int:
    """Return a moment in units of a stream's time base, which every stream with packets has."""
    assert time_base is not None
    return round(seconds / time_base)

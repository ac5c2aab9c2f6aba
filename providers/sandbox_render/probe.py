"""What the two inputs are, by their content: format, pixels, seconds."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import av
from PIL import Image, UnidentifiedImageError

# Nothing else is even tried: a playlist or a script in disguise must not be read as what it is.
PICTURE_FORMATS = ("JPEG", "PNG")
VIDEO_FORMAT = "mp4"


def open_video(path: str) -> av.container.InputContainer:
    """Open an MP4 or MOV, and nothing else. Raises `av.FFmpegError`."""
    return av.open(path, format=VIDEO_FORMAT)


def probe(image: str, video: str) -> dict[str, Any]:
    """Return `{"picture": {...} | None, "video": {...} | None}`; None for what cannot be read."""
    return {"picture": _picture(image), "video": _video(video)}


def _picture(path: str) -> dict[str, Any] | None:
    try:
        with Image.open(path, formats=PICTURE_FORMATS) as picture:
            picture.load()
            return {"format": picture.format, "width": picture.width, "height": picture.height}
    except (UnidentifiedImageError, OSError, SyntaxError, Image.DecompressionBombError):
        return None


def _video(path: str) -> dict[str, Any] | None:
    try:
        with open_video(path) as container:
            if not container.streams.video:
                return None
            stream = container.streams.video[0]
            frame = next(container.decode(stream), None)
            if frame is None:
                return None
            width, height = frame.width, frame.height
            if frame.rotation % 180:
                width, height = height, width
            return {
                "codec": stream.codec_context.name,
                "width": width,
                "height": height,
                "seconds": round(_seconds(container, stream), 3),
                "has_sound": bool(container.streams.audio),
                "size": Path(path).stat().st_size,
            }
    except (av.FFmpegError, OSError):
        return None


def _seconds(container: av.container.InputContainer, stream: av.VideoStream) -> float:
    """The pictures' length; the container's is often longer by a scrap of sound."""
    if stream.duration and stream.time_base:
        return float(stream.duration * stream.time_base)
    if container.duration:
        return container.duration / av.time_base
    return math.nan

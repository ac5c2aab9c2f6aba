"""What the two inputs are, by their content: format, pixels, seconds."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import av
from PIL import Image, UnidentifiedImageError


def probe(image: str, video: str) -> dict[str, Any]:
    """Return `{"picture": {...} | None, "video": {...} | None}`; None for what cannot be read."""
    return {"picture": _picture(image), "video": _video(video)}


def _picture(path: str) -> dict[str, Any] | None:
    try:
        with Image.open(path) as picture:
            picture.load()
            return {"format": picture.format, "width": picture.width, "height": picture.height}
    except (UnidentifiedImageError, OSError, SyntaxError, Image.DecompressionBombError):
        return None


def _video(path: str) -> dict[str, Any] | None:
    try:
        with av.open(path) as container:
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
                "format": container.format.name,
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

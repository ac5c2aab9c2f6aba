"""What is known of a finished clip: where its files are, and what they hold."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Clip:
    """The finished result in our storage; `source_url` is where the provider keeps it.

    What the picture check `found` has it covered. `plays_everywhere`: False for what some phones and browsers
    cannot show, such as HEVC; then there is a copy that all can show (`playable_key`), unless none could be
    made. `content_type` is the result's own.
    """

    key: str
    size: int
    seconds: float
    width: int
    height: int
    has_sound: bool
    source_url: str
    found: str | None = None
    plays_everywhere: bool = True
    content_type: str = "video/mp4"
    playable_key: str | None = None
    playable_size: int = 0


_CONTENT_TYPES = {
    "MP4": "video/mp4",
    "MOV": "video/quicktime",
    "GIF": "image/gif",
    "WEBP": "image/webp",
}


def content_type_of(container: str, coding: str) -> str:
    """What browsers call a file; `container` and `coding` are the media room's `format` and `codec`."""
    if container == "MATROSKA":
        # WebM is Matroska with the open codings only.
        return "video/x-matroska" if coding in {"h264", "hevc"} else "video/webm"
    return _CONTENT_TYPES.get(container, "application/octet-stream")

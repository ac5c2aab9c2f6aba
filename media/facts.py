"""The values that the media room speaks in: what a file is, and what was made of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path


class Kind(StrEnum):
    """What a file is by its content, whatever it is called; a GIF or WebP may be either."""

    PICTURE = "picture"
    VIDEO = "video"
    EITHER = "either"
    NEITHER = "neither"


class Change(StrEnum):
    """What was done to an input, where the member should be told."""

    CONVERTED = "converted"
    TRIMMED = "trimmed"
    SCALED_DOWN = "scaled_down"
    SCALED_UP = "scaled_up"
    PADDED = "padded"
    FLATTENED = "flattened"
    FIRST_FRAME = "first_frame"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One bar of a chart: `fraction` of it is filled, `figure` says it in words."""

    label: str
    figure: str
    fraction: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Sign:
    """What is looked for: the model's `label`, how we call it, and from which score (0 to 1) on it counts."""

    label: str
    part: str
    least: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """What was seen in `frames` pictures: the surest `part`, and the number of the file that shows it.

    `part` None: nothing of what was looked for.
    """

    frames: int = 0
    source: int | None = None
    part: str | None = None
    score: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureFacts:
    """A picture as it will be shown (after EXIF rotation): pixels and bytes."""

    format: str
    width: int
    height: int
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipFacts:
    """A video as it will be played (after rotation metadata): pixels, seconds, frames a second, bytes.

    `plays_everywhere`: every phone and browser of the last years can show it.
    """

    format: str
    codec: str
    width: int
    height: int
    seconds: float
    frames_per_second: float
    has_sound: bool
    size: int
    plays_everywhere: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedPicture:
    """A picture made ready: what came in, what went out, what was changed."""

    before: PictureFacts
    after: PictureFacts
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedClip:
    """A video made ready; `reencoded` False means that the picture data is the member's own, untouched."""

    before: ClipFacts
    after: ClipFacts
    changes: tuple[Change, ...]
    reencoded: bool


@dataclass(frozen=True, slots=True)
class Making:
    """A file that is made ready: where it is, where it goes, and where its small picture goes."""

    source: Path
    target: Path
    small: Path

    def named(self, small: str) -> dict[str, str]:
        paths = {"source": self.source, "target": self.target, small: self.small}
        return {name: str(path.absolute()) for name, path in paths.items()}

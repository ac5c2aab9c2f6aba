"""What a motion is, and what it may be called."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from datetime import datetime

from studio.errors import OrderRefused
from studio.models import SourceFile

LONGEST_NAME = 40
LONGEST_TAG = 20
MOST_TAGS = 5

_TOLERANCE_SECONDS = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """One normalised file of a motion, as the provider takes it."""

    key: str
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """A motion's files by their keys; `cuts` has the whole one first, then shorter ones."""

    cuts: tuple[Cut, ...]
    thumbnail_key: str
    preview_key: str
    width: int
    height: int
    has_sound: bool

    @property
    def seconds(self) -> float:
        return self.cuts[0].seconds

    def within(self, longest: float) -> Cut | None:
        """The longest file of at most so many seconds, if there is one."""
        return next((cut for cut in self.cuts if cut.seconds <= longest + _TOLERANCE_SECONDS), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Motion:
    """One motion of a server's library. `added_by` is negative for a member who is forgotten."""

    id: str
    guild_id: int
    name: str
    tags: tuple[str, ...]
    added_by: int
    added_at: datetime
    content: Content
    size: int
    used: int = 0
    last_used_at: datetime | None = None

    def as_source(self) -> SourceFile:
        """The motion as an order names it, in the video's stead."""
        return SourceFile(
            url="", filename=self.name, size=self.size, content_type="video/mp4", motion_id=self.id
        )


def folder_of(motion_id: str) -> str:
    """Below which all files of the motion are stored."""
    return f"motions/{motion_id}"


def checked_name(given: str) -> str:
    """The name as it is shown. Raises `OrderRefused` for one that cannot be read or is too long."""
    name = _plain(given)
    if not name or len(name) > LONGEST_NAME:
        raise OrderRefused("motion_name_unusable", limit=LONGEST_NAME)
    return name


def folded(name: str) -> str:
    """The name as it is compared: nobody should have to think of capitals, or of how a letter is built."""
    return unicodedata.normalize("NFKC", _plain(name)).casefold()


def checked_tags(given: str) -> tuple[str, ...]:
    """The tags in a text, with commas or spaces between them. Raises `OrderRefused` for too many or long."""
    written = (tag.lstrip("#").casefold() for tag in _plain(given.replace(",", " ")).split())
    tags = tuple(dict.fromkeys(tag for tag in written if tag))
    if len(tags) > MOST_TAGS or any(len(tag) > LONGEST_TAG for tag in tags):
        raise OrderRefused("motion_tags_unusable", limit=MOST_TAGS, longest=LONGEST_TAG)
    return tags


def _plain(text: str) -> str:
    """On one line, without what cannot be seen."""
    seen = (" " if char.isspace() else char for char in text if char.isprintable() or char.isspace())
    return " ".join("".join(seen).split())

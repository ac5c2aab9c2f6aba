"""The values that the studio works with: orders, jobs and what becomes of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from studio.cancels import Cancel as Cancel
from studio.cancels import CancelAnswer as CancelAnswer
from studio.clips import Clip as Clip
from studio.lineage import Parent
from studio.places import Place as Place


class JobState(StrEnum):
    """Where a job stands; the allowed moves between states are in `studio.jobs`."""

    RECEIVED = "received"
    PREPARING = "preparing"
    PENDING_APPROVAL = "pending_approval"
    QUEUED = "queued"
    SUBMITTING = "submitting"
    UNKNOWN = "unknown"
    RENDERING = "rendering"
    FETCHING = "fetching"
    DELIVERING = "delivering"
    DELIVERED = "delivered"
    FAILED = "failed"
    CANCELLED = "cancelled"
    REFUSED = "refused"
    EXPIRED = "expired"

    @property
    def ended(self) -> bool:
        return self in ENDED


ENDED = frozenset(
    {JobState.DELIVERED, JobState.FAILED, JobState.CANCELLED, JobState.REFUSED, JobState.EXPIRED}
)


class Orientation(StrEnum):
    """Which input decides how the character faces (`character_orientation` at the provider)."""

    VIDEO = "video"
    IMAGE = "image"

    @property
    def longest_seconds(self) -> float:
        """How long the reference video may be; the limits are in `provider.md`, section 5."""
        return 30.0 if self is Orientation.VIDEO else 10.0


class ShotType(StrEnum):
    CUSTOMIZE = "customize"
    INTELLIGENT = "intelligent"


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file as a member attached it; nothing about it has been checked yet except by Discord.

    `size` is in bytes as Discord states it. `motion_id`: no file of the member's, but that motion of the
    server's library, without a `url` and with the motion's name for a `filename`. `kept`: the storage key
    of a file that an earlier order has left.
    """

    url: str
    filename: str
    size: int
    content_type: str | None = None
    motion_id: str | None = None
    kept: str | None = None


def looks_swapped(picture: SourceFile, video: SourceFile) -> bool:
    """Whether Discord's own idea of the types says that the two files are the wrong way round."""
    return (picture.content_type or "").startswith("video/") and (video.content_type or "").startswith(
        "image/"
    )


HABITS = ("orientation", "keep_sound", "shot_type")
"""The wishes that a member who leaves them out gets as last time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What the member asked for beyond the two files; `orientation` None = by the clip's length.

    `notify`: mention them in the message that says how it ended. `spoiler`: it is to be covered. `adult`:
    asked for where only adults are let in. `left_out`: which of the wishes were not chosen, and get what the
    member chose last time when the order is recorded; `as_last_time` are those that got it.
    """

    prompt: str = ""
    negative_prompt: str = ""
    orientation: Orientation | None = None
    keep_sound: bool = True
    shot_type: ShotType = ShotType.CUSTOMIZE
    notify: bool = True
    spoiler: bool = False
    adult: bool = False
    left_out: tuple[str, ...] = ()
    as_last_time: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Member:
    """Who ordered; `role_ids` are the roles at that moment, the server's own (@everyone) left out."""

    id: int
    name: str
    role_ids: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One member's wish for one clip, at the moment it was accepted.

    `overruled`: a moderator let it pass the server's own limits. `priority`: the higher, the earlier in the
    server's own queue. `parent`: the clip of which it is another version.
    """

    job_id: str
    member: Member
    place: Place
    picture: SourceFile
    video: SourceFile
    wishes: Wishes
    ordered_at: datetime
    overruled: bool = False
    priority: int = 0
    parent: Parent | None = None


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that the member should know of how the inputs were changed, as a text code."""

    code: str
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """The two files once they are ours: storage keys, and what the provider will be sent.

    `seconds` is the length of the prepared video, `found` what the picture check saw (`moderation.findings`).
    """

    picture_key: str
    video_key: str
    picture_thumbnail_key: str
    video_thumbnail_key: str
    seconds: float
    has_sound: bool
    orientation: Orientation
    notices: tuple[Notice, ...] = ()
    found: str | None = None


@dataclass(frozen=True, slots=True)
class Ending:
    """Why a job did not end in a clip: a text code with its facts, and what it cost in the end."""

    code: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    cost_usd_micros: int = 0


CAN_ASK = "can_ask"  # among an ending's facts: a petition with the job's id waits for its member's press
TAKEN_DOWN = "taken_down"  # how a clip ends that is removed for good, before or after it was posted


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One row of the jobs table, the truth about one order.

    Money is in `usd_micros`, millionths of a dollar. `progress` is in permille and never falls.
    `closed_at` is set when the ended job has been told, tidied and needs no more work. `counts`: the clip
    counts in the shares of its member and server; `removed_at`: it was taken down; `purged_at`: its files
    were deleted.
    """

    order: Order
    state: JobState
    version: int
    state_since: datetime
    wake_at: datetime | None = None
    inputs: Inputs | None = None
    held_usd_micros: int | None = None
    cost_usd_micros: int | None = None
    provider_job_id: str | None = None
    submitted_at: datetime | None = None
    expected_at: datetime | None = None
    rendered_at: datetime | None = None
    source_url: str | None = None
    clip: Clip | None = None
    ending: Ending | None = None
    progress: int = 0
    tries: int = 0
    cancel: Cancel = Cancel.NONE
    closed_at: datetime | None = None
    counts: bool = True
    removed_at: datetime | None = None
    purged_at: datetime | None = None

    @property
    def id(self) -> str:
        return self.order.job_id

    @property
    def place(self) -> Place:
        return self.order.place

    @property
    def price_usd_micros(self) -> int | None:
        """The best figure known: what was charged, else what is held for it."""
        return self.cost_usd_micros if self.cost_usd_micros is not None else self.held_usd_micros


class Stage(StrEnum):
    """What a member sees of a job's state on the status card."""

    CHECKING = "checking"
    ASKING = "asking"
    QUEUED = "queued"
    RENDERING = "rendering"
    FETCHING = "fetching"
    POSTING = "posting"
    DONE = "done"
    ENDED = "ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """What the status card shows; `fraction` is 0 to 1, reaches 1 only with the clip, never falls.

    `waiting_for` is a text code that says what holds the job up (`waiting_for_operator`), if anything does.
    `starts_at` is when a waiting job should begin to render, as far as that can be known.
    """

    stage: Stage
    fraction: float
    started_at: datetime
    expected_at: datetime | None = None
    starts_at: datetime | None = None
    position: int | None = None
    price_usd_micros: int | None = None
    can_cancel: bool = False
    waiting_for: str | None = None
    elapsed_seconds: float = 0.0
    notices: tuple[Notice, ...] = ()

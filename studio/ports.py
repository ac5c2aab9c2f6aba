"""What the studio asks of the world outside: protocols that the other rooms satisfy."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from studio.languages.tongues import Language
from studio.models import Clip, Ending, Job, Orientation, Place, Progress, ShotType, SourceFile
from studio.moderation.questions import Exhibit, Question

if TYPE_CHECKING:
    # It reads the database, which who merely provides a port need not load.
    from studio.moderation.reports import Report
    from studio.results.copies import Copy

Clock = Callable[[], datetime]
"""Returns the present moment, timezone-aware, in UTC."""


# ── the provider ────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderRequest:
    """What is submitted; the URLs come from `Provider.upload`. `webhook_url` None = polling only."""

    image_url: str
    video_url: str
    prompt: str
    negative_prompt: str
    orientation: Orientation
    keep_sound: bool
    shot_type: ShotType
    webhook_url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """The provider's answer to an accepted submit."""

    provider_job_id: str
    cost_usd_micros: int | None
    expected_at: datetime | None
    request_id: str | None


class RemoteState(StrEnum):
    PENDING = "pending"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class RemoteFailure:
    """`text_code` is the sentence for the member, `reason` the provider's own words for the log."""

    text_code: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteJob:
    """One render as the provider sees it now; `output_url` is the video, once there is one."""

    provider_job_id: str
    state: RemoteState
    output_url: str | None = None
    failure: RemoteFailure | None = None
    created_at: datetime | None = None
    completed_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteListing:
    """One line of the provider's job list; `model` is its slug."""

    provider_job_id: str
    state: RemoteState
    model: str | None
    created_at: datetime | None


class Provider(Protocol):
    """Who renders. Every method raises the `ProviderError` leaves of `studio.errors`."""

    async def estimate(self, request: RenderRequest, *, seconds: float) -> int | None:
        """Return the price in usd_micros, or None when the provider does not say.

        Creates nothing, charges nothing and may be repeated.
        """

    async def upload(self, path: Path, *, content_type: str, careful: bool = False) -> str:
        """Hand the file to the provider and return its URL, readable for an hour.

        `careful`: make sure that it can be read there, even if nothing makes that doubtful.
        """

    async def submit(self, request: RenderRequest) -> Submission:
        """Order the render, which charges for it. Never repeated here.

        Raises `SubmitUnclear` whenever it may have been accepted; any other error means that it was not.
        """

    async def status(self, provider_job_id: str) -> RemoteJob:
        """Read one render."""

    def recent(self) -> AsyncIterator[RemoteListing]:
        """Iterate over the account's renders with our model, each once, newest first, until exhausted."""

    async def cancel(self, provider_job_id: str) -> int | None:
        """Cancel a pending render and return the refund in usd_micros, None if it is not stated."""

    async def download(self, url: str, target: Path) -> int:
        """Stream a finished result to `target`, resuming what is there already; return its bytes.

        Raises the `FetchFailed` leaves.
        """


# ── Discord ─────────────────────────────────────────────────────────────────────────────────────


class Desk(Protocol):
    """Where members see their job. Every method may be repeated without harm.

    Raises `DeskGone` (stop trying here) or `DeskUnavailable` (try later).
    """

    async def open(self, job: Job, progress: Progress) -> Place:
        """Open the thread (or settle for the channel), post the status card, return where it all is.

        When `place.answer_id` is missing the answer is looked for by the interaction token first; raises
        `DeskGone` when there never was one.
        """

    async def illustrate(self, job: Job, progress: Progress, picture: Path, video: Path) -> None:
        """Put the two thumbnails (small JPEGs) on the card."""

    async def show(self, job: Job, progress: Progress, *, urgent: bool) -> bool:
        """Bring the card up to date; when not urgent it may be dropped under load, which returns False."""

    async def deliver(self, job: Job, clip: Clip, file: Path | None, *, first: bool = False) -> int:
        """Post the one completion message and return its id; `file` None = the link only.

        Looks for an earlier try's message first, unless this is known to be the `first`.
        Raises `ClipTooLarge` when the place takes less.
        """

    async def report(self, job: Job, ending: Ending) -> int:
        """Post the one message that says why there is no clip, and return its id."""

    def landed_in(self, job: Job) -> int | None:
        """The channel or thread of the outcome that this process has just posted or found."""

    async def correct(self, job: Job, ending: Ending) -> None:
        """Have the report that was posted say what is known now."""

    async def conclude(self, job: Job, progress: Progress) -> None:
        """Bring card and answer to their final form, linking to the outcome."""

    async def erase(self, job: Job) -> None:
        """Take away what shows the clip, its picture or its video, also what an earlier try has posted."""

    async def show_copy(
        self, job: Job, copy: Copy, file: Path | None, *, covered: bool, begun: bool = False
    ) -> int:
        """Post the clip in `copy.channel_id` without ringing anybody, and return the message's id.

        `file` None = the link only. Looks for an earlier try's message first when it was `begun` before.
        Raises `ClipTooLarge` when the place takes less.
        """

    async def has_copy(self, copy: Copy) -> bool:
        """Whether the copy's message still stands."""

    async def erase_copy(self, copy: Copy) -> None:
        """Take the copy away, also one of which nobody knows whether it was posted."""

    async def show_report(self, report: Report, job: Job, channel_id: int) -> int:
        """Ask moderators there to decide, unless an earlier try has; return the message's id."""

    async def settle_report(self, report: Report, job: Job) -> None:
        """Have the report's message say what was decided, without buttons."""

    async def ask_member(self, job: Job, question: Question) -> int:
        """Ask the member, in the conversation, for a yes to the price on hold; return the message's id."""

    async def ask_moderators(self, job: Job, question: Question, exhibit: Exhibit) -> int:
        """Ask in `question.channel_id`; looks for an earlier try's message first. Return the message's id.

        Raises `ClipTooLarge` when the place takes less than the exhibit's files.
        """

    async def still_asks(self, question: Question) -> bool:
        """Whether the question's message still stands."""

    async def show_answer(self, job: Job, question: Question) -> None:
        """Have the question's message show how it was answered, without buttons and files."""


class Operator(Protocol):
    """Who runs the bot; told of what only they can mend."""

    async def alarm(self, subject: str, text: str) -> None:
        """Tell the operator once for each subject until it is cleared."""

    async def clear(self, subject: str) -> None:
        """The matter is settled: the next alarm about it is news again."""


# ── moderators ──────────────────────────────────────────────────────────────────────────────────


class Herald(Protocol):
    """Who writes to a server's moderators. Raises `DeskGone` or `DeskUnavailable`."""

    async def language_of(self, guild_id: int) -> Language:
        """What the server is spoken to; never fails."""

    async def post(self, guild_id: int, channel_id: int, text: str, *, nonce: str) -> None:
        """Post in the log channel without ringing anybody; the same nonce is posted once."""

    async def warn(self, guild_id: int, actor_id: int | None, text: str) -> None:
        """Tell somebody who can mend it: where the server shows its notices, else the actor, else the owner.

        Raises `DeskGone` when nobody can be reached.
        """


# ── files ───────────────────────────────────────────────────────────────────────────────────────


class Storage(Protocol):
    """Files by key (`jobs/<id>/picture.jpg`), on a local folder or in a bucket."""

    async def put(self, key: str, path: Path) -> None:
        """Move or copy a local file into storage; it appears whole or not at all. `path` is consumed."""

    async def put_all(self, prefix: str, workspace: Path) -> None:
        """Do the same with every file of a workspace, which may not be written to any more."""

    def checkout(self, key: str) -> AbstractAsyncContextManager[Path]:
        """Give a local path to read from while the context lasts. Raises FileNotFoundError."""

    def checkout_all(self, *keys: str) -> AbstractAsyncContextManager[tuple[Path, ...]]:
        """The same for several keys, at the cost of one."""

    async def read(self, key: str, start: int, stop: int) -> bytes:
        """Return the bytes from `start` up to, not including, `stop`. Raises FileNotFoundError."""

    async def delete_tree(self, prefix: str) -> None:
        """Delete everything below `prefix`; no error if there is nothing."""

    async def keys(self, prefix: str) -> Sequence[str]:
        """List the keys below `prefix`."""

    def workspace(self) -> AbstractAsyncContextManager[Path]:
        """Give an empty local folder that is deleted afterwards, on the same disk as local storage."""

    async def sweep(self) -> None:
        """Delete the workspaces of processes that are no more; those of living ones stay."""


class AttachmentSource(Protocol):
    """Fetches what members attach."""

    async def fetch(self, source: SourceFile, target: Path, *, max_bytes: int) -> int:
        """Stream the file to `target` and return its bytes. Raises the `FetchFailed` leaves."""


# ── waking ──────────────────────────────────────────────────────────────────────────────────────


class Advance(Protocol):
    """Carries a job on; `news`: the provider seems to have something to tell of its render."""

    def __call__(self, job_id: str, /, *, news: bool) -> Coroutine[None, None, None]: ...


class Dispatcher(Protocol):
    """Has jobs advanced, soon or later, one at a time for each job."""

    def wake(self, job_id: str, *, after_seconds: float = 0.0, news: bool = False) -> None:
        """Have `Advance` run; a job that is being advanced runs once more afterwards.

        `news` is not lost to other wake-ups of the job, whichever of them comes first.
        """

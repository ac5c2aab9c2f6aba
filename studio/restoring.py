"""What may go on after a restore: no order that may have been sent to the provider since the backup."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from studio import attempts, jobs
from studio.attempts import AttemptState
from studio.database import Database
from studio.endings import end_within
from studio.models import Ending, JobState
from studio.ports import RemoteListing

CLOCK_SLACK = timedelta(minutes=11)
"""How far the provider's clock may be behind ours; as in `studio.candidates`."""

FRESH = timedelta(minutes=15)
"""How old a backup may be for its waiting orders to go on: what their members did since is not in it."""

NOT_ORDERED = (
    JobState.RECEIVED,
    JobState.PREPARING,
    JobState.PENDING_APPROVAL,
    JobState.QUEUED,
    JobState.SUBMITTING,
    JobState.UNKNOWN,
)
"""States in which the backup does not know of a render."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of the restored orders.

    `strangers` are renders at the provider since the backup that no order in it is known to own; they were
    charged, and the ledger does not have them.
    """

    going_on: int
    given_up: int
    strangers: tuple[str, ...]


async def settle(
    database: Database,
    recent: Callable[[], AsyncIterator[RemoteListing]],
    *,
    made_at: datetime,
    now: datetime,
) -> Verdict:
    """Compare the restored database with the provider's list, before the bot is started.

    Orders that the backup has as not yet sent go on only if nothing was sent since, and if the backup is
    fresh; otherwise they end as interrupted: the provider's list does not say whose render is whose, so
    sending such an order could charge it twice, and adopting a render could show it to the wrong member.
    Raises `ProviderError` when the list cannot be read; then nothing was changed.
    """
    async with database.read() as connection:
        waiting = await jobs.in_states(connection, NOT_ORDERED)
    unexplained = [made_at]
    for job in waiting:
        async with database.read() as connection:
            attempt = await attempts.unexplained_of(connection, job.id)
        if attempt is not None:
            unexplained.append(attempt.created_at)
    strangers = await _strangers(database, recent, since=min(unexplained) - CLOCK_SLACK)
    if not strangers and now - made_at <= FRESH:
        return Verdict(len(waiting), 0, ())
    async with database.write() as connection:
        for job in waiting:
            attempt = await attempts.unexplained_of(connection, job.id)
            if attempt is not None:
                await attempts.finish(
                    connection,
                    attempt.token,
                    AttemptState.ABANDONED,
                    reason="restored from a backup",
                    now=now,
                )
            await end_within(connection, job, JobState.EXPIRED, Ending("interrupted"), now=now)
    return Verdict(0, len(waiting), strangers)


async def _strangers(
    database: Database, recent: Callable[[], AsyncIterator[RemoteListing]], *, since: datetime
) -> tuple[str, ...]:
    found = [
        listing.provider_job_id
        async for listing in recent()
        if listing.created_at is None or listing.created_at >= since
    ]
    async with database.read() as connection:
        owned = await attempts.owned_among(connection, found)
    return tuple(sorted(set(found) - owned))

"""Which renders in the provider's list a submit may have created whose answer was lost."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from studio import attempts
from studio.attempts import Attempt
from studio.equipment import Equipment
from studio.ports import RemoteListing

UNKNOWN_SKEW = timedelta(minutes=11)
"""How far the provider's clock is believed to be off as long as no render of ours has shown it."""

GRAIN = timedelta(seconds=1)
"""The provider may state whole seconds."""

LATEST = timedelta(minutes=5)
"""How long after our attempt the provider may say that its job was created."""

ENOUGH_OLD_ONES = 100
"""After so many renders in a row that are too old, the rest of a newest-first list is too."""


@dataclass(frozen=True, slots=True)
class Candidates:
    """Ids of renders that are nobody's.

    `likely` were created at the attempt's time by what is known of the provider's clock, `possible` are
    those and all that may have been if one of the clocks was set since.
    """

    likely: tuple[str, ...]
    possible: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Window:
    """When the provider may say that the lost render was created."""

    earliest: datetime
    latest: datetime

    def has(self, moment: datetime | None) -> bool:
        return moment is None or self.earliest <= moment <= self.latest


async def look_for(equipment: Equipment, attempt: Attempt) -> Candidates:
    """Read the whole list for the attempt. Raises `ProviderError` when it cannot be read."""
    # Our clock may have been ahead then, and put right since.
    began = min(attempt.created_at, equipment.clock())
    listed = await listed_since(equipment, began - UNKNOWN_SKEW)
    async with equipment.database.read() as connection:
        return await among(connection, attempt, listed, began=began)


async def among(
    connection: AsyncConnection, attempt: Attempt, listed: list[RemoteListing], *, began: datetime
) -> Candidates:
    """Tell which of the renders the attempt may have created that `began` then at the earliest."""
    earliest = began - UNKNOWN_SKEW - GRAIN
    ids = [item.provider_job_id for item in listed]
    known = await attempts.accepted_among(connection, ids)
    owned = await attempts.owned_among(connection, ids, but=attempt.token)
    window = _window(attempt, known, listed)
    unowned = [item for item in listed if item.provider_job_id not in owned]
    return Candidates(
        likely=tuple(item.provider_job_id for item in unowned if window.has(item.created_at)),
        # No later bound: our own clock may have lagged by hours, as that of a suspended machine does.
        possible=tuple(
            item.provider_job_id for item in unowned if item.created_at is None or item.created_at >= earliest
        ),
    )


def is_near(attempt: Attempt, item: RemoteListing) -> bool:
    """Whether a render is of the attempt's time, give or take what clocks may be off by."""
    created = item.created_at
    return created is not None and abs(created - attempt.created_at) <= UNKNOWN_SKEW + LATEST


async def listed_since(equipment: Equipment, moment: datetime) -> list[RemoteListing]:
    """Read what the provider lists since then, and a little before. Raises `ProviderError`."""
    earliest = moment - LATEST
    listed: list[RemoteListing] = []
    too_old = 0
    async for listing in equipment.provider.recent():
        if listing.created_at is not None and listing.created_at < earliest:
            too_old += 1
            if too_old >= ENOUGH_OLD_ONES:
                break
        else:
            too_old = 0
            listed.append(listing)
    return listed


def _window(attempt: Attempt, known: list[Attempt], listed: list[RemoteListing]) -> _Window:
    """Narrow the search by what our own renders show of the provider's clock.

    Each was created between our request and its answer: its clock is ahead by `low` at least, `high` at most.
    """
    stated = {item.provider_job_id: item.created_at for item in listed}
    lows, highs = [], []
    for other in known:
        created = stated.get(other.provider_job_id or "")
        if created is not None and other.answered_at is not None:
            lows.append(created - other.answered_at)
            highs.append(created - other.created_at)
    low, high = (max(lows), min(highs) + GRAIN) if lows else (-UNKNOWN_SKEW, UNKNOWN_SKEW)
    if low > high:
        # One of the clocks was set meanwhile.
        low, high = -UNKNOWN_SKEW, UNKNOWN_SKEW
    return _Window(attempt.created_at + low - GRAIN, attempt.created_at + high + LATEST)

"""When the waiting jobs will start: pure arithmetic on slots, their renders and the usual time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Prospects:
    """`ends` are the moments at which the jobs that hold a slot should end, soonest first.

    Nothing starts before `earliest`; each job takes `usual`.
    """

    now: datetime
    earliest: datetime
    slots: int
    usual: timedelta
    ends: Sequence[datetime]

    def start_of(self, place: int) -> datetime:
        """When the job at this place (1 = next) should start."""
        rounds, seat = divmod(place - 1, self.slots)
        return max(self._free_from(seat), self.earliest) + rounds * self.usual

    def _free_from(self, seat: int) -> datetime:
        """When the slot that is the next but `seat` to become free does so."""
        unused = self.slots - len(self.ends)
        if seat < unused:
            return self.now
        # With fewer slots than jobs that hold one, the first to end leave none behind. Who is late already
        # ends any moment.
        return max(self.now, self.ends[seat - unused])

"""How fast the provider is asked: one limiter for all calls, and a rest when it says that it is too much."""

from __future__ import annotations

import asyncio

from aiolimiter import AsyncLimiter

from studio.errors import ProviderBusy

PER_SECOND = 20.0
"""The provider states no limit, so this is one of courtesy."""

BURST_SECONDS = 3.0
"""Bursts of that many seconds' worth: renders that end together are looked at together."""

ORDERING_SHARE = 0.5
"""How much of it may go into ordering, so that what is finished never waits for what is begun."""

LONGEST_WAIT_SECONDS = 2.0


class Pace:
    """Every call waits for its turn here; those of ordering within a share of the whole."""

    def __init__(self, *, per_second: float = PER_SECOND) -> None:
        burst = per_second * BURST_SECONDS
        self._all = AsyncLimiter(burst, BURST_SECONDS)
        self._ordering = AsyncLimiter(burst * ORDERING_SHARE, BURST_SECONDS)
        self._quiet_until = 0.0

    async def turn(self, *, ordering: bool, anyway: bool = False) -> None:
        """Wait until the call may be made.

        Raises `ProviderBusy` while the provider wants a longer rest, unless the call is to be made `anyway`.
        """
        left = 0.0 if anyway else self._quiet_until - asyncio.get_running_loop().time()
        if left > LONGEST_WAIT_SECONDS:
            # Whoever asks has other things to do meanwhile than to stand here.
            raise ProviderBusy("the provider asked for a rest", retry_after=left)
        if left > 0:
            await asyncio.sleep(left)
        if ordering:
            await self._ordering.acquire()
        await self._all.acquire()

    def rest(self, seconds: float) -> None:
        """The provider was asked too often."""
        self._quiet_until = max(self._quiet_until, asyncio.get_running_loop().time() + seconds)

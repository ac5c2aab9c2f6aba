"""The customer's account at the sandbox: what was charged, what was given back, and what is left."""

from __future__ import annotations

from providers.sandbox.records import JobRecord, Shelf


class Account:
    """Sums over the job records, in usd_micros; so it survives a restart just as they do.

    `credit` is what the customer has paid in; None means that there is always enough.
    """

    def __init__(self, jobs: Shelf[JobRecord]) -> None:
        self._jobs = jobs
        self.credit: int | None = None

    @property
    def charges(self) -> dict[str, int]:
        """What each job was charged, by job id."""
        return {job.id: job.cost for job in self._jobs}

    @property
    def refunds(self) -> dict[str, int]:
        """What was given back, by job id; only jobs with a refund."""
        return {job.id: job.refunded for job in self._jobs if job.refunded}

    @property
    def charged(self) -> int:
        return sum(self.charges.values())

    @property
    def refunded(self) -> int:
        return sum(self.refunds.values())

    @property
    def net(self) -> int:
        """What the customer has paid in the end."""
        return self.charged - self.refunded

    def affords(self, cost: int) -> bool:
        return self.credit is None or self.net + cost <= self.credit

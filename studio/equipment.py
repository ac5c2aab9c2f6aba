"""What every step of the work is given: the ports, the database and the house rules."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from media.workshop import Workshop
from studio.database import Database
from studio.ledger import Because
from studio.models import Job
from studio.ports import AttachmentSource, Clock, Desk, Herald, Operator, Provider, Storage
from studio.settings import Settings
from studio.waits import Waits

MEGABYTE = 1_000_000

TRIAL = "sandbox"
"""The account of the provider that sends nothing anywhere."""

PROVIDERS = {"pixelbyte": "PixelByte"}
"""Who gets members' files, by the account, as they call themselves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """The house rules, from the settings and the provider's contract.

    Money in usd_micros, sizes in bytes as uploaded, times in seconds. `key_mark` tells the provider's key
    from another one without betraying it.
    """

    account: str
    key_mark: str = ""
    usd_micros_per_second: int
    shortest_seconds: int = 3
    monthly_budget_usd_micros: int | None = None
    max_concurrent_jobs: int = 2
    max_jobs_per_server: int = 10
    max_jobs_per_member: int = 2
    poll_interval_seconds: float = 10.0
    reconcile_seconds: float = 300.0
    retention_seconds: float = 7 * 86_400.0
    max_picture_bytes: int = 25 * MEGABYTE
    max_video_bytes: int = 200 * MEGABYTE
    waits: Waits = field(default_factory=Waits)
    webhook_address: Callable[[str], str] | None = None

    @property
    def is_trial(self) -> bool:
        """Whether clips are made on our own machine, and nothing is charged."""
        return self.account == TRIAL

    @property
    def provider_name(self) -> str:
        """Who makes the clips, as members should read it."""
        return PROVIDERS.get(self.account, self.account)

    @property
    def least_usd_micros(self) -> int:
        """What the shortest clip costs, which is held before an order's own length is known."""
        return self.usd_micros_per_second * self.shortest_seconds


def terms_from(
    settings: Settings, *, usd_micros_per_second: int, webhook_address: Callable[[str], str] | None
) -> Terms:
    """The house rules that the operator has set; price and way back are known elsewhere."""
    return Terms(
        account=settings.provider,
        key_mark=_mark_of(settings.pixelbyte_api_key),
        usd_micros_per_second=usd_micros_per_second,
        monthly_budget_usd_micros=settings.monthly_budget_usd_micros,
        max_concurrent_jobs=settings.max_concurrent_jobs,
        max_jobs_per_server=settings.max_jobs_per_server,
        max_jobs_per_member=settings.max_jobs_per_member,
        poll_interval_seconds=settings.poll_interval_seconds,
        reconcile_seconds=settings.reconcile_seconds,
        retention_seconds=settings.retention_days * 86_400.0,
        webhook_address=webhook_address,
    )


def _mark_of(key: str) -> str:
    return hashlib.sha256(b"animate key\0" + key.encode()).hexdigest()[:16] if key else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Equipment:
    """The outside world as the steps see it; `herald` None: no log channel is told of anything."""

    database: Database
    storage: Storage
    workshop: Workshop
    attachments: AttachmentSource
    provider: Provider
    desk: Desk
    operator: Operator
    clock: Clock
    terms: Terms
    herald: Herald | None = None


@dataclass(frozen=True, slots=True)
class Wait:
    """A step has nothing more to do now; `seconds` until it should look again on its own.

    `tried` says that something failed and counts towards the step's patience; `early` that the job was woken
    before its time, for nothing: its row already says when that is.
    """

    seconds: float
    tried: bool = False
    early: bool = False


@dataclass(frozen=True, slots=True)
class Moved:
    """A step brought the job to a new state, `job` as it is now."""

    job: Job


Outcome = Wait | Moved

STUDIO = "studio"


def because(reason: str, **facts: Any) -> Because:
    """The studio's own reason for a ledger entry."""
    details = " ".join(f"{key}={value}" for key, value in facts.items())
    return Because(actor=STUDIO, reason=f"{reason} {details}".strip())


def patience(tries: int, *, first: float = 3.0, longest: float = 300.0) -> float:
    """Seconds to wait after the given number of failed tries: doubling, bounded."""
    return float(min(longest, first * 2 ** min(tries, 16)))

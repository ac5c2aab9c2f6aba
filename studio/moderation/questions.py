"""What may have to be asked about a job before anything is ordered for it, and how it was answered."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path

from studio.models import Order
from studio.sharing.policy import ApprovalMode, Policy

TO_CONFIRM = timedelta(days=1)
"""How long a member has to say yes to a price."""


NOWHERE = 0
"""In place of a channel's id: there is none in which moderators could be asked."""


class Kind(StrEnum):
    """Who is asked: the member whether the price is right, or the moderators. In this order."""

    PRICE = "price"
    MODERATORS = "moderators"


class Why(StrEnum):
    """What made the question necessary; `why_<value>` says it."""

    PRICE = "price"
    EVERYONE = "everyone"
    WITHOUT_ROLES = "without_roles"
    ABOVE_PRICE = "above_price"
    OVER_LIMIT = "over_limit"
    DEARER = "dearer"


class Standing(StrEnum):
    """`WITHDRAWN`: the job ended before there was an answer."""

    OPEN = "open"
    APPROVED = "approved"
    DENIED = "denied"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One question about a job. It is open until `expires_at` at most.

    `message_id` in `channel_id` is the message that asks it, or that still shows it after it was answered;
    None when there is none. `usd_micros` is the price that a yes is for; a question of an earlier version
    does not know it. `why` is a `Why`, or what another part of the studio has found.
    """

    job_id: str
    kind: Kind
    guild_id: int
    member_id: int
    why: str
    asked_at: datetime
    expires_at: datetime
    state: Standing = Standing.OPEN
    channel_id: int | None = None
    message_id: int | None = None
    decided_at: datetime | None = None
    decided_by: int | None = None
    reason: str | None = None
    usd_micros: int | None = None

    @property
    def is_out_of_reach(self) -> bool:
        """Whether it could not be asked in its channel, so far."""
        return self.state is Standing.OPEN and self.channel_id is not None and self.message_id is None


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """What moderators should know of a member: their clips in this server, and what there was about them."""

    made: int
    failed: int
    blocks: int
    reports: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Exhibit:
    """What moderators are shown to decide on; the files are local. `video` may be a still of it."""

    history: History
    picture: Path
    video: Path


def needed(
    policy: Policy, order: Order, price: int, now: datetime, *, found: str | None = None
) -> list[Question]:
    """What has to be asked about the order at this price (usd_micros), in which a check has `found`. Pure."""
    reasons: list[tuple[Kind, str, timedelta]] = []
    confirm_above = policy.confirm_above_usd_micros
    if confirm_above is not None and price > confirm_above:
        reasons.append((Kind.PRICE, Why.PRICE, TO_CONFIRM))
    why = found or _moderators_why(policy, order, price)
    if why is not None:
        # Their time begins when they are asked, which may be after the member was.
        reasons.append((Kind.MODERATORS, why, TO_CONFIRM + timedelta(days=policy.approval.days)))
    return [
        Question(
            job_id=order.job_id,
            kind=kind,
            guild_id=order.place.guild_id,
            member_id=order.member.id,
            why=why,
            asked_at=now,
            expires_at=now + time,
            usd_micros=price,
        )
        for kind, why, time in reasons
    ]


def _moderators_why(policy: Policy, order: Order, price: int) -> Why | None:
    if order.overruled:
        return Why.OVER_LIMIT
    match policy.approval.mode:
        case ApprovalMode.EVERYONE:
            return Why.EVERYONE
        case ApprovalMode.WITHOUT_ROLES if not _has_any(order, policy.approval.exempt_role_ids):
            return Why.WITHOUT_ROLES
        case ApprovalMode.ABOVE_PRICE if price > policy.approval.above_usd_micros:
            return Why.ABOVE_PRICE
        case _:
            return None


def _has_any(order: Order, role_ids: Iterable[int]) -> bool:
    return not {*order.member.role_ids, order.place.guild_id}.isdisjoint(role_ids)

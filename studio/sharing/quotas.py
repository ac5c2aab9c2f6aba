"""The decision on an order: limits, what has been used, and now → allowed, or until when not. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

from studio.sharing.periods import Period, Span, span_of
from studio.sharing.policy import Allowance, Policy, Share


class Limit(StrEnum):
    """Which limit an order meets, as the code of its sentence."""

    BUDGET = "budget_exhausted"
    SERVER_CAP = "server_cap_reached"
    POOL_CLIPS = "pool_clips_used"
    POOL_MONEY = "pool_money_used"
    MEMBER_CLIPS = "member_clips_used"
    MEMBER_MONEY = "member_money_used"

    @property
    def is_moderators(self) -> bool:
        """Whether the server's moderators may let an order pass it; the others are the operator's."""
        return self not in (Limit.BUDGET, Limit.SERVER_CAP)


@dataclass(frozen=True, slots=True)
class Usage:
    """What counts: clips that are under way or delivered, and money held or charged, in usd_micros."""

    clips: int = 0
    usd_micros: int = 0


@dataclass(frozen=True, slots=True)
class Grant:
    """What a moderator gave (or took, below 0) a member, for as long as it is valid.

    `replaces`: the clips are the member's whole limit, instead of coming on top of it.
    """

    clips: int
    replaces: bool = False


@dataclass(frozen=True, slots=True)
class Cap:
    """One limit as it applies to one order: `most` in each `span`."""

    limit: Limit
    most: int
    span: Span

    @property
    def counts_clips(self) -> bool:
        return self.limit in (Limit.POOL_CLIPS, Limit.MEMBER_CLIPS)

    @property
    def is_members(self) -> bool:
        return self.limit in (Limit.MEMBER_CLIPS, Limit.MEMBER_MONEY)


@dataclass(frozen=True, slots=True)
class Refusal:
    """The limit that an order meets, what is left of it, and when it begins anew.

    `left` and `most` are clips or usd_micros, as the limit counts; `fits`: the whole of it would be enough.
    """

    cap: Cap
    left: int
    fits: bool = True

    @property
    def returns_at(self) -> datetime | None:
        """None: waiting does not help, since the order is more than the limit allows in any period."""
        return self.cap.span.end if self.fits else None


def caps_of(policy: Policy, *, role_ids: Iterable[int], grants: Sequence[Grant], now: datetime) -> list[Cap]:
    """The moderators' limits for an order by a member with these roles."""
    zone = policy.zone
    return [
        *_caps(policy.pool, Limit.POOL_CLIPS, Limit.POOL_MONEY, now, zone),
        *_members_caps(policy.allowances_of(role_ids), grants, now, zone),
    ]


def decide(cap: Cap, used: Usage, *, clips: int, usd_micros: int, price: int = 0) -> Refusal | None:
    """Whether `clips` and `usd_micros` more would pass the limit; None = they do not.

    `price`: what the order costs in all, where part of it is in `used` already.
    """
    spent, more = (used.clips, clips) if cap.counts_clips else (used.usd_micros, usd_micros)
    if more <= 0 or spent + more <= cap.most:
        return None
    whole = clips if cap.counts_clips else max(price, usd_micros)
    return Refusal(cap, max(0, cap.most - spent), fits=whole <= cap.most)


def at_once(allowances: Sequence[Allowance], otherwise: int) -> int:
    """How many unfinished clips a member may have: the best of the roles' numbers."""
    numbers = [allowance.at_once for allowance in allowances if allowance.at_once is not None]
    return max(numbers, default=otherwise)


def longest_seconds(allowances: Sequence[Allowance]) -> float | None:
    """How long a member's reference video may be; None = as long as the renderer takes."""
    if not allowances or any(allowance.longest_seconds is None for allowance in allowances):
        return None
    return max(allowance.longest_seconds or 0.0 for allowance in allowances)


def priority(allowances: Sequence[Allowance]) -> int:
    return max((allowance.priority for allowance in allowances), default=0)


def _members_caps(
    allowances: Sequence[Allowance], grants: Sequence[Grant], now: datetime, zone: ZoneInfo
) -> list[Cap]:
    """The best of the roles, plus grants; a personal limit replaces the roles' clips."""
    limits = [grant.clips for grant in grants if grant.replaces]
    extra = sum(grant.clips for grant in grants if not grant.replaces)
    best = best_share([allowance.share for allowance in allowances])
    if limits:
        # Of several personal limits the strictest one holds.
        best = Share(best.period if best else Period.MONTH, min(limits), best.usd_micros if best else None)
    if best is None:
        return []
    if best.clips is not None:
        best = Share(best.period, max(0, best.clips + extra), best.usd_micros)
    return _caps(best, Limit.MEMBER_CLIPS, Limit.MEMBER_MONEY, now, zone)


_DAYS = {Period.DAY: 1, Period.WEEK: 7, Period.MONTH: 30}


def best_share(shares: Sequence[Share]) -> Share | None:
    """The share that gives most for each day; no limit is better than any. None without shares."""

    def worth(share: Share) -> tuple[float, float]:
        days = _DAYS[share.period]
        clips = float("inf") if share.clips is None else share.clips / days
        money = float("inf") if share.usd_micros is None else share.usd_micros / days
        return clips, money

    return max(shares, key=worth, default=None)


def _caps(share: Share, clips: Limit, money: Limit, now: datetime, zone: ZoneInfo) -> list[Cap]:
    span = span_of(share.period, now, zone)
    caps = []
    if share.clips is not None:
        caps.append(Cap(clips, share.clips, span))
    if share.usd_micros is not None:
        caps.append(Cap(money, share.usd_micros, span))
    return caps

"""The decision on an order: limits, what has been used, and now → allowed, or until when not. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

from studio.sharing.periods import Span, span_of
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


@dataclass(frozen=True, slots=True)
class Allotment:
    """One limit of a member's next order, and what has been used of it."""

    cap: Cap
    used: Usage

    @property
    def left(self) -> int:
        return self.cap.most - (self.used.clips if self.cap.counts_clips else self.used.usd_micros)


@dataclass(frozen=True, slots=True)
class Allotments:
    """`always` holds for every order of the member, the operator's limits first.

    `either`: the limits of each share that the member has by a role. What they use has to fit into one of
    them, whichever; without any, nothing more is limited.
    """

    always: Sequence[Allotment]
    either: Sequence[Sequence[Allotment]]

    def shown(self, price: int) -> list[Allotment]:
        """What the member meets now: of their shares the one that gives most, at `price` for each clip."""
        best = min(self.either, key=lambda share: _rank(share, price), default=())
        return [*self.always, *best]

    def refusal(self, *, clips: int, usd_micros: int, price: int = 0) -> Refusal | None:
        """The limit that so much more would pass; of several, the operator's. `price` as for `decide`."""

        def refused(share: Sequence[Allotment]) -> list[Refusal]:
            found = (
                decide(each.cap, each.used, clips=clips, usd_micros=usd_micros, price=price) for each in share
            )
            return [refusal for refusal in found if refusal is not None]

        always = refused(self.always)
        if always:
            return always[0]
        # An order's money is held after its clip was counted: the clips of a share that was full before that
        # would say nothing to that, and let the money pass the limit of the share that took the order.
        kept = [
            share for share in self.either if all(each.left >= 0 for each in share if each.cap.counts_clips)
        ] or self.either
        if not all(refused(share) for share in kept):
            return None
        # Of a share's limits, one that no waiting helps against says more than one that begins anew.
        told = [
            min(refusals, key=lambda refusal: refusal.fits)
            for share in self.either
            if (refusals := refused(share))
        ]
        return min(told, key=lambda refusal: (not refusal.fits, refusal.cap.span.end), default=None)


def _rank(share: Sequence[Allotment], price: int) -> tuple[float, datetime, float]:
    """First what leaves the most clips now, then what begins anew first, then what gives most."""
    worth = [(1 if each.cap.counts_clips else max(1, price), each) for each in share]
    left = min(max(0, each.left) // unit for unit, each in worth)
    return -left, share[0].cap.span.end, -min(each.cap.most / unit for unit, each in worth)


def pool_caps(policy: Policy, now: datetime) -> list[Cap]:
    """The moderators' limits for whatever the whole server orders."""
    return _caps(policy.pool, Limit.POOL_CLIPS, Limit.POOL_MONEY, now, policy.zone)


def members_caps(
    policy: Policy, *, role_ids: Iterable[int], grants: Sequence[Grant], now: datetime
) -> list[list[Cap]]:
    """The limits of each share that a member with these roles has; none if one of them is without limits.

    A personal limit stands for the clips of each, and grants come on top.
    """
    limits = [grant.clips for grant in grants if grant.replaces]
    extra = sum(grant.clips for grant in grants if not grant.replaces)
    shares = [allowance.share for allowance in policy.allowances_of(role_ids)]
    if limits:
        # Of several personal limits the strictest one holds.
        shares = [replace(share, clips=min(limits)) for share in shares or [Share()]]
    given = [
        share if share.clips is None else replace(share, clips=max(0, share.clips + extra))
        for share in shares
    ]
    if not all(share.limits for share in given):
        return []
    return [
        _caps(share, Limit.MEMBER_CLIPS, Limit.MEMBER_MONEY, now, policy.zone)
        for share in dict.fromkeys(given)
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


def _caps(share: Share, clips: Limit, money: Limit, now: datetime, zone: ZoneInfo) -> list[Cap]:
    span = span_of(share.period, now, zone)
    caps = []
    if share.clips is not None:
        caps.append(Cap(clips, share.clips, span))
    if share.usd_micros is not None:
        caps.append(Cap(money, share.usd_micros, span))
    return caps

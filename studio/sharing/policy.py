"""What a server's moderators have decided: shares, allowances, approval, places and words."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from studio.languages.tongues import AUTOMATIC
from studio.sharing.periods import Period


class ApprovalMode(StrEnum):
    """For whose orders a moderator is asked before anything is ordered."""

    OFF = "off"
    EVERYONE = "everyone"
    WITHOUT_ROLES = "without_roles"
    ABOVE_PRICE = "above_price"
    OVER_LIMIT = "over_limit"


@dataclass(frozen=True, slots=True)
class Share:
    """How much may be used in each period; None = as much as you like. Money in usd_micros."""

    period: Period = Period.MONTH
    clips: int | None = None
    usd_micros: int | None = None

    @property
    def limits(self) -> bool:
        return self.clips is not None or self.usd_micros is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """What the members with a role may use each; `role_id` of the server itself (@everyone) is for all.

    `longest_seconds` is for the reference video; a higher `priority` is earlier in the server's own queue.
    """

    role_id: int
    share: Share = Share()
    at_once: int | None = None
    longest_seconds: float | None = None
    priority: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """When moderators are asked, where, and for how long they have time."""

    mode: ApprovalMode = ApprovalMode.OFF
    channel_id: int | None = None
    exempt_role_ids: tuple[int, ...] = ()
    above_usd_micros: int = 0
    days: int = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Defaults:
    """What an order gets where the member chooses nothing; None = the bot's own choice."""

    orientation: str | None = None
    keep_sound: bool = True
    shot_type: str = "customize"


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """One server's rules. As it stands here: those of a server that nobody has set up.

    Empty `channel_ids` or `role_ids` = all; members with `moderator_role_ids` may do what those may who
    manage the server. `confirm_above_usd_micros`: before more than that moves, the member is asked.
    `language`: of what everybody reads, `auto` = the one that the server has told Discord.
    `consent`: whether members are asked once for their word on likenesses. `check_pictures`: whether files
    and results are looked at for nudity. `is_set_up`: the moderators have saved a setting of the panel.
    """

    time_zone: str = "UTC"
    language: str = AUTOMATIC
    channel_ids: tuple[int, ...] = ()
    role_ids: tuple[int, ...] = ()
    moderator_role_ids: tuple[int, ...] = ()
    pool: Share = Share()
    allowances: tuple[Allowance, ...] = ()
    confirm_above_usd_micros: int | None = None
    approval: Approval = Approval()
    log_channel_id: int | None = None
    defaults: Defaults = Defaults()
    filters: tuple[str, ...] = ()
    spoiler_channel_ids: tuple[int, ...] = ()
    consent: bool = False
    check_pictures: bool = False
    paused: bool = False
    is_set_up: bool = False

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)

    @property
    def limits_members(self) -> bool:
        """Whether the moderators have set a limit that is counted."""
        return bool(self.allowances) or self.pool.limits

    def allowances_of(self, role_ids: Iterable[int]) -> list[Allowance]:
        """The allowances of a member with these roles."""
        roles = frozenset(role_ids)
        return [allowance for allowance in self.allowances if allowance.role_id in roles]

    @property
    def lifts_limits(self) -> list[Allowance]:
        """Allowances without clips and dollars, which free their members from what other roles limit."""
        free = [each for each in self.allowances if not each.share.limits]
        return free if len(free) < len(self.allowances) else []

    def leaves_out(self, guild_id: int) -> bool:
        """Whether roles are limited, and who may use the bot without any of them is not."""
        limited = any(each.share.limits for each in self.allowances)
        named = {each.role_id for each in self.allowances}
        return limited and guild_id not in named and not (self.role_ids and named.issuperset(self.role_ids))

    def with_allowance(self, allowance: Allowance) -> Policy:
        """The same rules, with this allowance instead of the role's earlier one."""
        return replace(self, allowances=(*self.without_allowance(allowance.role_id).allowances, allowance))

    def without_allowance(self, role_id: int) -> Policy:
        kept = tuple(allowance for allowance in self.allowances if allowance.role_id != role_id)
        return replace(self, allowances=kept)


def to_document(policy: Policy) -> dict[str, Any]:
    """As it is stored: plain JSON."""
    return asdict(policy)


def from_document(document: Mapping[str, Any]) -> Policy:
    """Read what `to_document` wrote, also an older version of it: what it lacks is as if never set up."""
    known = {key: value for key, value in document.items() if key in Policy.__dataclass_fields__}
    readers: dict[str, Callable[[Any], Any]] = {
        "pool": _share,
        "approval": _approval,
        "defaults": _defaults,
        "allowances": _allowances,
    }
    for key, value in known.items():
        if key in readers:
            known[key] = readers[key](value)
        elif isinstance(value, list):
            known[key] = tuple(value)
    return Policy(**known)


def _share(value: Mapping[str, Any]) -> Share:
    return Share(**{**value, "period": Period(value["period"])})


def _allowance(value: Mapping[str, Any]) -> Allowance:
    return Allowance(**{**value, "share": _share(value["share"])})


def _allowances(values: Iterable[Mapping[str, Any]]) -> tuple[Allowance, ...]:
    return tuple(_allowance(value) for value in values)


def _defaults(value: Mapping[str, Any]) -> Defaults:
    return Defaults(**value)


def _approval(value: Mapping[str, Any]) -> Approval:
    return Approval(
        **{
            **value,
            "mode": ApprovalMode(value["mode"]),
            "exempt_role_ids": tuple(value["exempt_role_ids"]),
        }
    )

"""What can be chosen at `/studio setup`: each choice reads what was given and changes the rules by it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cache
from typing import Any
from zoneinfo import available_timezones

from media import nudity
from studio.errors import OrderRefused
from studio.languages import tongues
from studio.models import Orientation, ShotType
from studio.moderation.amounts import read_money
from studio.sharing.policy import ApprovalMode, Policy
from studio.texts import money, say

Given = Sequence[str]
"""What a press gives: ids, names of options, or one text; nothing = not set."""


DAYS_TO_ANSWER = ("1", "3", "7", "14", "30")
"""How long a request may wait for its moderators."""


class Page(StrEnum):
    OVERVIEW = "overview"
    PLACES = "places"
    APPROVAL = "approval"
    DEFAULTS = "defaults"
    LOG = "log"


class Kind(StrEnum):
    """How a choice is made."""

    CHANNELS = "channels"
    CHANNEL = "channel"
    ROLES = "roles"
    OPTION = "option"
    SWITCH = "switch"
    TEXT = "text"


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """`amend` raises `OrderRefused` for what cannot be chosen; `shown` is None where nothing is set."""

    key: str
    page: Page
    kind: Kind
    amend: Callable[[Policy, Given], Policy]
    value: Callable[[Policy], Any]
    options: tuple[str, ...] = ()

    def given(self, policy: Policy) -> tuple[str, ...]:
        """The values that are chosen now, as a press would give them."""
        value = self.value(policy)
        if value is None:
            return ()
        if isinstance(value, bool):
            return ("on" if value else "off",)
        return tuple(str(each) for each in value) if isinstance(value, tuple) else (str(value),)

    def shown(self, policy: Policy) -> str | None:
        """The value as people read it."""
        given = self.given(policy)
        if not given:
            return None
        match self.kind:
            case Kind.CHANNELS | Kind.CHANNEL:
                return " ".join(f"<#{each}>" for each in given)
            case Kind.ROLES:
                return " ".join(f"<@&{each}>" for each in given)
            case Kind.OPTION | Kind.SWITCH:
                return say(self.option_code(given[0]))
            case Kind.TEXT:
                value = self.value(policy)
                return money(value) if isinstance(value, int) else str(value)

    def option_code(self, option: str) -> str:
        """The text code of one of the options."""
        return f"switch_{option}" if self.kind is Kind.SWITCH else f"{self.key}_{option}"

    def check_option(self, given: Given) -> str:
        """The one option that was chosen. Raises `OrderRefused` for one that does not exist."""
        if len(given) != 1 or given[0] not in self.options:
            raise OrderRefused("no_such_choice")
        return given[0]


def _ids(key: str, page: Page, kind: Kind) -> Choice:
    def amend(policy: Policy, given: Given) -> Policy:
        return _with(policy, None, key, tuple(_id(each) for each in given))

    return Choice(key=key, page=page, kind=kind, amend=amend, value=lambda policy: getattr(policy, key))


def _switch(key: str, page: Page, part: str | None = None) -> Choice:
    def amend(policy: Policy, given: Given) -> Policy:
        return _with(policy, part, key, choice.check_option(given) == "on")

    choice = Choice(
        key=key,
        page=page,
        kind=Kind.SWITCH,
        amend=amend,
        value=lambda policy: getattr(getattr(policy, part) if part else policy, key),
        options=("on", "off"),
    )
    return choice


def _approval_exempt(policy: Policy, given: Given) -> Policy:
    return _with(policy, "approval", "exempt_role_ids", tuple(_id(each) for each in given))


def _approval_channel(policy: Policy, given: Given) -> Policy:
    return _with(policy, "approval", "channel_id", _id(given[0]) if given else None)


def _log_channel(policy: Policy, given: Given) -> Policy:
    return replace(policy, log_channel_id=_id(given[0]) if given else None)


def _approval_mode(policy: Policy, given: Given) -> Policy:
    mode = ApprovalMode(CHOICES["approval_mode"].check_option(given))
    return _with(policy, "approval", "mode", mode)


def _approval_above(policy: Policy, given: Given) -> Policy:
    return _with(policy, "approval", "above_usd_micros", read_money("".join(given)) or 0)


def _approval_days(policy: Policy, given: Given) -> Policy:
    return _with(policy, "approval", "days", int(CHOICES["approval_days"].check_option(given)))


def _confirm_above(policy: Policy, given: Given) -> Policy:
    return replace(policy, confirm_above_usd_micros=read_money("".join(given)))


def _check_pictures(policy: Policy, given: Given) -> Policy:
    wanted = CHOICES["check_pictures"].check_option(given) == "on"
    if wanted and not policy.check_pictures and not nudity.is_installed():
        raise OrderRefused("check_not_installed")
    return replace(policy, check_pictures=wanted)


def _orientation(policy: Policy, given: Given) -> Policy:
    option = CHOICES["orientation"].check_option(given)
    return _with(policy, "defaults", "orientation", None if option == "auto" else option)


def _shot_type(policy: Policy, given: Given) -> Policy:
    return _with(policy, "defaults", "shot_type", CHOICES["shot_type"].check_option(given))


def _language(policy: Policy, given: Given) -> Policy:
    return replace(policy, language=CHOICES["language"].check_option(given))


def _time_zone(policy: Policy, given: Given) -> Policy:
    return replace(policy, time_zone=find_zone("".join(given)))


_CHOICES = (
    _ids("channel_ids", Page.PLACES, Kind.CHANNELS),
    _ids("role_ids", Page.PLACES, Kind.ROLES),
    _ids("moderator_role_ids", Page.PLACES, Kind.ROLES),
    _ids("spoiler_channel_ids", Page.PLACES, Kind.CHANNELS),
    Choice(
        key="approval_mode", page=Page.APPROVAL, kind=Kind.OPTION, amend=_approval_mode,
        value=lambda policy: policy.approval.mode.value, options=tuple(ApprovalMode),
    ),
    Choice(
        key="approval_channel", page=Page.APPROVAL, kind=Kind.CHANNEL, amend=_approval_channel,
        value=lambda policy: policy.approval.channel_id,
    ),
    Choice(
        key="approval_exempt", page=Page.APPROVAL, kind=Kind.ROLES, amend=_approval_exempt,
        value=lambda policy: policy.approval.exempt_role_ids,
    ),
    Choice(
        key="approval_above", page=Page.APPROVAL, kind=Kind.TEXT, amend=_approval_above,
        value=lambda policy: policy.approval.above_usd_micros or None,
    ),
    Choice(
        key="approval_days", page=Page.APPROVAL, kind=Kind.OPTION, amend=_approval_days,
        value=lambda policy: policy.approval.days, options=DAYS_TO_ANSWER,
    ),
    Choice(
        key="confirm_above", page=Page.APPROVAL, kind=Kind.TEXT, amend=_confirm_above,
        value=lambda policy: policy.confirm_above_usd_micros,
    ),
    Choice(
        key="check_pictures", page=Page.APPROVAL, kind=Kind.SWITCH, amend=_check_pictures,
        value=lambda policy: policy.check_pictures, options=("on", "off"),
    ),
    Choice(
        key="orientation", page=Page.DEFAULTS, kind=Kind.OPTION, amend=_orientation,
        value=lambda policy: policy.defaults.orientation or "auto", options=("auto", *Orientation),
    ),
    Choice(
        key="shot_type", page=Page.DEFAULTS, kind=Kind.OPTION, amend=_shot_type,
        value=lambda policy: policy.defaults.shot_type, options=tuple(ShotType),
    ),
    Choice(
        key="language", page=Page.DEFAULTS, kind=Kind.OPTION, amend=_language,
        value=lambda policy: policy.language, options=tongues.SETTINGS,
    ),
    Choice(
        key="time_zone", page=Page.DEFAULTS, kind=Kind.TEXT, amend=_time_zone,
        value=lambda policy: policy.time_zone,
    ),
    _switch("keep_sound", Page.DEFAULTS, part="defaults"),
    _switch("consent", Page.DEFAULTS),
    Choice(
        key="log_channel", page=Page.LOG, kind=Kind.CHANNEL, amend=_log_channel,
        value=lambda policy: policy.log_channel_id,
    ),
)  # fmt: skip

CHOICES: Mapping[str, Choice] = {choice.key: choice for choice in _CHOICES}


def check_lines(policy: Policy) -> list[str]:
    """What the picture check does, and what keeps it from doing so."""
    lines = [say("panel_check_pictures")]
    if policy.check_pictures and not nudity.is_installed():
        lines.append(say("panel_check_missing"))
    if policy.check_pictures and policy.approval.channel_id is None:
        lines.append(say("panel_check_nowhere"))
    return lines


def without(policy: Policy, gone: frozenset[int]) -> Policy:
    """The rules without the roles and channels that the server no longer has; allowances included."""
    for choice in CHOICES.values():
        if choice.kind in (Kind.CHANNELS, Kind.CHANNEL, Kind.ROLES):
            kept = [each for each in choice.given(policy) if int(each) not in gone]
            policy = choice.amend(policy, kept)
    allowances = tuple(each for each in policy.allowances if each.role_id not in gone)
    return replace(policy, allowances=allowances)


def find_zone(text: str) -> str:
    """The time zone that somebody means: `Europe/Berlin`, `berlin`, `New York`. Raises `OrderRefused`."""
    wanted = "_".join(text.split()).casefold()
    zones = _zones()
    if wanted in zones:
        return zones[wanted]
    found = sorted(name for name in zones.values() if name.casefold().rsplit("/", 1)[-1] == wanted)
    if not found:
        raise OrderRefused("time_zone_unknown", given=text[:60])
    return found[0]


@cache
def _zones() -> dict[str, str]:
    return {name.casefold(): name for name in available_timezones()}


def _with(policy: Policy, part: str | None, key: str, value: Any) -> Policy:
    changes: dict[str, Any] = {key: value}
    if part is not None:
        changes = {part: replace(getattr(policy, part), **changes)}
    return replace(policy, **changes)


def _id(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 20):
        raise OrderRefused("no_such_choice")
    return int(text)

"""Amounts as moderators write them: money and lengths of time."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal, InvalidOperation

from studio.errors import OrderRefused

MOST_DOLLARS = Decimal(1_000_000)
LONGEST = timedelta(days=3660)

_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_SPAN = re.compile(r"(\d{1,6})\s*([mhdw])[a-z]*")


def read_money(text: str) -> int | None:
    """Dollars (`5`, `$2.50`, `0,25`) in usd_micros; None for nothing. Raises `OrderRefused`."""
    plain = text.strip().removeprefix("$").removesuffix("$").strip().replace(",", ".")
    if not plain:
        return None
    try:
        dollars = Decimal(plain)
    except InvalidOperation:
        raise OrderRefused("amount_unclear", given=text[:40]) from None
    if not (dollars.is_finite() and 0 <= dollars <= MOST_DOLLARS):
        raise OrderRefused("amount_unclear", given=text[:40])
    return int(dollars * 1_000_000)


def read_span(text: str) -> timedelta | None:
    """A length of time (`30m`, `12h`, `7 days`, `2w`); None for nothing, `for good` or `forever`.

    Raises `OrderRefused`.
    """
    plain = text.strip().casefold()
    if plain in {"", "forever", "for good", "-"}:
        return None
    match = _SPAN.fullmatch(plain)
    if match is None:
        raise OrderRefused("span_unclear", given=text[:40])
    span = timedelta(**{_UNITS[match[2]]: int(match[1])})
    if not timedelta(0) < span <= LONGEST:
        raise OrderRefused("span_unclear", given=text[:40])
    return span

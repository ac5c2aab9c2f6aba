"""Money, numbers and sizes as a language writes them (Unicode's CLDR, by Babel)."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

from babel.numbers import format_currency, format_decimal
from babel.units import format_unit

from studio.languages.tongues import Language

_SHORT = "#,##0.#"


def money(usd_micros: int, language: Language) -> str:
    """Write an amount in dollars: `$0.25`, `0,25 $`; below a cent with as many digits as it needs."""
    dollars = Decimal(usd_micros) / 1_000_000
    if dollars == 0 or abs(dollars) >= Decimal("0.01"):
        dollars = dollars.quantize(Decimal("0.01"), ROUND_HALF_UP)
    return format_currency(dollars, "USD", locale=language.value, decimal_quantization=False)


def number(value: float, language: Language) -> str:
    """Write a number with at most one digit behind the point."""
    return format_decimal(round(value, 1), format=_SHORT, locale=language.value)


def size(count: int, language: Language) -> str:
    """Write a number of bytes as people know it from their phones: `25 MB`."""
    if count < 1_000_000:
        return _unit(max(1, round(count / 1000)), "digital-kilobyte", language)
    return _unit(round(count / 1_000_000, 1), "digital-megabyte", language)


def _unit(value: float, unit: str, language: Language) -> str:
    return format_unit(value, unit, length="short", format=_SHORT, locale=language.value)

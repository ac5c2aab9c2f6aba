"""Figures are written as Unicode's CLDR has it, which Babel knows for every language."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

import pytest
from babel.numbers import format_currency, format_decimal
from babel.units import format_unit

from studio.languages import figures
from studio.languages.tongues import Language

MICROS = (0, 1, 5, 90, 9_999, 10_000, 14_999, 15_000, 250_000, 999_995_000, 1_234_500_000, 1_234_567_891_000)
NUMBERS = (0, 1, 0.04, 0.05, 0.25, 3.2, 8.0, 15.96, 999, 999.96, 1000, 12_345.67, 1_234_567.0)
BYTES = (0, 1, 499, 1500, 999_499, 999_999, 1_000_000, 1_049_999, 10_485_760, 25_000_000, 1_234_567_890_000)

every_language = pytest.mark.parametrize("language", list(Language))


@every_language
@pytest.mark.parametrize("sign", [1, -1])
def test_money_is_written_as_babel_writes_it(language: Language, sign: int) -> None:
    for micros in MICROS:
        dollars = Decimal(sign * micros) / 1_000_000
        if micros >= 10_000:
            dollars = dollars.quantize(Decimal("0.01"), ROUND_HALF_UP)
        expected = format_currency(dollars, "USD", locale=language.value, decimal_quantization=False)
        assert figures.money(sign * micros, language) == expected


@every_language
def test_numbers_are_written_as_babel_writes_them(language: Language) -> None:
    for value in (*NUMBERS, *(-each for each in NUMBERS if each >= 1)):
        expected = format_decimal(round(value, 1), format="#,##0.#", locale=language.value)
        assert figures.number(value, language) == expected


@every_language
def test_sizes_are_written_as_babel_writes_them(language: Language) -> None:
    for count in BYTES:
        unit, value = (
            ("digital-kilobyte", float(max(1, round(count / 1000))))
            if count < 1_000_000
            else ("digital-megabyte", round(count / 1_000_000, 1))
        )
        expected = format_unit(value, unit, length="short", format="#,##0.#", locale=language.value)
        assert figures.size(count, language) == expected

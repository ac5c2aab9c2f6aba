"""Money, numbers and sizes as a language writes them (Unicode's CLDR, of which this is what we need)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from studio.languages.tongues import Language


@dataclass(frozen=True, slots=True)
class Script:
    """What a language writes between thousands and before fractions, and how it states dollars and bytes."""

    between: str
    point: str
    dollars: str
    kilobytes: str = "{} kB"
    megabytes: str = "{} MB"

    def write(self, plain: str) -> str:
        """Write what Python has written with its own separators."""
        return plain.translate({ord(","): self.between, ord("."): self.point})


# Babel has all this as well, in 4 MB for the first language and another for each further one.
SCRIPTS: Mapping[Language, Script] = {
    Language.ENGLISH: Script(",", ".", "${}"),
    Language.GERMAN: Script(".", ",", "{}\N{NO-BREAK SPACE}$"),
    Language.FRENCH: Script(
        "\N{NARROW NO-BREAK SPACE}",
        ",",
        "{}\N{NO-BREAK SPACE}$US",
        "{}\N{NARROW NO-BREAK SPACE}ko",
        "{}\N{NARROW NO-BREAK SPACE}Mo",
    ),
    Language.SPANISH: Script(".", ",", "{}\N{NO-BREAK SPACE}US$"),
    Language.PORTUGUESE: Script(".", ",", "US$\N{NO-BREAK SPACE}{}"),
    Language.JAPANESE: Script(",", ".", "${}", "{} KB"),
    Language.KOREAN: Script(",", ".", "US${}", "{}kB", "{}MB"),
    Language.CHINESE: Script(",", ".", "US${}"),
    Language.POLISH: Script("\N{NO-BREAK SPACE}", ",", "{}\N{NO-BREAK SPACE}USD"),
    Language.TURKISH: Script(".", ",", "${}"),
}


def money(usd_micros: int, language: Language) -> str:
    """Write an amount in dollars: `$0.25`, `0,25 $`; below a cent with as many digits as it needs."""
    dollars = Decimal(abs(usd_micros)) / 1_000_000
    if dollars == 0 or dollars >= Decimal("0.01"):
        dollars = dollars.quantize(Decimal("0.01"), ROUND_HALF_UP)
    script = SCRIPTS[language]
    sign = "-" if usd_micros < 0 else ""
    return sign + script.dollars.format(script.write(f"{dollars:,f}"))


def number(value: float, language: Language) -> str:
    """Write a number with at most one digit behind the point."""
    return SCRIPTS[language].write(f"{round(value, 1):,.1f}".removesuffix(".0"))


def size(count: int, language: Language) -> str:
    """Write a number of bytes as people know it from their phones: `25 MB`."""
    script = SCRIPTS[language]
    if count < 1_000_000:
        return script.kilobytes.format(number(max(1, round(count / 1000)), language))
    return script.megabytes.format(number(count / 1_000_000, language))

"""The value of one check, and the table that they are shown in."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

NARROWEST, WIDEST = 60, 100


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the doctor's table; `fix` says what to do when it is not `well`."""

    subject: str
    well: bool
    found: str
    fix: str = ""


def table(checks: Sequence[Check], *, width: int) -> str:
    """All checks for reading in a terminal, the fix below what is wrong; an address is never broken."""
    column = max(len(check.subject) for check in checks)
    indent = " " * (column + 8)
    lines = []
    for check in checks:
        mark = "ok   " if check.well else "WRONG"
        lines.append(_wrapped(f"{mark}  {check.subject:<{column}} ", check.found, indent, width))
        if not check.well and check.fix:
            lines.append(_wrapped(f"{indent}→ ", check.fix, indent + "  ", width))
    return "\n".join(lines)


def terminal_width() -> int:
    """What fits into the terminal, within what reads well."""
    return max(NARROWEST, min(WIDEST, shutil.get_terminal_size((WIDEST, 24)).columns))


def _wrapped(first: str, text: str, indent: str, width: int) -> str:
    return textwrap.fill(
        text,
        width,
        initial_indent=first,
        subsequent_indent=indent,
        break_on_hyphens=False,
        break_long_words=False,
    )

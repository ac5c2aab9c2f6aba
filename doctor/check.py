"""The value of one check, and the table that they are shown in."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

WIDTH = 100


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the doctor's table; `fix` says what to do when it is not `well`."""

    subject: str
    well: bool
    found: str
    fix: str = ""


def table(checks: Sequence[Check]) -> str:
    """All checks for reading in a terminal, the fix below what is wrong."""
    column = max(len(check.subject) for check in checks)
    indent = " " * (column + 8)
    lines = []
    for check in checks:
        mark = "ok   " if check.well else "WRONG"
        lines.append(_wrapped(f"{mark}  {check.subject:<{column}} ", check.found, indent))
        if not check.well and check.fix:
            lines.append(_wrapped(indent, f"→ {check.fix}", indent + "  "))
    return "\n".join(lines)


def _wrapped(first: str, text: str, indent: str) -> str:
    return textwrap.fill(text, WIDTH, initial_indent=first, subsequent_indent=indent, break_on_hyphens=False)

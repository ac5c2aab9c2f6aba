"""How the benchmarks print what they measured: one markdown row for each figure, and all of it as JSON."""

from __future__ import annotations

import json
import os
import platform
from dataclasses import asdict, dataclass
from typing import Any

HEADER = "| figure | measured | limit | |\n|---|---|---|---|"


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured value; `limit` None: told for its own sake."""

    name: str
    value: float
    unit: str
    limit: float | None = None

    @property
    def verdict(self) -> str:
        if self.limit is None:
            return ""
        return "met" if self.value <= self.limit else "**missed**"

    def row(self) -> str:
        limit = "" if self.limit is None else f"≤ {self.limit:g} {self.unit}"
        return f"| {self.name} | {self.value:.4g} {self.unit} | {limit} | {self.verdict} |"


def tell(figures: list[Figure], **circumstances: Any) -> None:
    """Print the table, and below it one line of JSON with the circumstances of the run."""
    print(HEADER, *(figure.row() for figure in figures), sep="\n")
    around = {
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 2),
        **circumstances,
    }
    print(json.dumps({"figures": [asdict(figure) for figure in figures], **around}, ensure_ascii=False))

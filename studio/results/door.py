"""Everything that can be done with finished clips, as the cogs are given it."""

from __future__ import annotations

from dataclasses import dataclass

from studio.equipment import Equipment
from studio.results.encores import Encores
from studio.results.mine import Mine
from studio.results.versions import Versions


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """`versions`: making one once more. `encores`: showing one elsewhere. `mine`: finding them again."""

    versions: Versions
    encores: Encores
    mine: Mine


def open_results(equipment: Equipment) -> Results:
    return Results(versions=Versions(equipment), encores=Encores(equipment), mine=Mine(equipment))

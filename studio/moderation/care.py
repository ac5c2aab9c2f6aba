"""Everything that protects people, as the cogs are given it."""

from __future__ import annotations

from dataclasses import dataclass

from studio.equipment import Equipment
from studio.moderation.departures import Departures
from studio.moderation.forgetting import Forgetting
from studio.moderation.privacy import Privacy
from studio.moderation.safety import Safety
from studio.ports import Dispatcher


@dataclass(frozen=True, slots=True, kw_only=True)
class Care:
    """`safety`: reports and takedowns. `privacy`: what is stored about a member, and having it deleted."""

    safety: Safety
    privacy: Privacy
    forgetting: Forgetting
    departures: Departures


def open_care(equipment: Equipment, dispatcher: Dispatcher) -> Care:
    forgetting = Forgetting(equipment, dispatcher)
    return Care(
        safety=Safety(equipment, dispatcher),
        privacy=Privacy(equipment, forgetting),
        forgetting=forgetting,
        departures=Departures(equipment.database),
    )

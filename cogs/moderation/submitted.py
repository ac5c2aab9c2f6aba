"""What was filled in in a form, read from the interaction itself: forms outlive their process."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import discord


def values_of(interaction: discord.Interaction[discord.Client]) -> dict[str, str]:
    """The values by the fields' custom ids; of a selection the first. Empty for a press."""
    data: Mapping[str, Any] = dict(interaction.data or {})
    return dict(_values(data.get("components") or ()))


def _values(components: Any) -> Iterator[tuple[str, str]]:
    for component in components:
        custom_id = component.get("custom_id")
        if custom_id is not None and "value" in component:
            yield str(custom_id), str(component["value"] or "")
        elif custom_id is not None and component.get("values"):
            yield str(custom_id), str(component["values"][0])
        inner = component.get("component")
        yield from _values([inner] if inner else component.get("components") or ())

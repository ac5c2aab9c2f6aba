"""Forms with one text field: shown without a trace in memory, and read from what comes back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import discord
from discord import ui

from cogs.moderation.office import Interaction


def form(title: str, custom_id: str, *fields: ui.Item[ui.Modal]) -> ui.Modal:
    """A form that discord.py does not keep: its answer is routed by its custom_id, also after a restart."""
    modal = ui.Modal(title=title, custom_id=custom_id, timeout=None)
    for field in fields:
        modal.add_item(field)
    modal.stop()
    return modal


def text_field(
    label: str, custom_id: str, *, longest: int, paragraph: bool = False, hint: str | None = None
) -> ui.Label[ui.Modal]:
    style = discord.TextStyle.paragraph if paragraph else discord.TextStyle.short
    field: ui.TextInput[ui.Modal] = ui.TextInput(
        custom_id=custom_id, style=style, max_length=longest, required=True, placeholder=hint
    )
    return ui.Label(text=label, component=field)


def filled_in(interaction: Interaction) -> dict[str, str]:
    """The values of a form that came back, by the fields' custom ids."""
    data: Mapping[str, Any] = dict(interaction.data or {})
    return dict(_values(data.get("components") or ()))


def _values(components: Any) -> Iterator[tuple[str, str]]:
    for component in components:
        if "value" in component:
            yield str(component.get("custom_id")), str(component["value"]).strip()
        inner = component.get("component")
        yield from _values([inner] if inner else component.get("components") or ())

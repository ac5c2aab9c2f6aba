"""Small forms (modals) whose answers come back by their custom_id, like every press."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import discord
from discord import ui

from cogs.moderation.office import Interaction

FORM_SECONDS = 15 * 60.0
"""discord.py remembers an open form for so long, since nobody tells that it was dismissed."""

FIELD = "answer"


async def ask(
    interaction: Interaction, custom_id: str, title: str, *, label: str, answer: str = "", longest: int = 100
) -> None:
    """Open a form with one line, which may be left empty; the route of `custom_id` gets the answer."""
    form = ui.Modal(title=title[:45], custom_id=custom_id, timeout=FORM_SECONDS)
    line: ui.TextInput[ui.Modal] = ui.TextInput(
        custom_id=FIELD, default=answer, required=False, max_length=longest
    )
    form.add_item(ui.Label(text=title[:45], description=label[:100], component=line))
    await interaction.response.send_modal(form)


def answer_of(interaction: Interaction) -> str:
    """What was written into the form that has been sent."""
    data: Mapping[str, Any] = dict(interaction.data or {})
    found = (each for each in _fields(data.get("components") or []) if each.get("custom_id") == FIELD)
    return str(next(found, {}).get("value") or "")


def values_of(interaction: Interaction) -> Sequence[str]:
    """What was chosen in the menu that has been pressed."""
    data: Mapping[str, Any] = dict(interaction.data or {})
    return [str(value) for value in data.get("values") or []]


def is_form(interaction: Interaction) -> bool:
    return interaction.type is discord.InteractionType.modal_submit


def _fields(components: Sequence[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    for component in components:
        yield component
        inner = component.get("component")
        yield from _fields([inner] if inner else component.get("components") or [])

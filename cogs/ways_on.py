"""The buttons below a refusal by which the refused order goes on."""

from __future__ import annotations

import discord
from discord import ui

from studio.moderation.petitions import Want
from studio.texts import say

PETITION_PREFIXES = {Want.MODERATOR: "v1:ask:", Want.CONSENT: "v1:agree:"}
_LABELS = {Want.MODERATOR: "button_ask", Want.CONSENT: "button_agree"}


def way_on(want: Want, petition_id: str) -> ui.View:
    """One button; presses are routed by `cogs.controls`."""
    # Stopped, so that discord.py keeps nothing of it.
    view = ui.View(timeout=None)
    view.add_item(
        ui.Button(
            label=say(_LABELS[want]),
            style=discord.ButtonStyle.primary,
            custom_id=f"{PETITION_PREFIXES[want]}{petition_id}",
        )
    )
    view.stop()
    return view

"""The private answers on the way to a clip, built from values; sends nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import discord
from discord import ui

from cogs.ordering.form import name_of, plain_name_of
from studio.models import SourceFile
from studio.texts import say

FORM_PREFIX = "v1:form:"
SAME_PREFIX = "v1:same:"

HELP_NAME = "ways.png"

SHOWN_AS_THEY_ARE = frozenset({"image/jpeg", "image/png", "image/webp", "image/gif"})
"""What every Discord client can show."""


@dataclass(frozen=True, slots=True)
class Button:
    label: str
    custom_id: str
    primary: bool = True

    def made(self) -> ui.Button[ui.LayoutView]:
        style = discord.ButtonStyle.primary if self.primary else discord.ButtonStyle.secondary
        return ui.Button(label=say(self.label), style=style, custom_id=self.custom_id)


def form_button(draft_id: str, label: str = "form_again") -> Button:
    return Button(label, f"{FORM_PREFIX}{draft_id}")


def private_answer(text: str, buttons: Sequence[Button], *, last: LastPicture | None = None) -> ui.LayoutView:
    """A text with buttons below, and the picture of the last hour where it can be used again."""
    view = ui.LayoutView(timeout=None)
    view.add_item(ui.TextDisplay(text))
    _close(view, buttons, last)
    return view


def help_answer(buttons: Sequence[Button], *, last: LastPicture | None = None) -> ui.LayoutView:
    """What `/animate` on its own says; `HELP_NAME` has to be attached."""
    view = ui.LayoutView(timeout=None)
    view.add_item(ui.TextDisplay(f"{say('help_title')}\n{say('help_text')}"))
    gallery: ui.MediaGallery[ui.LayoutView] = ui.MediaGallery()
    gallery.add_item(media=f"attachment://{HELP_NAME}", description=say("alt_help"))
    view.add_item(gallery)
    view.add_item(ui.TextDisplay(say("help_ways")))
    _close(view, buttons, last)
    return view


@dataclass(frozen=True, slots=True)
class LastPicture:
    """The member's last picture, and the button that takes it again."""

    file: SourceFile
    draft_id: str


def _close(view: ui.LayoutView, buttons: Sequence[Button], last: LastPicture | None) -> None:
    made = [button.made() for button in buttons]
    if last is not None:
        _show(view, last.file)
        made.append(Button("button_same_picture", f"{SAME_PREFIX}{last.draft_id}", primary=False).made())
    row: ui.ActionRow[ui.LayoutView] = ui.ActionRow()
    for button in made:
        row.add_item(button)
    view.add_item(row)
    # Stopped, so that discord.py keeps nothing of it: presses are routed by `cogs.controls`.
    view.stop()


def _show(view: ui.LayoutView, file: SourceFile) -> None:
    """Name the picture, and show it where every client can."""
    text: ui.TextDisplay[ui.LayoutView] = ui.TextDisplay(say("last_picture", name=name_of(file)))
    if file.content_type not in SHOWN_AS_THEY_ARE:
        view.add_item(text)
        return
    alt_text = say("alt_last_picture", name=plain_name_of(file))
    view.add_item(ui.Section(text, accessory=ui.Thumbnail(file.url, description=alt_text)))

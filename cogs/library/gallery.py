"""A page of the motion library, built from values; sends nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import discord
from discord import ui

from studio.motions.motion import Motion
from studio.texts import say

PAGE_PREFIX = "v1:motions:"
SEARCH_PREFIX = "v1:motion-search:"
USE_PREFIX = "v1:motion-use:"
EDIT_PREFIX = "v1:motion-edit:"
REMOVE_PREFIX = "v1:motion-remove:"
SURE_PREFIX = "v1:motion-sure:"
DRAW_PREFIX = "v1:motion-draw:"

PER_PAGE = 4
"""Seven components each, for a moderator, of the 40 that Discord takes; and four loops that a phone loads."""

LONGEST_SEARCH = 40
"""It travels in the buttons' ids, which have room for 100 characters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf:
    """One page of what was found; `page` counts from 0."""

    words: str
    page: int
    found: Sequence[Motion]

    @property
    def pages(self) -> int:
        return max(1, -(-len(self.found) // PER_PAGE))

    @property
    def shown(self) -> Sequence[Motion]:
        return self.found[self.page * PER_PAGE :][:PER_PAGE]


def leaf_of(found: Sequence[Motion], words: str, page: int) -> Leaf:
    """The page, or the last one where there are no longer so many."""
    leaf = Leaf(words=words, page=0, found=found)
    return Leaf(words=words, page=max(0, min(page, leaf.pages - 1)), found=found)


@dataclass(frozen=True, slots=True, kw_only=True)
class Viewer:
    """What whoever looks may do. `draws`: have a trial's motion drawn."""

    keeps: bool
    draws: bool = False


def gallery(leaf: Leaf, viewer: Viewer, *, previews: dict[str, str]) -> ui.LayoutView:
    """The page with its loops; `previews` are the names of the attached files by the motions' ids."""
    view = ui.LayoutView(timeout=None)
    container: ui.Container[ui.LayoutView] = ui.Container()
    container.add_item(ui.TextDisplay(_title(leaf)))
    for motion in leaf.shown:
        _add(container, motion, viewer, previews.get(motion.id))
    if not leaf.shown:
        container.add_item(ui.TextDisplay(_nothing(leaf, viewer)))
    row = _navigation(leaf, viewer)
    if row.children:
        container.add_item(row)
    view.add_item(container)
    # Stopped, so that discord.py keeps nothing of it: presses are routed by `cogs.controls`.
    view.stop()
    return view


def shown_name(motion: Motion) -> str:
    """The name as plain text."""
    return discord.utils.escape_mentions(discord.utils.escape_markdown(motion.name))


def _title(leaf: Leaf) -> str:
    code = "motions_title_search" if leaf.words else "motions_title"
    facts = {"words": discord.utils.escape_markdown(leaf.words), "number": len(leaf.found)}
    return say(code, page=leaf.page + 1, pages=leaf.pages, **facts)


def _nothing(leaf: Leaf, viewer: Viewer) -> str:
    if leaf.words:
        return say("motions_none_found")
    return say("motions_empty_moderator" if viewer.keeps else "motions_empty")


def _add(container: ui.Container[ui.LayoutView], motion: Motion, viewer: Viewer, preview: str | None) -> None:
    facts = {"name": shown_name(motion), "seconds": motion.content.seconds}
    if motion.used:
        facts["used"] = motion.used
    if motion.tags:
        facts["tags"] = discord.utils.escape_markdown(", ".join(motion.tags))
    use: ui.Button[ui.LayoutView] = ui.Button(
        label=say("button_motion_use"),
        style=discord.ButtonStyle.primary,
        custom_id=f"{USE_PREFIX}{motion.id}",
    )
    container.add_item(ui.Section(ui.TextDisplay(say("motion_shown", **facts)), accessory=use))
    if preview is not None:
        loop: ui.MediaGallery[ui.LayoutView] = ui.MediaGallery()
        loop.add_item(media=f"attachment://{preview}", description=say("alt_motion", name=motion.name))
        container.add_item(loop)
    if viewer.keeps:
        row: ui.ActionRow[ui.LayoutView] = ui.ActionRow()
        row.add_item(ui.Button(label=say("button_motion_edit"), custom_id=f"{EDIT_PREFIX}{motion.id}"))
        row.add_item(remove_button(motion.id))
        container.add_item(row)


def remove_button(motion_id: str) -> ui.Button[ui.LayoutView]:
    return ui.Button(
        label=say("button_motion_remove"),
        style=discord.ButtonStyle.danger,
        custom_id=f"{REMOVE_PREFIX}{motion_id}",
    )


def _navigation(leaf: Leaf, viewer: Viewer) -> ui.ActionRow[ui.LayoutView]:
    row: ui.ActionRow[ui.LayoutView] = ui.ActionRow()
    if leaf.page > 0:
        row.add_item(ui.Button(label=say("button_motions_back"), custom_id=_page(leaf, leaf.page - 1)))
    if leaf.page + 1 < leaf.pages:
        row.add_item(ui.Button(label=say("button_motions_more"), custom_id=_page(leaf, leaf.page + 1)))
    if leaf.found or leaf.words:
        row.add_item(ui.Button(label=say("button_motions_search"), custom_id=SEARCH_PREFIX))
    if leaf.words:
        row.add_item(ui.Button(label=say("button_motions_all"), custom_id=f"{PAGE_PREFIX}0:"))
    elif not leaf.found and viewer.draws:
        row.add_item(ui.Button(label=say("button_motion_draw"), custom_id=DRAW_PREFIX))
    return row


def _page(leaf: Leaf, page: int) -> str:
    return f"{PAGE_PREFIX}{page}:{leaf.words}"

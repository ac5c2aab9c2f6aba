"""The panel of `/studio setup` as it looks; sends nothing and changes nothing."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import discord
from discord import ui

from cogs.moderation.grounds import examine, gone_from
from studio.moderation.choices import CHOICES, Choice, Kind, Page, check_lines
from studio.moderation.shares import limits_line, warnings_of
from studio.sharing.policy import Policy
from studio.texts import say

SET_PREFIX = "v1:setup:set:"
"""Followed by the choice's key, and for a switch by `:on` or `:off`, which is what it is to become."""

FORM_PREFIX = "v1:setup:form:"
PAGE_PREFIX = "v1:setup:page:"
GONE_PREFIX = "v1:setup:gone:"

MOST_CHOSEN = 25

# Without media channels: Discord's specification does not know them as a kind to choose from.
CLIP_CHANNELS = [
    discord.ChannelType.text,
    discord.ChannelType.news,
    discord.ChannelType.voice,
    discord.ChannelType.stage_voice,
    discord.ChannelType.forum,
]
TALK_CHANNELS = [discord.ChannelType.text, discord.ChannelType.news, discord.ChannelType.private_thread]

Row = ui.ActionRow[ui.LayoutView]
Box = ui.Container[ui.LayoutView]


def panel(page: Page, policy: Policy, guild: discord.Guild | None) -> ui.LayoutView:
    """One page of the panel, at most 33 of Discord's 40 components."""
    gone = gone_from(guild, policy)
    box: Box = ui.Container(ui.TextDisplay(say(f"panel_{page}")))
    if page is Page.OVERVIEW:
        _overview(box, policy, guild)
    else:
        for choice in CHOICES.values():
            if choice.page is page:
                _controls(box, choice, policy, gone)
    if page is Page.APPROVAL:
        box.add_item(ui.TextDisplay("\n".join(check_lines(policy))))
    if page is Page.LOG:
        box.add_item(ui.TextDisplay("\n".join(examine(guild, policy))))
        box.add_item(_button(say("button_check_again"), f"{PAGE_PREFIX}{Page.LOG}"))
    if gone:
        box.add_item(ui.TextDisplay(say("panel_gone", gone=" ".join(gone.values())[:600])))
        box.add_item(_button(say("button_remove_gone"), f"{GONE_PREFIX}{page}"))
    view = ui.LayoutView(timeout=None)
    view.add_item(box)
    view.add_item(_way(page))
    view.stop()
    return view


def _overview(box: Box, policy: Policy, guild: discord.Guild | None) -> None:
    """A paragraph for each page, in its order."""
    paragraphs = [say("panel_paused")] if policy.paused else []
    for page in Page:
        lines = [_line(choice, policy) for choice in CHOICES.values() if choice.page is page]
        if lines:
            paragraphs.append("\n".join(lines))
    paragraphs.append(say("panel_limits", limits=limits_line(policy)))
    if guild is not None:
        paragraphs += warnings_of(policy, guild.id)
    box.add_item(ui.TextDisplay("\n\n".join(paragraphs)[:3000]))


def _line(choice: Choice, policy: Policy) -> str:
    value = choice.shown(policy)
    # What holds where nothing was chosen is also the menu's hint.
    shown = say(f"hint_{choice.key}") if value is None else _short(value)
    return say("panel_line", title=say(f"setting_{choice.key}"), value=shown)


def _short(value: str) -> str:
    """So many mentions as can be taken in; the page itself has all."""
    words = value.split(" ")
    return value if len(words) <= 10 else " ".join([*words[:8], "…"])


def _controls(box: Box, choice: Choice, policy: Policy, gone: Collection[int]) -> None:
    if choice.kind in (Kind.SWITCH, Kind.TEXT):
        box.add_item(ui.TextDisplay(_line(choice, policy)))
    else:
        box.add_item(ui.TextDisplay(f"**{say(f'setting_{choice.key}')}**"))
    box.add_item(_control(choice, policy, gone))


def _control(choice: Choice, policy: Policy, gone: Collection[int]) -> Row:
    custom_id, title = f"{SET_PREFIX}{choice.key}", say(f"setting_{choice.key}")
    if choice.kind is Kind.TEXT:
        return _button(say("button_change", title=title), f"{FORM_PREFIX}{choice.key}")
    if choice.kind is Kind.SWITCH:
        (now,) = choice.given(policy)
        turned = "off" if now == "on" else "on"
        return _button(say(f"button_switch_{turned}", title=title), f"{custom_id}:{turned}")
    row: Row = ui.ActionRow()
    row.add_item(_menu(choice, policy, gone, custom_id))
    return row


def _menu(
    choice: Choice, policy: Policy, gone: Collection[int], custom_id: str
) -> ui.Select[ui.LayoutView] | ui.ChannelSelect[ui.LayoutView] | ui.RoleSelect[ui.LayoutView]:
    hint = say(f"hint_{choice.key}")
    given = choice.given(policy)
    if choice.kind is Kind.OPTION:
        options = [
            discord.SelectOption(label=say(choice.option_code(each)), value=each, default=each in given)
            for each in choice.options
        ]
        return ui.Select(custom_id=custom_id, placeholder=hint, options=options)
    kept = [int(each) for each in given if int(each) not in gone][:MOST_CHOSEN]
    if choice.kind is Kind.ROLES:
        return ui.RoleSelect(
            custom_id=custom_id,
            placeholder=hint,
            min_values=0,
            max_values=MOST_CHOSEN,
            default_values=_defaults(kept, discord.SelectDefaultValueType.role),
        )
    several = choice.kind is Kind.CHANNELS
    return ui.ChannelSelect(
        custom_id=custom_id,
        placeholder=hint,
        min_values=0,
        max_values=MOST_CHOSEN if several else 1,
        channel_types=CLIP_CHANNELS if several else TALK_CHANNELS,
        default_values=_defaults(kept, discord.SelectDefaultValueType.channel),
    )


def _defaults(ids: Sequence[int], kind: discord.SelectDefaultValueType) -> list[discord.SelectDefaultValue]:
    return [discord.SelectDefaultValue(id=each, type=kind) for each in ids]


def _way(page: Page) -> Row:
    """The buttons that lead to the pages."""
    row: Row = ui.ActionRow()
    for each in Page:
        row.add_item(
            ui.Button(
                label=say(f"page_{each}"),
                custom_id=f"{PAGE_PREFIX}{each}:way" if each is page else f"{PAGE_PREFIX}{each}",
                style=discord.ButtonStyle.primary if each is page else discord.ButtonStyle.secondary,
                disabled=each is page,
            )
        )
    return row


def _button(label: str, custom_id: str) -> Row:
    row: Row = ui.ActionRow()
    row.add_item(ui.Button(label=label[:80], custom_id=custom_id, style=discord.ButtonStyle.secondary))
    return row

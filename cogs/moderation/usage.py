"""`/studio report`: who used what over a period, as a table, a chart and a file."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from typing import Any

import discord
from discord import app_commands

from cogs.moderation.office import Interaction, Office, conclude, take_time
from studio.languages.spoken import drawable
from studio.sharing import usage
from studio.sharing.account import Bar
from studio.sharing.periods import Period, Span
from studio.sharing.usage import THIRTY_DAYS, MemberUsage
from studio.texts import date, say

PERIODS = (*(period.value for period in Period), THIRTY_DAYS)

CHART_NAME = "report.png"
MOST_LINES = 15
MOST_BARS = 8
LONGEST_LABEL = 20
"""Characters of a name beside the bar's figure on a phone."""


def commands_of(office: Office) -> list[app_commands.Command[Any, ..., Any]]:
    @app_commands.command(name="report", description=say("command_studio_report"))
    @app_commands.describe(period=say("option_report_period"))
    @app_commands.choices(
        period=[app_commands.Choice(name=say(f"choice_report_{name}"), value=name) for name in PERIODS]
    )
    async def report(interaction: Interaction, period: str = Period.MONTH.value) -> None:
        await take_time(interaction)
        assert interaction.guild_id is not None
        server = await office.council.server(interaction.guild_id)
        span = usage.span_named(period, office.council.now(), server.policy.zone)
        async with office.council.reading() as connection:
            members = await usage.by_member(connection, interaction.guild_id, span)
        if not members:
            await conclude(interaction, say("usage_none", since=date(span.start)))
            return
        files = [*await _chart(office, members), _file(members, period, span)]
        await interaction.edit_original_response(content=_table(members, span), attachments=files)

    return [report]


def _table(members: Sequence[MemberUsage], span: Span) -> str:
    lines = [
        say(
            "usage_title",
            since=date(span.start),
            clips=sum(each.used.clips for each in members),
            spent=sum(each.used.usd_micros for each in members),
        )
    ]
    for place, each in enumerate(members[:MOST_LINES], 1):
        member = say("member_forgotten") if each.is_forgotten else f"<@{each.member_id}>"
        facts = {"clips": each.used.clips, "spent": each.used.usd_micros}
        lines.append(say("usage_line", place=place, member=member, **facts))
    if len(members) > MOST_LINES:
        lines.append(say("usage_more", number=len(members) - MOST_LINES))
    return "\n".join(lines)


def _file(members: Sequence[MemberUsage], period: str, span: Span) -> discord.File:
    name = f"report-{period}-{span.start:%Y-%m-%d}.csv"
    return discord.File(BytesIO(usage.sheet(members)), name, description=say("alt_usage_file"))


async def _chart(office: Office, members: Sequence[MemberUsage]) -> list[discord.File]:
    """Nothing when it could not be drawn: the table says all that it would show."""
    with drawable():
        bars = bars_of(members)
    chart = await office.studio.chart(bars)
    if chart is None:
        return []
    alt = say("alt_usage", bars="; ".join(f"{bar.label}: {bar.figure}" for bar in bars))
    return [discord.File(BytesIO(chart), CHART_NAME, description=alt)]


def bars_of(members: Sequence[MemberUsage]) -> Sequence[Bar]:
    """The first few members against the most that any of them used; by clips only where nothing cost."""
    shown = members[:MOST_BARS]
    paid = any(each.used.usd_micros > 0 for each in shown)
    amounts = [each.used.usd_micros if paid else each.used.clips for each in shown]
    most = max(1, *amounts)
    return [
        Bar(
            label=_label(each),
            figure=say("usage_bar", clips=each.used.clips, spent=each.used.usd_micros),
            fraction=amount / most,
        )
        for each, amount in zip(shown, amounts, strict=True)
    ]


def _label(each: MemberUsage) -> str:
    name = say("member_forgotten") if each.is_forgotten else each.name or str(each.member_id)
    return name if len(name) <= LONGEST_LABEL else f"{name[: LONGEST_LABEL - 1]}…"

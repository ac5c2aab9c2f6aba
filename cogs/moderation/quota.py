"""`/quota`: what a member has used and has left, in words and as a chart that only they see."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from typing import TYPE_CHECKING

import discord
from discord import app_commands
from discord.ext import commands

from cogs.gate import check_place
from cogs.taking import member_of
from studio.languages.spoken import drawable
from studio.progress import Turn
from studio.sharing.account import Account, Bar, Waiting
from studio.sharing.quotas import Allotment, Limit
from studio.texts import moment, say

if TYPE_CHECKING:
    from studio.front import Studio

MEMBERS = (Limit.MEMBER_CLIPS, Limit.MEMBER_MONEY)
POOLS = (Limit.POOL_CLIPS, Limit.POOL_MONEY)
CHART_NAME = "quota.png"
MOST_CLIPS = 10


class Quota(commands.Cog):
    """Reads only; the answer is private."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio

    @app_commands.command(name="quota", description=say("command_quota"))
    @app_commands.allowed_installs(guilds=True, users=False)
    @app_commands.allowed_contexts(guilds=True, dms=False, private_channels=False)
    async def quota(self, interaction: discord.Interaction[discord.Client]) -> None:
        await interaction.response.defer(ephemeral=True, thinking=True)
        check_place(interaction)
        assert interaction.guild_id is not None
        account = await self._studio.account(interaction.guild_id, member_of(interaction))
        places = await self._studio.turns_of([each.job_id for each in account.waiting])
        text = words_of(account, places, guild_id=interaction.guild_id)
        with drawable():
            bars = bars_of(account)
        if not bars:
            await interaction.edit_original_response(content=text)
            return
        chart = await self._studio.chart(bars)
        if chart is None:
            # The words say all that it would show.
            await interaction.edit_original_response(content=text)
            return
        alt = say("alt_quota", bars="; ".join(f"{bar.label}: {bar.figure}" for bar in bars))
        file = discord.File(BytesIO(chart), CHART_NAME, description=alt)
        await interaction.edit_original_response(content=text, attachments=[file])


def words_of(account: Account, places: dict[str, Turn], *, guild_id: int) -> str:
    lines = [say("quota_title")]
    lines += [_line("quota_member", each) for each in account.of(*MEMBERS)]
    lines += [_line("quota_pool", each) for each in account.of(*POOLS)]
    if len(lines) == 1:
        lines.append(say("quota_unlimited"))
    mine, everybodys = account.mine, account.everybodys
    lines.append(
        say(
            "quota_used",
            clips=mine.clips,
            money=mine.usd_micros,
            all=everybodys.clips,
            whole=everybodys.usd_micros,
        )
    )
    for each in account.of(Limit.BUDGET, Limit.SERVER_CAP):
        if each.used.usd_micros >= each.cap.most:
            lines.append(say("quota_operator", when=moment(each.cap.span.end)))
    lines += [_place(each, places.get(each.job_id), guild_id) for each in account.waiting[:MOST_CLIPS]]
    return "\n".join(lines)


def bars_of(account: Account) -> Sequence[Bar]:
    named = [("chart_you", each) for each in account.of(*MEMBERS)]
    named += [("chart_server", each) for each in account.of(*POOLS)]
    return [_bar(label, each) for label, each in named]


def _bar(label: str, each: Allotment) -> Bar:
    used = _used(each)
    code = "chart_clips" if each.cap.counts_clips else "chart_money"
    # Of nothing, everything is used.
    fraction = used / each.cap.most if each.cap.most else 1.0
    return Bar(label=say(label), figure=say(code, used=used, most=each.cap.most), fraction=fraction)


def _line(code: str, each: Allotment) -> str:
    kind = "clips" if each.cap.counts_clips else "money"
    used = _used(each)
    return say(
        code,
        used=say(f"quota_{kind}", used=used, most=each.cap.most),
        left=say(f"quota_{kind}_left", left=max(0, each.cap.most - used)),
        when=moment(each.cap.span.end),
    )


def _used(each: Allotment) -> int:
    return each.used.clips if each.cap.counts_clips else each.used.usd_micros


def _place(each: Waiting, turn: Turn | None, guild_id: int) -> str:
    link = {"link": f"https://discord.com/channels/{guild_id}/{each.thread_id}"} if each.thread_id else {}
    clip = say("quota_clip", **link)
    if each.is_paused:
        return say("quota_paused", clip=clip)
    if turn is None:
        return say("quota_under_way", clip=clip)
    if turn.starts_at is None:
        return say("quota_place", clip=clip, place=turn.place)
    return say("quota_waiting", clip=clip, place=turn.place, when=moment(turn.starts_at))

"""`/jobs`: a member's own clips, running ones with their places, finished ones with a way back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import discord
from discord import app_commands, ui
from discord.ext import commands

from cogs.cards import CANCEL_PREFIX, clip_title, shown_title
from cogs.controls import Route
from cogs.gate import check_place
from cogs.moderation.office import Interaction, take_time
from cogs.moderation.reports import parse_clip
from cogs.results.sharing import SHOW_PREFIX, Sharing
from studio.errors import OrderRefused
from studio.keeping import is_finished, is_showable, is_unposted
from studio.models import Job, JobState, Progress
from studio.texts import moment, say

if TYPE_CHECKING:
    from studio.front import Studio

PAGE_PREFIX = "v1:mine:"

MOST_RUNNING = 5
PER_PAGE = 5
"""Three components each, of the 40 that Discord takes in a message; and a phone shows no more at once."""

MOST_CHOICES = 25
LONGEST_CHOICE = 100


class Jobs(commands.Cog):
    """Everything here is seen by whoever asks alone, but for a clip that is shown again."""

    def __init__(self, studio: Studio, sharing: Sharing) -> None:
        self._studio = studio
        self._sharing = sharing

    @app_commands.command(name="jobs", description=say("command_jobs"))
    @app_commands.describe(show=say("option_show"))
    @app_commands.allowed_installs(guilds=True, users=False)
    @app_commands.allowed_contexts(guilds=True, dms=False, private_channels=False)
    async def jobs(self, interaction: Interaction, show: str | None = None) -> None:
        await take_time(interaction)
        check_place(interaction)
        if show is None:
            await interaction.edit_original_response(view=await self._page(interaction))
        else:
            await self._sharing.show(interaction, await self._named(interaction, show))

    async def _named(self, interaction: Interaction, named: str) -> str:
        """The id of the clip that was chosen, or that a link or a file names. Raises `OrderRefused`."""
        assert interaction.guild_id is not None
        _, message_id, job_id = parse_clip(named)
        if not job_id and message_id:
            job_id = await self._studio.results.mine.by_message(interaction.guild_id, message_id)
        if not job_id:
            raise OrderRefused("result_unknown")
        return job_id

    @jobs.autocomplete("show")
    async def _suggest(self, interaction: Interaction, typed: str) -> list[app_commands.Choice[str]]:
        if interaction.guild_id is None:
            return []
        try:
            found = await self._studio.results.mine.shown_again(
                interaction.guild_id, interaction.user.id, limit=4 * MOST_CHOICES
            )
        except OrderRefused:
            # Nothing is offered while the database is away; the command itself says so.
            return []
        choices = [app_commands.Choice(name=_choice(job), value=job.id) for job in found]
        return [each for each in choices if typed.casefold() in each.name.casefold()][:MOST_CHOICES]

    def routes(self) -> list[Route]:
        return [Route(PAGE_PREFIX, self._turn)]

    async def _turn(self, interaction: Interaction, before: str) -> None:
        await interaction.response.defer()
        await interaction.edit_original_response(view=await self._page(interaction, before))

    async def _page(self, interaction: Interaction, before: str = "") -> ui.LayoutView:
        assert interaction.guild_id is not None
        mine, whose = self._studio.results.mine, (interaction.guild_id, interaction.user.id)
        running = [] if before else await mine.running(*whose)
        ended = await mine.ended(*whose, limit=PER_PAGE + 1, before=before)
        container: ui.Container[ui.LayoutView] = ui.Container(ui.TextDisplay(say("mine_title")))
        if not running and not ended:
            container.add_item(ui.TextDisplay(say("mine_none")))
        if running:
            container.add_item(ui.TextDisplay(say("mine_running")))
        for job, progress in running[:MOST_RUNNING]:
            container.add_item(_running(job, progress))
        if ended:
            container.add_item(ui.TextDisplay(say("mine_older" if before else "mine_recent")))
        for job in ended[:PER_PAGE]:
            container.add_item(_ended(job))
        older = ended[PER_PAGE - 1].id if len(ended) > PER_PAGE else None
        container.add_item(_turning(older))
        view = ui.LayoutView(timeout=None)
        view.add_item(container)
        view.stop()
        return view


def _running(job: Job, progress: Progress) -> ui.Item[ui.LayoutView]:
    facts: dict[str, object] = {
        "title": _linked(job, job.place.talk_id, job.place.card_id),
        # The place in the queue stands beside it.
        "stage": say(f"stage_{progress.stage}"),
        "percent": int(min(progress.fraction, 0.99) * 100),
    }
    if progress.position is not None:
        facts["place"] = progress.position
    if progress.starts_at is not None:
        facts["starts"] = moment(progress.starts_at)
    if progress.expected_at is not None:
        facts["expected"] = moment(progress.expected_at)
    text: ui.TextDisplay[ui.LayoutView] = ui.TextDisplay(say("mine_step", **facts))
    if not progress.can_cancel:
        return text
    button: ui.Button[ui.LayoutView] = ui.Button(
        label=say("button_cancel"),
        style=discord.ButtonStyle.secondary,
        custom_id=f"{CANCEL_PREFIX}{job.id}",
    )
    return ui.Section(text, accessory=button)


def _ended(job: Job) -> ui.Item[ui.LayoutView]:
    text: ui.TextDisplay[ui.LayoutView] = ui.TextDisplay(_told(job))
    if not is_showable(job):
        return text
    button: ui.Button[ui.LayoutView] = ui.Button(
        label=say("button_show"),
        style=discord.ButtonStyle.secondary,
        custom_id=f"{SHOW_PREFIX}{job.id}",
    )
    return ui.Section(text, accessory=button)


def _told(job: Job) -> str:
    told_at = (0, None) if job.removed_at or job.place.outcome_id is None else job.place.told_at
    facts: dict[str, object] = {"title": _linked(job, *told_at), "when": moment(job.state_since)}
    if job.removed_at is not None:
        return say("mine_removed", **facts)
    if not is_finished(job):
        return say("mine_cancelled" if job.state is JobState.CANCELLED else "mine_failed", **facts)
    if not is_showable(job):
        return say("mine_unposted_over" if is_unposted(job) else "mine_over", **facts)
    if job.clip is not None:
        facts["seconds"] = job.clip.seconds
    if job.price_usd_micros is not None:
        facts["price"] = job.price_usd_micros
    return say("mine_unposted" if is_unposted(job) else "mine_ready", **facts)


def _linked(job: Job, channel_id: int, message_id: int | None) -> str:
    name = shown_title(job) or say("mine_unnamed")
    if message_id is None:
        return name
    link = f"https://discord.com/channels/{job.place.guild_id}/{channel_id}/{message_id}"
    return say("mine_title_linked", name=name, link=link)


def _choice(job: Job) -> str:
    assert job.clip is not None
    name = clip_title(job) or say("mine_unnamed")
    # Choices are plain text: Discord's own moments do not work in them.
    day = f"{job.order.ordered_at:%Y-%m-%d %H:%M}"
    return say("mine_choice", name=name[:60], seconds=job.clip.seconds, day=day)[:LONGEST_CHOICE]


def _turning(older: str | None) -> ui.ActionRow[ui.LayoutView]:
    row: ui.ActionRow[ui.LayoutView] = ui.ActionRow()
    if older is not None:
        row.add_item(ui.Button(label=say("button_mine_older"), custom_id=f"{PAGE_PREFIX}{older}"))
    style = discord.ButtonStyle.secondary
    row.add_item(ui.Button(label=say("button_mine_newest"), custom_id=PAGE_PREFIX, style=style))
    return row

"""The presses on questions that jobs wait for: the moderators' Approve, Deny, Block, the member's Yes, No."""

from __future__ import annotations

import re
from datetime import timedelta

import discord
from discord import ui

from cogs.controls import JOB_ID, Route, unknown_button
from cogs.moderation.request_cards import APPROVAL_PREFIX, PRICE_PREFIX
from cogs.moderation.rights import Rights, log_refusal
from cogs.moderation.submitted import values_of
from studio.moderation import blocking
from studio.moderation.hearing import Answer, Heard, Hearing, Hearings
from studio.moderation.questions import Standing
from studio.texts import say

Interaction = discord.Interaction[discord.Client]

BLOCK_DAYS = (1, 7, 30, 0)
"""For how long a member can be blocked from here; 0 = for good."""

LONGEST_REASON = 300

_PRESS = re.compile(r"([a-z]+):([^:]+)(?::([0-9a-f]{1,15}))?")


class ApprovalPresses:
    """Stateless: the id says what and which, the database whether it still counts."""

    def __init__(self, hearings: Hearings, rights: Rights) -> None:
        self._hearings = hearings
        self._rights = rights

    @property
    def routes(self) -> list[Route]:
        return [Route(APPROVAL_PREFIX, self._moderate), Route(PRICE_PREFIX, self._confirm)]

    async def _moderate(self, interaction: Interaction, rest: str) -> None:
        self._rights.require_moderator(interaction)
        press, job_id, price = _parts(rest)
        if not JOB_ID.fullmatch(job_id):
            await unknown_button(interaction)
            return
        match press:
            case "approve":
                await self._answer(interaction, job_id, Standing.APPROVED, price=price)
            case "deny" | "block":
                await interaction.response.send_modal(_form(press, job_id))
            case "denied":
                await self._answer(interaction, job_id, Standing.DENIED)
            case "blocked":
                await self._answer(interaction, job_id, Standing.DENIED, blocks=True)
            case _:
                await unknown_button(interaction)

    async def _answer(
        self,
        interaction: Interaction,
        job_id: str,
        state: Standing,
        *,
        blocks: bool = False,
        price: int | None = None,
    ) -> None:
        # Answered at once: what follows writes to the database, which may be busy for longer than 3 s.
        await interaction.response.defer()
        assert interaction.guild_id is not None
        given = values_of(interaction)
        days = int(given.get("days") or 0)
        answer = Answer(
            guild_id=interaction.guild_id,
            actor_id=interaction.user.id,
            state=state,
            reason=given.get("reason", "").strip()[:LONGEST_REASON],
            blocks=blocks,
            until=self._hearings.now() + timedelta(days=days) if blocks and days else None,
            price=price,
        )
        hearing = await self._hearings.answer(job_id, answer)
        if hearing.heard is Heard.BLOCKED:
            # What became of the clip, and what every block does.
            assert hearing.question is not None
            done = blocking.told(hearing.question.member_id, answer.until)
            lines = (say("heard_denied"), done)
            await interaction.followup.send("\n".join(lines), ephemeral=True)
            return
        await _tell(interaction, hearing)

    async def _confirm(self, interaction: Interaction, rest: str) -> None:
        press, job_id, price = _parts(rest)
        if not JOB_ID.fullmatch(job_id) or press not in ("yes", "no") or interaction.guild_id is None:
            await unknown_button(interaction)
            return
        await interaction.response.defer()
        hearing = await self._hearings.confirm(
            job_id,
            guild_id=interaction.guild_id,
            member_id=interaction.user.id,
            yes=press == "yes",
            is_moderator=self._rights.is_moderator(interaction),
            price=price,
        )
        if hearing.heard is Heard.NOT_YOURS:
            log_refusal(interaction)
        await _tell(interaction, hearing)


def _parts(rest: str) -> tuple[str, str, int | None]:
    """Which press, on which job, and at what price in usd_micros; buttons of earlier versions name none."""
    found = _PRESS.fullmatch(rest)
    if found is None:
        return "", "", None
    press, job_id, price = found.groups()
    return press, job_id, None if price is None else int(price, 16)


async def _tell(interaction: Interaction, hearing: Hearing) -> None:
    facts: dict[str, str] = {}
    question = hearing.question
    if question is not None and question.decided_by is not None and question.decided_at is not None:
        when = discord.utils.format_dt(question.decided_at, "R")
        facts = {"by": f"<@{question.decided_by}>", "when": when}
    await interaction.followup.send(say(f"heard_{hearing.heard}", **facts), ephemeral=True)


def _form(press: str, job_id: str) -> ui.Modal:
    """Asks for the reason, and how long a block lasts. It comes back through `cogs.controls`."""
    done = {"deny": "denied", "block": "blocked"}[press]
    form = ui.Modal(title=say(f"form_{press}"), custom_id=f"{APPROVAL_PREFIX}{done}:{job_id}", timeout=60)
    if press == "block":
        options = [
            discord.SelectOption(label=say(f"duration_{days}"), value=str(days)) for days in BLOCK_DAYS
        ]
        options[1].default = True
        select: ui.Select[ui.LayoutView] = ui.Select(custom_id="days", options=options, required=True)
        form.add_item(ui.Label(text=say("form_duration"), component=select))
    reason: ui.TextInput[ui.LayoutView] = ui.TextInput(
        custom_id="reason",
        style=discord.TextStyle.paragraph,
        required=True,
        max_length=LONGEST_REASON,
    )
    form.add_item(ui.Label(text=say("form_reason"), description=say("form_reason_hint"), component=reason))
    # Stopped, so that discord.py does not keep it for ever.
    form.stop()
    return form

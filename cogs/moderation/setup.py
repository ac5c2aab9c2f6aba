"""`/studio setup`: every press on the panel is saved at once, recorded, and shown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from discord import app_commands

from cogs.controls import Route
from cogs.moderation.forms import answer_of, ask, is_form, values_of
from cogs.moderation.grounds import gone_from
from cogs.moderation.office import Interaction, Office, take_time
from cogs.moderation.panel import FORM_PREFIX, GONE_PREFIX, PAGE_PREFIX, SET_PREFIX, panel
from studio.errors import OrderRefused
from studio.languages.spoken import speaking
from studio.languages.tongues import Language
from studio.moderation.choices import CHOICES, Choice, Page, without
from studio.sharing.policy import Policy
from studio.texts import say


def commands_of(office: Office) -> list[app_commands.Command[Any, ..., Any]]:
    @app_commands.command(name="setup", description=say("command_studio_setup"))
    async def setup(interaction: Interaction) -> None:
        await take_time(interaction)
        await _show(interaction, Page.OVERVIEW, await _rules(office, interaction))

    return [setup]


def routes_of(office: Office) -> list[Route]:
    presses = _Presses(office)
    return [
        office.for_managers(PAGE_PREFIX, presses.turn),
        office.for_managers(SET_PREFIX, presses.choose),
        office.for_managers(FORM_PREFIX, presses.write),
        office.for_managers(GONE_PREFIX, presses.remove_gone),
    ]


class _Presses:
    def __init__(self, office: Office) -> None:
        self._office = office

    async def turn(self, interaction: Interaction, page: str) -> None:
        """Show a page, with the rules as they are now."""
        await interaction.response.defer()
        await _show(interaction, _page(page), await _rules(self._office, interaction))

    async def choose(self, interaction: Interaction, rest: str) -> None:
        """A menu or a switch; a switch says itself what it is to become, so that two presses are as one."""
        key, _, value = rest.partition(":")
        choice = _choice(key)
        await interaction.response.defer()
        await self._save(interaction, choice, [value] if value else values_of(interaction))

    async def write(self, interaction: Interaction, key: str) -> None:
        """First the button that opens a form, then the form itself."""
        choice = _choice(key)
        if is_form(interaction):
            await interaction.response.defer()
            await self._save(interaction, choice, [answer_of(interaction).strip()])
            return
        assert interaction.guild_id is not None
        # From memory: a form must be the first answer to a press.
        policy = self._office.servers.of(interaction.guild_id).policy
        await ask(
            interaction,
            f"{FORM_PREFIX}{key}",
            say(f"setting_{key}"),
            label=say("form_zone" if key == "time_zone" else "form_money"),
            answer=_as_written(choice, policy),
        )

    async def remove_gone(self, interaction: Interaction, page: str) -> None:
        """Take roles and channels out of the rules that the server no longer has."""
        await interaction.response.defer()
        policy = await _rules(self._office, interaction)
        gone = gone_from(interaction.guild, policy)
        entry = self._office.entry(
            interaction, "gone_removed", details={"value": " ".join(gone.values())[:1000]}
        )
        changed = await self._office.council.set_up(lambda rules: without(rules, frozenset(gone)), entry)
        await _show(interaction, _page(page), changed.policy)

    async def _save(self, interaction: Interaction, choice: Choice, given: Sequence[str]) -> None:
        # Tried on empty rules first: what cannot be chosen is refused before anything is read or written.
        with self._office.for_the_record(interaction):
            value = choice.shown(choice.amend(Policy(), given))
        details = {} if value is None else {"value": value}
        entry = self._office.entry(interaction, f"set_{choice.key}", subject=choice.key, details=details)
        server = await self._office.council.set_up(lambda policy: choice.amend(policy, given), entry)
        await _show(interaction, choice.page, server.policy)


def _as_written(choice: Choice, policy: Policy) -> str:
    """The value as it can be sent back: amounts are read in one way only, whoever writes them."""
    with speaking(Language.ENGLISH):
        return choice.shown(policy) or ""


async def _rules(office: Office, interaction: Interaction) -> Policy:
    assert interaction.guild_id is not None
    return (await office.council.server(interaction.guild_id)).policy


async def _show(interaction: Interaction, page: Page, policy: Policy) -> None:
    await interaction.edit_original_response(view=panel(page, policy, interaction.guild))


def _page(name: str) -> Page:
    try:
        return Page(name)
    except ValueError:
        raise OrderRefused("no_such_choice") from None


def _choice(key: str) -> Choice:
    if key not in CHOICES:
        raise OrderRefused("no_such_choice")
    return CHOICES[key]

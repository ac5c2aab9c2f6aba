"""The panel of `/studio setup`: every choice is saved at once, recorded and shown, also after a restart."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from studio.errors import OrderRefused
from studio.moderation import audit
from studio.moderation.amounts import read_money, read_span
from studio.moderation.audit import Entry
from studio.moderation.choices import CHOICES, Page, find_zone
from studio.sharing.policy import ApprovalMode, Policy
from tests.bureau import Bureau, open_bureau, texts_of


@pytest.fixture
async def bureau(tmp_path: Path) -> AsyncIterator[Bureau]:
    async with open_bureau(tmp_path) as bureau:
        yield bureau


def rules(bureau: Bureau) -> Policy:
    return bureau.servers.of(bureau.world.guild.id).policy


def panel(bureau: Bureau) -> dict[str, Any]:
    """The panel as the moderator sees it now."""
    return bureau.world.messages(bureau.world.clips.id, viewer=bureau.world.moderator)[-1]


async def opened(bureau: Bureau, page: Page) -> dict[str, Any]:
    world = bureau.world
    await world.slash(world.moderator, world.clips, "studio setup")
    await world.eventually(lambda: "Set up the studio" in texts_of(panel(bureau)))
    if page is not Page.OVERVIEW:
        before = texts_of(panel(bureau))
        await world.click(world.moderator, panel(bureau), f"v1:setup:page:{page}")
        await world.eventually(lambda: texts_of(panel(bureau)) != before)
    return panel(bureau)


async def recorded(bureau: Bureau) -> list[Entry]:
    async with bureau.database.read() as connection:
        return [entry for _, entry in await audit.newest(connection, bureau.world.guild.id)]


async def test_channels_and_roles_are_chosen_in_menus(bureau: Bureau) -> None:
    world = bureau.world
    other = world.guild.create_text_channel("other")
    role = world.guild.create_role("Regulars")
    message = await opened(bureau, Page.PLACES)

    await world.select(world.moderator, message, "v1:setup:set:channel_ids", [world.clips, other])
    await world.eventually(lambda: rules(bureau).channel_ids)
    await world.select(world.moderator, message, "v1:setup:set:role_ids", [role])
    await world.eventually(lambda: rules(bureau).role_ids)

    assert set(rules(bureau).channel_ids) == {world.clips.id, other.id}
    assert rules(bureau).role_ids == (role.id,)
    assert [entry.action for entry in await recorded(bureau)] == ["set_role_ids", "set_channel_ids"]


async def test_how_long_a_request_waits_is_chosen(bureau: Bureau) -> None:
    world = bureau.world
    message = await opened(bureau, Page.APPROVAL)

    await world.select(world.moderator, message, "v1:setup:set:approval_days", ["14"])
    await world.eventually(lambda: rules(bureau).approval.days == 14)

    [chosen] = [
        option["value"]
        for row in panel(bureau)["components"][0]["components"]
        for menu in row.get("components", [])
        for option in menu.get("options", [])
        if menu["custom_id"] == "v1:setup:set:approval_days" and option.get("default")
    ]
    assert chosen == "14"
    with pytest.raises(OrderRefused, match="no_such_choice"):
        CHOICES["approval_days"].amend(Policy(), ["365"])
    assert [entry.action for entry in await recorded(bureau)] == ["set_approval_days"]


async def test_the_first_choice_asks_members_for_their_word_from_then_on(bureau: Bureau) -> None:
    world = bureau.world
    message = await opened(bureau, Page.PLACES)

    await world.select(world.moderator, message, "v1:setup:set:channel_ids", [world.clips])
    await world.eventually(lambda: rules(bureau).is_set_up)
    first = rules(bureau).consent
    message = await opened(bureau, Page.DEFAULTS)
    await world.click(world.moderator, message, "v1:setup:set:consent:off")
    await world.eventually(lambda: not rules(bureau).consent)
    await world.click(world.moderator, panel(bureau), "v1:setup:set:keep_sound:off")
    await world.eventually(lambda: not rules(bureau).defaults.keep_sound)

    assert first is True
    assert rules(bureau).consent is False


async def test_looking_at_the_panel_sets_nothing_up(bureau: Bureau) -> None:
    for page in Page:
        message = await opened(bureau, page)
        assert _count(message["components"]) <= 40

    assert rules(bureau) == Policy()
    assert await recorded(bureau) == []


async def test_an_option_is_saved_and_shown_after_a_restart(bureau: Bureau) -> None:
    world = bureau.world
    message = await opened(bureau, Page.APPROVAL)
    await bureau.restart()

    await world.select(world.moderator, message, "v1:setup:set:approval_mode", ["above_price"])
    await world.eventually(lambda: rules(bureau).approval.mode is ApprovalMode.ABOVE_PRICE)

    chosen = [option for option in _options(panel(bureau)["components"]) if option.get("default")]
    # The other one says how long a request waits.
    assert [option["value"] for option in chosen] == ["above_price", "3"]


@pytest.mark.parametrize(
    ("key", "written", "saved"),
    [("time_zone", "new york", "America/New_York"), ("confirm_above", "$0,50", 500_000)],
)
async def test_texts_are_written_in_a_form(bureau: Bureau, key: str, written: str, saved: Any) -> None:
    world = bureau.world
    message = await opened(bureau, CHOICES[key].page)

    form = await world.click(world.moderator, message, f"v1:setup:form:{key}")
    await world.submit_modal(world.moderator, form, {"answer": written})
    await world.eventually(lambda: rules(bureau).is_set_up)

    assert CHOICES[key].value(rules(bureau)) == saved


async def test_what_cannot_be_is_refused_and_nothing_is_changed(bureau: Bureau) -> None:
    world = bureau.world
    message = await opened(bureau, Page.DEFAULTS)

    form = await world.click(world.moderator, message, "v1:setup:form:time_zone")
    result = await world.submit_modal(world.moderator, form, {"answer": "Atlantis"})
    await world.eventually(lambda: result.followups)

    assert "I know no time zone “Atlantis”" in result.followups[0].content
    assert rules(bureau) == Policy()


async def test_permissions_are_checked_again_by_a_button(bureau: Bureau) -> None:
    world = bureau.world
    message = await opened(bureau, Page.LOG)
    world.deny(world.clips, "send_messages")
    await world.select(world.moderator, message, "v1:setup:set:log_channel", [world.clips])
    await world.eventually(lambda: "I lack **Send Messages**" in texts_of(panel(bureau)))

    world.deny(world.clips)
    await world.click(world.moderator, panel(bureau), "v1:setup:page:log")
    await world.eventually(lambda: "every permission that I need" in texts_of(panel(bureau)))

    assert rules(bureau).log_channel_id == world.clips.id


async def test_roles_and_channels_that_are_gone_are_shown_and_removed(bureau: Bureau) -> None:
    world = bureau.world
    message = await opened(bureau, Page.PLACES)
    other = world.guild.create_text_channel("other")
    await world.select(world.moderator, message, "v1:setup:set:channel_ids", [world.clips, other])
    await world.eventually(lambda: rules(bureau).channel_ids)
    world.discord.delete_channel(other.id)

    message = await opened(bureau, Page.PLACES)
    shown = texts_of(message)
    await world.click(world.moderator, message, "v1:setup:gone:places")
    await world.eventually(lambda: rules(bureau).channel_ids == (world.clips.id,))

    assert f"no longer exists in this server: <#{other.id}>" in shown


async def test_two_moderators_choices_are_both_kept(bureau: Bureau) -> None:
    world = bureau.world
    places, approval = await opened(bureau, Page.PLACES), await opened(bureau, Page.APPROVAL)

    await world.select(world.moderator, approval, "v1:setup:set:approval_mode", ["everyone"])
    await world.select(world.moderator, places, "v1:setup:set:channel_ids", [world.clips])
    await world.eventually(lambda: rules(bureau).channel_ids)

    assert rules(bureau).approval.mode is ApprovalMode.EVERYONE


@pytest.mark.parametrize("key", CHOICES)
def test_every_choice_can_be_made_said_and_unmade(key: str) -> None:
    choice = CHOICES[key]
    for given in ([option] for option in choice.options or ("7",)):
        if key != "time_zone":
            policy = choice.amend(Policy(), given)

            assert choice.shown(policy)
            assert choice.kind == "text" or choice.amend(policy, choice.given(policy)) == policy


def test_zones_are_found_by_city_and_odd_ones_refused() -> None:
    assert find_zone("berlin") == "Europe/Berlin"
    assert find_zone("europe/berlin") == "Europe/Berlin"
    for odd in ("", "../../etc/passwd", "Mars"):
        with pytest.raises(OrderRefused):
            find_zone(odd)


def test_amounts_are_read_as_people_write_them() -> None:
    assert read_money("$2.50") == read_money("2,5") == 2_500_000
    assert read_money(" ") is None
    assert str(read_span("7 days")) == "7 days, 0:00:00"
    assert read_span("forever") is None
    for odd in ("many", "-1", "NaN", "Infinity", "1e99"):
        with pytest.raises(OrderRefused):
            read_money(odd)
    for odd in ("soon", "0d", "99999w", "1y"):
        with pytest.raises(OrderRefused):
            read_span(odd)


def test_a_policy_of_before_there_was_a_panel_is_not_set_up() -> None:
    assert not Policy().is_set_up
    assert replace(Policy(), is_set_up=True).is_set_up


def _count(components: list[dict[str, Any]]) -> int:
    return sum(1 + _count(each.get("components") or []) for each in components)


def _options(components: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        option
        for each in components
        for option in (each.get("options") or []) + _options(each.get("components") or [])
    ]

"""Roles, grants, personal limits and caps become the one limit that a member's order meets."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from studio.database import Database
from studio.errors import LimitReached
from studio.models import Member
from studio.sharing import admission, grants, servers, tallies
from studio.sharing.grants import Given
from studio.sharing.periods import Period, span_of
from studio.sharing.policy import Allowance, Policy, Share
from studio.sharing.tallies import Owner
from tests.builders import FixedClock, a_job, an_order
from tests.pool_world import LEAST, a_studio, booked, folded, set_rules, taken

EVERYONE, ARTIST, BOOSTER = 1, 501, 502
DAILY = Share(Period.DAY, clips=2)


async def clips_allowed(database: Database, *roles: int, at: datetime) -> int:
    """How many clips a new member with these roles gets before a limit says no."""
    studio = a_studio(database)
    for number in range(12):
        order = an_order(member_id=77, at=at)
        if not await taken(studio, replace(order, member=replace(order.member, role_ids=roles))):
            return number
    return 12


async def give(database: Database, clips: int, **changes: Any) -> None:
    values: dict[str, Any] = {
        "id": f"g{clips}{sorted(changes)}"[:25],
        "at": datetime(2026, 3, 1, tzinfo=FixedClock().moment.tzinfo),
        "guild_id": 1,
        "clips": clips,
        "replaces": False,
        "until": None,
        "actor_id": 9,
        "reason": "test",
    }
    async with database.write() as connection:
        await grants.add(connection, Given(**(values | changes)))


@pytest.fixture
async def shared(database: Database) -> Database:
    """A server where everyone has 2 clips a day, artists 5 a day and boosters 40 a month."""
    shares = {EVERYONE: DAILY, ARTIST: Share(Period.DAY, clips=5), BOOSTER: Share(Period.MONTH, clips=40)}
    allowances = tuple(Allowance(role_id=role, share=share) for role, share in shares.items())
    await set_rules(database, Policy(allowances=allowances))
    return database


@pytest.mark.parametrize(("roles", "clips"), [((), 2), ((ARTIST,), 5), ((ARTIST, BOOSTER), 12), ((999,), 2)])
async def test_a_member_has_the_best_of_their_roles(
    shared: Database, clock: FixedClock, roles: tuple[int, ...], clips: int
) -> None:
    assert await clips_allowed(shared, *roles, at=clock()) == clips


async def test_a_grant_comes_on_top_until_it_ends(shared: Database, clock: FixedClock) -> None:
    await give(shared, 3, member_id=77, until=clock() + timedelta(hours=1))

    within = await clips_allowed(shared, at=clock())
    a_day_later = await clips_allowed(shared, at=clock() + timedelta(days=1))

    assert (within, a_day_later) == (5, 2)


async def test_what_is_given_to_a_role_is_given_to_each_member_with_it(
    shared: Database, clock: FixedClock
) -> None:
    await give(shared, 4, role_id=ARTIST)

    assert await clips_allowed(shared, at=clock()) == 2
    assert await clips_allowed(shared, ARTIST, at=clock() + timedelta(days=1)) == 9


async def test_what_is_taken_away_never_makes_less_than_none(shared: Database, clock: FixedClock) -> None:
    await give(shared, -10, member_id=77)

    assert await clips_allowed(shared, ARTIST, at=clock()) == 0


async def test_a_personal_limit_stands_for_the_roles_clips_as_long_as_it_lasts(
    shared: Database, clock: FixedClock
) -> None:
    await give(shared, 1, member_id=77, replaces=True, until=clock() + timedelta(hours=1))

    within = await clips_allowed(shared, ARTIST, at=clock())
    a_day_later = await clips_allowed(shared, ARTIST, at=clock() + timedelta(days=1))

    assert (within, a_day_later) == (1, 5)


async def test_grants_of_others_and_of_other_servers_change_nothing(
    shared: Database, clock: FixedClock
) -> None:
    await give(shared, 5, member_id=78)
    await give(shared, 6, member_id=77, guild_id=2)

    assert await clips_allowed(shared, at=clock()) == 2


async def test_an_overruled_order_passes_the_servers_limits_and_is_counted(
    shared: Database, clock: FixedClock
) -> None:
    studio = a_studio(shared)
    order = an_order(member_id=77, at=clock())
    await clips_allowed(shared, at=clock())

    await studio.register.take(replace(order, overruled=True))

    assert (await booked(shared))[1, 77, 1, order.ordered_at.timestamp() // 900][0] == 3
    assert await booked(shared) == await folded(shared)


@pytest.mark.parametrize("terms", [{"cap": 2 * LEAST}, {"budget": 2 * LEAST}], ids=["cap", "budget"])
async def test_nobody_overrules_the_operator(
    database: Database, clock: FixedClock, terms: dict[str, int]
) -> None:
    await set_rules(database, Policy(), cap=terms.get("cap"))
    studio = a_studio(database, monthly_budget_usd_micros=terms.get("budget"))
    orders = [replace(an_order(member_id=who, at=clock()), overruled=True) for who in (77, 78, 79)]

    results = [await taken(studio, order) for order in orders]

    assert results == [True, True, False]


async def test_of_several_limits_the_operators_is_told(database: Database, clock: FixedClock) -> None:
    await set_rules(database, Policy(pool=Share(clips=0)), cap=0)

    with pytest.raises(LimitReached) as told:
        await a_studio(database).register.take(an_order(at=clock()))

    assert (told.value.code, told.value.can_ask) == ("server_cap_reached", False)


async def test_money_that_a_failed_clip_cost_is_the_operators_and_not_the_members(
    database: Database, clock: FixedClock
) -> None:
    job = await a_job(database)
    month = span_of(Period.MONTH, clock(), Policy().zone)
    async with database.write() as connection:
        await tallies.book(connection, job, clips=1, usd_micros=LEAST)
        await tallies.book(connection, job, clips=-1, forgiven=LEAST)

    async with database.read() as connection:
        of_member, of_operator = await tallies.used(
            connection, [(Owner(1, 10), month), (Owner(0, with_forgiven=True), month)]
        )

    assert (of_member.clips, of_member.usd_micros) == (0, 0)
    assert of_operator.usd_micros == LEAST


async def test_a_refusal_says_which_limit_what_is_left_and_when_it_returns(
    shared: Database, clock: FixedClock
) -> None:
    await clips_allowed(shared, at=clock())

    with pytest.raises(LimitReached) as told:
        await a_studio(shared).register.take(an_order(member_id=77, at=clock()))

    midnight = clock().replace(hour=0) + timedelta(days=1)
    assert told.value.can_ask
    assert "You have too few clips left: 0 of 2." in told.value.sentence
    assert f"<t:{int(midnight.timestamp())}:R>" in told.value.sentence


async def test_at_midnight_there_in_the_server_there_are_new_clips(
    database: Database, clock: FixedClock
) -> None:
    everyone = (Allowance(role_id=EVERYONE, share=DAILY),)
    await set_rules(database, Policy(allowances=everyone, time_zone="Asia/Kathmandu"))
    before = datetime.fromisoformat("2026-03-01T18:14:59.9+00:00")

    used_up = await clips_allowed(database, at=before)
    after = await clips_allowed(database, at=before + timedelta(seconds=0.1))

    assert (used_up, after) == (2, 2)


async def test_limits_are_asked_for_in_one_go(shared: Database, clock: FixedClock) -> None:
    async with shared.read() as connection:
        server = await servers.read(connection, 1, clock())
        found = await admission.allotments(
            connection, server, Member(77, "", (ARTIST,)), now=clock(), budget=10 * LEAST
        )

    limits = [(each.cap.limit.name, each.cap.most, each.used.clips) for each in found.shown(LEAST)]
    assert limits == [("BUDGET", 10 * LEAST, 0), ("MEMBER_CLIPS", 5, 0)]

"""Several roles: what a member uses has to fit into one of their shares, and no further role takes any."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studio import ledger, schema
from studio.database import Database
from studio.errors import LimitReached
from studio.models import Job
from studio.sharing import admission
from studio.sharing.periods import Period
from studio.sharing.policy import Allowance, Policy, Share
from studio.sharing.quotas import Allotment, Allotments, Limit, Usage, members_caps
from tests.builders import FixedClock, a_job, an_order
from tests.pool_world import LEAST, a_studio, booked, folded, set_rules, taken
from tests.test_sharing_limits import clips_allowed, give

EVERYONE, BOOSTER = 1, 502


def ruled(*shares: Share) -> Policy:
    """The first share is everyone's, the second the boosters'."""
    roles = (EVERYONE, BOOSTER)
    given = [Allowance(role_id=role, share=share) for role, share in zip(roles, shares, strict=False)]
    return Policy(allowances=tuple(given))


async def hold(database: Database, job: Job, amount: int, *, clips: int = 0) -> None:
    async with database.write() as connection:
        await admission.hold(
            connection,
            job,
            amount,
            now=job.order.ordered_at,
            because=ledger.Because(actor="studio", reason="ordered"),
            budget=None,
            clips=clips,
        )


@pytest.mark.parametrize(
    ("everyones", "boosters", "clips"),
    [
        (Share(usd_micros=2 * LEAST), Share(clips=6), 6),
        (Share(clips=5, usd_micros=100 * LEAST), Share(clips=6, usd_micros=LEAST), 5),
        (Share(Period.DAY, clips=2), Share(clips=3), 3),
        (Share(Period.DAY, clips=4), Share(clips=3), 4),
        (Share(clips=0), Share(usd_micros=3 * LEAST), 3),
    ],
)
async def test_a_further_role_never_leaves_less(
    database: Database, clock: FixedClock, everyones: Share, boosters: Share, clips: int
) -> None:
    await set_rules(database, ruled(everyones, boosters))

    assert await clips_allowed(database, BOOSTER, at=clock()) == clips


shares = st.builds(
    Share,
    st.sampled_from(Period),
    st.none() | st.integers(0, 6),
    st.none() | st.integers(0, 6).map(lambda clips: clips * LEAST),
)


@given(st.lists(shares, min_size=1, max_size=3), shares, st.integers(0, 8), st.integers(0, 8))
def test_who_gets_a_role_is_never_refused_what_they_had(
    had: list[Share], more: Share, clips: int, priced: int
) -> None:
    used = Usage(clips, priced * LEAST)

    before, after = allotted(had, used), allotted([*had, more], used)

    if before.refusal(clips=1, usd_micros=LEAST) is None:
        assert after.refusal(clips=1, usd_micros=LEAST) is None
    alone = [allotted([share], used).refusal(clips=1, usd_micros=LEAST) for share in [*had, more]]
    assert (after.refusal(clips=1, usd_micros=LEAST) is None) == (None in alone)


def allotted(shares: Sequence[Share], used: Usage) -> Allotments:
    allowances = tuple(Allowance(role_id=role, share=share) for role, share in enumerate(shares))
    now = datetime(2026, 3, 1, 12, tzinfo=UTC)
    found = members_caps(Policy(allowances=allowances), role_ids=range(len(shares)), grants=[], now=now)
    return Allotments([], [[Allotment(cap, used) for cap in caps] for caps in found])


async def test_what_is_told_is_the_share_that_gives_most_and_begins_anew_first(
    database: Database, clock: FixedClock
) -> None:
    await set_rules(database, ruled(Share(Period.DAY, clips=2), Share(clips=3)))
    order = an_order(member_id=77, at=clock())
    member = replace(order.member, role_ids=(BOOSTER,))
    studio = a_studio(database, clock=clock)

    at_first = (await studio.account(1, member)).limits
    await clips_allowed(database, BOOSTER, at=clock())
    in_the_end = (await studio.account(1, member)).limits
    with pytest.raises(LimitReached) as told:
        await studio.register.take(replace(order, member=member))

    assert [(each.cap.most, each.left) for each in at_first] == [(3, 3)]
    # One clip more than the day's share: tomorrow there are new ones, this month there are none.
    assert [(each.cap.most, each.left) for each in in_the_end] == [(2, -1)]
    midnight = clock().replace(hour=0) + timedelta(days=1)
    assert "0 of 2" in told.value.sentence
    assert f"<t:{int(midnight.timestamp())}:R>" in told.value.sentence


async def test_money_that_is_held_later_fits_the_share_that_took_the_order(
    database: Database, clock: FixedClock
) -> None:
    await set_rules(database, ruled(Share(clips=1), Share(usd_micros=3 * LEAST)))
    jobs = []
    for _ in range(2):
        job = await a_job(database, at=clock())
        member = replace(job.order.member, role_ids=(BOOSTER,))
        jobs.append(replace(job, order=replace(job.order, member=member)))
        await hold(database, jobs[-1], LEAST, clips=1)

    # The clips of the one share are passed, so that the other has to hold all of the money.
    await hold(database, jobs[0], 2 * LEAST)
    with pytest.raises(LimitReached) as told:
        await hold(database, jobs[1], 2 * LEAST)

    assert told.value.code == Limit.MEMBER_MONEY


async def ordered(database: Database, clock: FixedClock) -> Job:
    """A booster's order that was taken, with the least that it can cost on hold."""
    job = await a_job(database, at=clock())
    member = replace(job.order.member, role_ids=(BOOSTER,))
    job = replace(job, order=replace(job.order, member=member))
    await hold(database, job, LEAST, clips=1)
    return job


async def test_an_order_that_came_after_it_ends_none_that_was_taken(
    database: Database, clock: FixedClock
) -> None:
    await set_rules(database, ruled(Share(clips=5), Share(usd_micros=7 * LEAST)))
    earlier = [await ordered(database, clock) for _ in range(4)]
    await hold(database, earlier[0], 2 * LEAST)
    # The last of the one share's clips, and one that only the other share has room for.
    last, later = await ordered(database, clock), await ordered(database, clock)

    await hold(database, last, 3 * LEAST)
    with pytest.raises(LimitReached) as told:
        await hold(database, later, 2 * LEAST)

    assert told.value.code == Limit.MEMBER_MONEY
    # Nor does the share let more than its five clips through, by whichever moment of theirs.
    with pytest.raises(LimitReached):
        await ordered(database, clock)


async def test_who_was_taken_first_is_not_who_ordered_first(database: Database, clock: FixedClock) -> None:
    await set_rules(database, ruled(Share(clips=1), Share(usd_micros=3 * LEAST)))
    slow = await a_job(database, at=clock())
    quick = await ordered(database, clock)
    member = quick.order.member
    slow = replace(slow, order=replace(slow.order, member=member))
    await hold(database, slow, LEAST, clips=1)

    await hold(database, quick, 3 * LEAST)
    with pytest.raises(LimitReached):
        await hold(database, slow, 2 * LEAST)


steps = st.lists(st.tuples(st.integers(0, 6), st.integers(2, 5)), max_size=12)


@settings(max_examples=25, deadline=None)
@given(most=st.integers(1, 3), money=st.integers(2, 8), steps=steps)
def test_no_succession_of_orders_ends_an_earlier_one_or_passes_a_share(
    tmp_path_factory: pytest.TempPathFactory, most: int, money: int, steps: list[tuple[int, int]]
) -> None:
    """Each step orders, or holds more for an order that was taken: as many as the one share has clips always
    may, and all the others only while everything fits the other share."""

    async def walk() -> None:
        database = Database(f"sqlite:///{tmp_path_factory.mktemp('walk')}/walk.db")
        await schema.upgrade(database)
        clock = FixedClock()
        await set_rules(database, ruled(Share(clips=most), Share(usd_micros=money * LEAST)))
        held: list[tuple[Job, int]] = []
        for which, price in steps:
            spent = sum(amount for _, amount in held)
            if which >= len(held):
                fits = len(held) < most or spent + 1 <= money
                try:
                    held.append((await ordered(database, clock), 1))
                    assert fits
                except LimitReached:
                    assert not fits
                continue
            job, before = held[which]
            fits = which < most or price <= before or spent - before + price <= money
            try:
                await hold(database, job, price * LEAST)
                held[which] = (job, max(before, price))
                assert fits
            except LimitReached:
                assert not fits
        await database.close()

    asyncio.run(walk())


async def test_several_shares_hold_against_many_orders_at_once(database: Database) -> None:
    await set_rules(database, ruled(Share(clips=3), Share(usd_micros=5 * LEAST)))
    studio = a_studio(database)
    orders = [an_order(member_id=10) for _ in range(20)]

    results = await asyncio.gather(
        *(
            taken(studio, replace(order, member=replace(order.member, role_ids=(BOOSTER,))))
            for order in orders
        )
    )

    assert sum(results) == 5
    assert await booked(database) == await folded(database)


async def test_what_everyone_is_given_everyone_has(database: Database, clock: FixedClock) -> None:
    await set_rules(database, ruled(Share(Period.DAY, clips=2)))
    await give(database, 5, role_id=EVERYONE)

    assert await clips_allowed(database, at=clock()) == 7

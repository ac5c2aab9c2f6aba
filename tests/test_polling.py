"""How often the provider's list is read: little for many renders, soon for few, rarely beside webhooks."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pytest
from aiohttp import web

from providers.addresses import guarded_session
from providers.pace import Pace
from providers.pixelbyte import provider_hosts
from studio import jobs, overviews
from studio.database import Database
from studio.models import JobState
from studio.poller import SINGLE_LOOKS, Poller
from tests.builders import FixedClock, a_job
from tests.bureau import Bells
from tests.pool_world import equipment_on
from tests.stub_provider import Stub, a_client, stub_server

SECONDS = 180.0
"""What each render takes, and is said to take."""

STEP = 2.5
"""How often the poller looks whether anything is due; it does so by itself at half of 5 s."""


@dataclass
class Fleet:
    """Renders at a provider whose list shows them newest first, or oldest, but not the `hidden` ones."""

    database: Database
    clock: FixedClock
    stub: Stub
    poller: Poller
    bells: Bells
    renders: list[tuple[str, datetime, datetime]] = field(default_factory=list)
    jobs: dict[str, str] = field(default_factory=dict)
    noticed: dict[str, float] = field(default_factory=dict)
    hidden: set[str] = field(default_factory=set)
    newest_first: bool = True

    async def begin(self, *, age: float = 0.0, late: float = 0.0, said: float = SECONDS) -> None:
        """Order a render so many seconds ago that takes `late` seconds longer than was `said`."""
        began = self.clock() - timedelta(seconds=age)
        expected, name = began + timedelta(seconds=said), f"job_{len(self.renders):06d}"
        job = await a_job(self.database, JobState.RENDERING)
        async with self.database.write() as connection:
            await jobs.amend(connection, job, provider_job_id=name, submitted_at=began, expected_at=expected)
        self.renders.append((name, began, expected + timedelta(seconds=late)))
        self.jobs[job.id] = name

    async def list(self, request: web.Request) -> web.Response:
        shown = [render for render in self.renders if render[0] not in self.hidden]
        newest = sorted(shown, key=lambda render: render[1], reverse=self.newest_first)
        first, size = int(request.query.get("cursor", "0")), int(request.query["limit"])
        lines = [
            {
                "jobId": name,
                "status": "completed" if due <= self.clock() else "processing",
                "createdAt": began.isoformat(),
            }
            for name, began, due in newest[first : first + size]
        ]
        more = first + size < len(newest)
        return web.json_response(
            {"jobs": lines, "hasMore": more, "nextCursor": str(first + size) if more else None}
        )

    async def sail(self, seconds: float, *, told: bool = False, again: bool = True) -> int:
        """Let that time pass and return the requests for the list. `told`: webhooks tell of every end.

        `again`: each render that ended is followed by another one.
        """
        before = len(self.stub.asked)
        for _ in range(int(seconds / STEP)):
            self.clock.tick(STEP)
            if told:
                for name, _, due in self.renders:
                    if due <= self.clock():
                        await self._end(name, again=again)
            self.bells.woken.clear()
            await self.poller.poll()
            for job_id in list(self.bells.woken):
                await self._end(self.jobs[job_id], again=again)
        return len(self.stub.asked) - before

    async def _end(self, name: str, *, again: bool) -> None:
        due = next(due for known, _, due in self.renders if known == name)
        if name in self.noticed or due > self.clock():
            return
        self.noticed[name] = (self.clock() - due).total_seconds()
        async with self.database.write() as connection:
            job = await jobs.by_provider_id(connection, name)
            assert job is not None
            await jobs.move(connection, job, JobState.FETCHING, now=self.clock())
        if again:
            await self.begin()


@asynccontextmanager
async def a_fleet(database: Database, clock: FixedClock, *, webhooks: bool = False) -> AsyncIterator[Fleet]:
    async with stub_server() as stub, guarded_session(provider_hosts(stub.url, [])) as session:
        client = a_client(session, stub.url)
        client._calls._pace = Pace(per_second=10_000)
        terms = {"webhook_address": lambda token: f"https://here/{token}"} if webhooks else {}
        equipment = replace(equipment_on(database, clock=clock, **terms), provider=client)
        bells = Bells()
        fleet = Fleet(database, clock, stub, Poller(equipment, bells), bells)
        stub.on("GET", "/v1/jobs", fleet.list)
        yield fleet


async def test_an_end_that_no_webhook_told_is_noticed_long_before_the_provider_expected_it(
    database: Database, clock: FixedClock
) -> None:
    async with a_fleet(database, clock, webhooks=True) as fleet:
        await fleet.begin(said=3600.0, late=-3560.0)

        early = await fleet.sail(150.0, again=False)
        await fleet.sail(100.0, again=False)

    assert early == 0
    assert list(fleet.noticed.values()) == [pytest.approx(160.0, abs=25.0)]


async def test_many_renders_cost_little_of_the_list_each(database: Database, clock: FixedClock) -> None:
    async with a_fleet(database, clock) as fleet:
        for number in range(100):
            await fleet.begin(age=SECONDS * (100 - number) / 100)
        await fleet.sail(30)
        ended = len(fleet.noticed)

        asked = await fleet.sail(SECONDS)

        assert asked / (len(fleet.noticed) - ended) <= 0.3
        assert max(fleet.noticed.values()) <= 12.5


@pytest.mark.parametrize("number", [1, 20])
async def test_the_end_of_few_renders_is_noticed_within_seconds(
    database: Database, clock: FixedClock, number: int
) -> None:
    async with a_fleet(database, clock) as fleet:
        for at in range(number):
            await fleet.begin(age=at * 5.0)
        await fleet.sail(SECONDS + 10, again=False)

        assert len(fleet.noticed) == number
        assert max(fleet.noticed.values()) <= 5


async def test_beside_webhooks_nothing_is_asked_for(database: Database, clock: FixedClock) -> None:
    async with a_fleet(database, clock, webhooks=True) as fleet:
        for number in range(20):
            await fleet.begin(age=SECONDS * (20 - number) / 20)

        asked = await fleet.sail(SECONDS, told=True)

        assert len(fleet.noticed) >= 20
        assert asked == 0


async def test_what_webhooks_miss_is_caught_soon(database: Database, clock: FixedClock) -> None:
    async with a_fleet(database, clock, webhooks=True) as fleet:
        await fleet.begin()

        asked = await fleet.sail(SECONDS + 30, again=False)

        assert list(fleet.noticed.values()) <= [22.5]
        assert asked == 1


async def test_a_render_that_takes_longer_than_was_said_is_asked_for_ever_more_seldom(
    database: Database, clock: FixedClock
) -> None:
    async with a_fleet(database, clock, webhooks=True) as fleet:
        await fleet.begin(late=400.0)

        asked = await fleet.sail(SECONDS + 350, told=True, again=False)

        # At 20, 40, 80, 160 and 320 s.
        assert asked == 5


async def test_while_nothing_renders_nothing_is_asked_for(database: Database, clock: FixedClock) -> None:
    async with a_fleet(database, clock) as fleet:
        assert await fleet.sail(600) == 0


async def test_a_look_without_news_costs_a_request_for_each_page_and_wakes_nobody(
    database: Database, clock: FixedClock
) -> None:
    async with a_fleet(database, clock) as fleet:
        for number in range(250):
            await fleet.begin(age=20.0 + number / 10, said=3600.0)

        asked = [await fleet.sail(10.0) for _ in range(6)]

        assert asked == [3] * 6
        assert fleet.bells.woken == []


async def test_the_list_is_read_more_often_around_an_expected_end(
    database: Database, clock: FixedClock
) -> None:
    async with a_fleet(database, clock) as fleet:
        await fleet.begin(age=20.0, late=3600.0)

        before, around = await fleet.sail(140.0), await fleet.sail(200.0)
        after = await fleet.sail(100.0)

        assert (before, around, after) == (14, 40, 10)


async def test_a_webhook_that_was_lost_late_is_noticed_within_minutes(
    database: Database, clock: FixedClock
) -> None:
    async with a_fleet(database, clock, webhooks=True) as fleet:
        await fleet.begin(late=1000.0)

        await fleet.sail(SECONDS + 1300, again=False)

        assert max(fleet.noticed.values()) <= 202.5


@pytest.mark.parametrize(("newest_first", "pages"), [(True, 1), (False, 6)])
async def test_a_list_is_read_no_further_back_than_what_is_looked_for(
    database: Database, clock: FixedClock, newest_first: bool, pages: int
) -> None:
    async with a_fleet(database, clock) as fleet:
        fleet.newest_first = newest_first
        long_ago = clock() - timedelta(hours=2)
        fleet.renders = [
            (f"old_{number}", long_ago - timedelta(minutes=number), long_ago) for number in range(550)
        ]
        for _ in range(3):
            await fleet.begin(age=SECONDS)
        fleet.hidden = {"job_000551"}

        await fleet.poller.poll()

        assert len(fleet.stub.asked) == pages
        # The list does not show it: it is asked after by itself.
        assert sorted(fleet.jobs[job_id] for job_id in fleet.bells.woken) == [
            "job_000550", "job_000551", "job_000552",
        ]  # fmt: skip


async def test_of_many_renders_that_the_list_does_not_show_some_are_looked_at_each_time(
    database: Database, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(overviews, "PIECE", 3)
    async with a_fleet(database, clock) as fleet:
        for _ in range(SINGLE_LOOKS + 3):
            await fleet.begin(age=SECONDS)
        fleet.hidden = {name for name, _, _ in fleet.renders[1:]}
        looked_at = set()

        for _ in range(40):
            fleet.bells.woken.clear()
            clock.tick(10)
            await fleet.poller.poll()

            woken = {fleet.jobs[job_id] for job_id in fleet.bells.woken}
            assert len(woken & fleet.hidden) == SINGLE_LOOKS
            looked_at |= woken

    assert looked_at == set(fleet.jobs.values())

"""The real bot is killed at every crash point there is, started again, and must come to a good end.

In CI the process is armed with the next point while it recovers from the one before, so that one order
walks through many crashes. `CRASH_WALK=full` gives every point its own order and an undisturbed recovery.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from providers.sandbox import Fate, Fault, Reset
from studio.crashpoints import POINTS
from studio.sharing.policy import Approval, ApprovalMode, Policy
from tests.bot_process import free_port
from tests.cluster_world import new_database
from tests.crash_world import OFFICE_ID, CrashWorld, crash_world

Act = Callable[[CrashWorld], Awaitable[Any]]

PORT = free_port()
REACHABLE = {
    "HTTP_PORT": str(PORT),
    "PUBLIC_URL": f"http://127.0.0.1:{PORT}",
    "PIXELBYTE_WEBHOOK_SECRET": "whsec_sandbox",
}
FULL = os.environ.get("CRASH_WALK") == "full"
LOST_ANSWER = Fault(on="submit", reset=Reset.AFTER, processed=True)
AN_HOUR_AGO = ("state_since", 3700.0)
JUST_NOW = ("created_at", 0.0)
LONG_AWAKE = ("wake_at", 4000.0)
A_MINUTE_AGO = ("state_since", 61.0)
LAST_WEEK = ("closed_at", 9 * 86_400.0)


async def order(world: CrashWorld) -> None:
    await world.order(prompt="a calm forest")


async def order_and_cancel(world: CrashWorld) -> None:
    await world.order()
    await world.press_cancel()


async def order_and_cancel_at_the_provider(world: CrashWorld) -> None:
    before = len(world.sandbox.jobs)
    await world.order()
    await world.until(lambda: len(world.sandbox.jobs) > before and "rendering" in world.states())
    await world.press_cancel()


async def order_in_vain(world: CrashWorld) -> None:
    """The member never sees the answer, and Discord says so."""
    world.discord.trouble = lambda call: (
        (404, {"code": 10062, "message": "Unknown interaction"}) if call.path.endswith("/callback") else None
    )
    await world.order()


async def order_unheard(world: CrashWorld) -> None:
    """Nobody knows whether the member saw the answer; they did not."""
    world.discord.trouble = lambda call: (
        (503, {"message": "Unavailable"}) if call.path.endswith("/callback") else None
    )
    await world.order()
    await world.until(lambda: world.rows("SELECT id FROM jobs WHERE closed_at IS NULL"))


async def order_to_be_asked(world: CrashWorld) -> None:
    """In a server that confirms prices and asks its moderators."""
    world.rule(APPROVED)
    await world.order()


async def order_and_answer(world: CrashWorld) -> None:
    await order_to_be_asked(world)
    process = world.bot.process
    assert process is not None
    await world.until(
        lambda: process.returncode is not None or world.rows("SELECT id FROM jobs WHERE ended_at IS NULL")
    )
    await world.answer_everything()


async def order_and_ask(world: CrashWorld) -> None:
    """Two renders were made for an order whose answer was lost: only the operator can tell."""
    await world.order()
    await world.until(lambda: world.rows("SELECT token FROM attempts WHERE state = 'disputed'"))
    await world.bot.kill()


async def say_which(world: CrashWorld) -> None:
    """The operator names one of the two renders."""
    [(job_id,)] = world.rows("SELECT job_id FROM attempts WHERE state = 'disputed'")
    code, printed = await world.bot.command("explain", job_id, "--render", world.sandbox.jobs[0].id)
    assert code == 0, printed


async def order_and_get_one_too_many(world: CrashWorld) -> None:
    """… and the other one is cancelled at the provider."""
    await order_and_ask(world)
    await say_which(world)
    own, other = world.sandbox.jobs[:2]
    world.sandbox.release(own.id)
    world.sandbox.end_from_outside(other.id)


async def order_and_be_given_up(world: CrashWorld) -> None:
    """The render sticks for more than an hour, and the member has been told so."""
    await world.order()
    await world.until(lambda: "rendering" in world.states())
    await world.bot.kill()
    world.pass_time("submitted_at", 3700.0)
    await world.bot.start()
    given_up = "SELECT id FROM jobs WHERE state = 'failed' AND wake_at IS NOT NULL AND closed_at IS NULL"
    await world.until(lambda: world.rows(given_up))
    await world.bot.kill()


async def order_and_be_given_up_too_soon(world: CrashWorld) -> None:
    await order_and_be_given_up(world)
    world.sandbox.release(world.sandbox.jobs[0].id)


async def order_and_be_given_up_for_nothing(world: CrashWorld) -> None:
    await order_and_be_given_up(world)
    world.sandbox.end_from_outside(world.sandbox.jobs[0].id, "failed")


async def order_and_receive(world: CrashWorld) -> None:
    before = len(world.states())
    await world.order()
    await world.until(lambda: len(world.states()) > before)
    await world.all_closed()


async def order_and_run_again(world: CrashWorld) -> None:
    """A clip, and another version of it."""
    await order_and_receive(world)
    clip = max(world.discord.clips(), key=lambda one: int(one["id"]))
    [custom_id] = [
        each["custom_id"]
        for row in clip["components"]
        for each in row["components"]
        if each.get("custom_id", "").startswith("v1:again:")
    ]
    await world.discord.press(clip, custom_id)


async def order_two_at_once(world: CrashWorld) -> None:
    """Both are answered before one of them is recorded, and the server may have one alone."""
    before = len(world.discord.answers)
    with world.nobody_writes():
        await world.order()
        await world.order()
        await world.until(lambda: len(world.discord.answers) == before + 2)


@dataclass(frozen=True)
class Way:
    """A way that orders take, with crash points on it in an order in which one job can meet them all.

    `late`: the order is told as given up, and delivered.
    `each`: every point needs an order of its own. `before`: the act belongs to an earlier process, and so
    much time has passed since. `asleep`: how much passes between the last crash and the last start. `then`:
    what is done after that.
    """

    act: Act
    points: tuple[str, ...]
    faults: tuple[Fault | Fate, ...] = ()
    settings: dict[str, str] = field(default_factory=dict)
    each: bool = False
    before: tuple[str, float] | None = None
    asleep: tuple[str, float] | None = None
    then: Act | None = None
    late: bool = False


APPROVED = Policy(
    confirm_above_usd_micros=1, approval=Approval(mode=ApprovalMode.EVERYONE, channel_id=int(OFFICE_ID))
)

WAYS = {
    "taking": Way(
        order,
        (
            "register.promised", "register.recorded", "animate.answered", "animate.recorded",
            "front.answer_noted",
        ),
        each=True,
        asleep=A_MINUTE_AGO,
    ),
    "promised": Way(order, ("register.promised", "recovery.recorded"), asleep=A_MINUTE_AGO),
    "raced": Way(
        order_two_at_once,
        ("register.refused",),
        settings={"MAX_JOBS_PER_SERVER": "1"},
        asleep=A_MINUTE_AGO,
    ),
    "raced, told": Way(
        order_two_at_once,
        ("taking.withdrawn",),
        settings={"MAX_JOBS_PER_SERVER": "1"},
        asleep=A_MINUTE_AGO,
    ),
    "unheard": Way(order_unheard, ("work.moved_to_expired",), before=A_MINUTE_AGO),
    "in vain": Way(order_in_vain, ("front.abandoned",)),
    "clip": Way(
        order,
        (
            "desk.thread_started", "intake.conversation_opened", "work.moved_to_preparing",
            "intake.sources_stored", "intake.inputs_stored",
            "intake.inputs_recorded", "intake.held", "work.moved_to_queued", "work.moved_to_submitting",
            "ordering.picture_uploaded", "ordering.uploaded", "ordering.estimated",
            "ordering.attempt_opened", "work.slots_given", "ordering.submitted",
            "ordering.attempt_accepted", "ordering.charge_settled", "work.moved_to_rendering",
            "rendering.status_read", "work.moved_to_fetching", "delivery.downloaded", "delivery.verified",
            "delivery.clip_stored", "work.moved_to_delivering", "delivery.posted",
            "work.moved_to_delivered", "desk.card_concluded", "delivery.concluded",
            "delivery.files_deleted", "work.closed",
        ),
    ),
    "prepared": Way(order, ("intake.sources_deleted", "intake.illustrated"), each=True),
    "asked": Way(
        order_to_be_asked,
        ("work.moved_to_pending_approval", "asking.posted", "asking.posted_recorded"),
        then=CrashWorld.answer_everything,
    ),
    "answered": Way(
        order_and_answer,
        ("hearing.answered", "asking.answer_shown"),
        each=True,
        then=CrashWorld.answer_everything,
    ),
    "slow": Way(order, ("work.rested",), faults=(Fate(seconds=1.5),)),
    "lost answer": Way(
        order,
        (
            "ordering.attempt_doubted", "work.moved_to_unknown", "ordering.candidates_read",
            "ordering.attempt_abandoned",
        ),
        faults=(Fault(on="submit", reset=Reset.AFTER),),
    ),
    "disputed": Way(
        order,
        ("reconciling.attempt_disputed", "reconciling.disputed"),
        faults=(Fate(twin=True), LOST_ANSWER),
        then=say_which,
    ),
    "never explained": Way(
        order_and_ask,
        ("reconciling.given_up",),
        faults=(Fate(twin=True), LOST_ANSWER),
        before=AN_HOUR_AGO,
    ),
    "one too many": Way(
        order_and_get_one_too_many,
        ("twins.booked", "twins.refunded"),
        faults=(Fate(twin=True, stuck="processing"), LOST_ANSWER),
        before=JUST_NOW,
    ),
    "rung twice": Way(
        order,
        ("doorbell.render_set_aside",),
        faults=(Fate(twin=True),),
        settings=REACHABLE,
    ),
    "late": Way(
        order_and_be_given_up_too_soon,
        ("lateness.render_taken",),
        faults=(Fate(stuck="processing"),),
        before=LONG_AWAKE,
        late=True,
    ),
    "late refund": Way(
        order_and_be_given_up_for_nothing,
        ("lateness.refund_entered", "delivery.report_corrected"),
        faults=(Fate(stuck="processing"),),
        before=LONG_AWAKE,
    ),
    "once more": Way(
        order,
        ("rendering.refunded_for_another_try", "rendering.held_for_another_try"),
        faults=(Fate(failure=("IMAGE_INACCESSIBLE", "download failed")),),
    ),
    "dearer": Way(
        order,
        ("ordering.hold_raised",),
        faults=(Fault(on="estimate", merge={"estimatedCostMicroCents": 400_000}, times=2),),
    ),
    "busy": Way(
        order,
        ("ordering.attempt_refused", "ordering.queue_paused"),
        faults=(Fault(on="submit", code="CONCURRENT_JOBS_EXCEEDED", times=2, details={"retryAfter": 1}),),
    ),
    "failed": Way(
        order,
        ("endings.refunded", "work.moved_to_failed", "delivery.reported", "delivery.report_recorded"),
        faults=(Fate(failure=("GENERATION_FAILED", "No complete upper body detected")),),
    ),
    "no budget": Way(
        order,
        ("endings.hold_released", "work.moved_to_refused"),
        settings={"MONTHLY_BUDGET_USD": "0.16"},
    ),
    "cancelled while waiting": Way(order_and_cancel, ("front.cancel_recorded",)),
    "cancelled at the provider": Way(
        order_and_cancel_at_the_provider,
        ("rendering.cancel_answered", "rendering.cancel_refused", "work.moved_to_cancelled"),
        faults=(Fate(stuck="pending"),),
    ),
    "again": Way(
        order_and_run_again,
        ("front.answer_noted:2", "intake.sources_stored", "intake.inputs_recorded", "delivery.posted"),
    ),
    "kept": Way(order_and_receive, ("delivery.purged",), before=LAST_WEEK),
}  # fmt: skip

LANES = (("clip",), ("no budget", *(name for name in WAYS if name not in {"clip", "no budget"})))
"""What walks side by side: two processes for two cores. A month's budget is known only before it is used."""

ON_POSTGRESQL = (
    "ordering.attempt_opened",
    "ordering.submitted",
    "work.moved_to_rendering",
    "delivery.posted",
)
"""Where it matters most that a transaction was committed or was not; the rest with `CRASH_WALK=full`."""


def test_every_crash_point_is_on_one_of_the_ways() -> None:
    walked = [point.partition(":")[0] for way in WAYS.values() for point in way.points]

    assert set(walked) == set(POINTS)


async def test_orders_survive_a_crash_at_every_point(tmp_path: Path) -> None:
    await walk_side_by_side(LANES, tmp_path, lambda folder: f"sqlite:///{folder / 'bot.db'}")


@pytest.mark.skipif(FULL, reason="the full walk has these points too")
async def test_orders_survive_crashes_on_postgresql(tmp_path: Path, postgresql: str) -> None:
    async with crash_world(tmp_path, new_database(postgresql)) as world:
        await walk(world, WAYS["clip"], ON_POSTGRESQL)


@pytest.mark.skipif(not FULL, reason="takes long: set CRASH_WALK=full")
async def test_orders_survive_a_crash_at_every_point_on_postgresql(tmp_path: Path, postgresql: str) -> None:
    await walk_side_by_side(LANES, tmp_path, lambda folder: new_database(postgresql))


async def walk_side_by_side(
    lanes: Iterable[Iterable[str]], tmp_path: Path, database_url: Callable[[Path], str]
) -> None:
    async with asyncio.TaskGroup() as group:
        for number, lane in enumerate(lanes):
            folder = tmp_path / str(number)
            folder.mkdir()
            group.create_task(walk_all(lane, folder, database_url(folder)))


async def walk_all(names: Iterable[str], folder: Path, database_url: str) -> None:
    async with crash_world(folder, database_url) as world:
        for name in names:
            way = WAYS[name]
            for points in [(point,) for point in way.points] if FULL else [way.points]:
                try:
                    await walk(world, way, points)
                except BaseException as error:
                    error.add_note(f"on the way {name!r}: {points}")
                    raise


async def walk(world: CrashWorld, way: Way, points: Sequence[str]) -> None:
    """Crash at each of the points, then let everything come to rest and look."""
    world.sandbox.faults.add(*way.faults)
    if way.before is not None:
        await world.bot.start(**way.settings)
        await way.act(world)
        await world.bot.kill()
        world.pass_time(*way.before)
    for point in points:
        await world.bot.launch(ANIMATE_CRASH_AT=point, **way.settings)
        if way.each or (way.before is None and point == points[0]):
            await world.connected()
            await way.act(world)
        await world.crashed(point)
    world.discord.trouble = lambda call: None
    if way.asleep is not None:
        await world.recover()
        world.pass_time(*way.asleep)

    await world.bot.start(**way.settings)
    if way.then is not None:
        await way.then(world)
    await world.all_closed()
    await world.until(world.books_are_even)
    await world.bot.stop()

    world.late += way.late
    world.check()
    world.sandbox.faults.clear()
    world.rule(None)

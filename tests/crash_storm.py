"""Orders while the bot is killed at random moments, again and again."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass

from providers.sandbox import Fate, Fault, Reset
from tests.crash_world import CrashWorld

A_MINUTE = 61.0
"""After so long an order whose member never got an answer is looked at."""


@dataclass(frozen=True)
class Storm:
    """How many orders and SIGKILLs; a life of the bot lasts `shortest` to `longest` seconds."""

    seed: int
    orders: int
    kills: int
    shortest: float = 0.1
    longest: float = 4.0


def unkind(chance: random.Random, orders: int) -> list[Fault | Fate]:
    """Trouble at the provider for about one order in four: lost answers, refusals, failed renders."""
    kinds: list[Fault | Fate] = [
        Fault(on="submit", reset=Reset.AFTER, processed=True),
        Fault(on="submit", reset=Reset.AFTER),
        Fault(on="submit", code="CONCURRENT_JOBS_EXCEEDED", details={"retryAfter": 1}),
        Fault(on="status", status=502),
        Fate(failure=("GENERATION_FAILED", "No complete upper body detected")),
    ]
    return [chance.choice(kinds) for _ in range(orders // 4)]


async def rage(world: CrashWorld, storm: Storm, *, patience: float = 300.0) -> None:
    """Let the storm pass over the world, start the bot once more, and wait until everything is at rest."""
    chance = random.Random(storm.seed)
    for trouble in unkind(chance, storm.orders):
        world.sandbox.faults.add(trouble)
    for life in range(storm.kills):
        await world.bot.start()
        share = storm.orders * (life + 1) // storm.kills - storm.orders * life // storm.kills
        dies = asyncio.create_task(asyncio.sleep(chance.uniform(storm.shortest, storm.longest)))
        for _ in range(share):
            await world.order()
            await asyncio.sleep(chance.uniform(0.0, 0.2))
        await dies
        await world.bot.kill()
    await world.recover()
    world.pass_time("state_since", A_MINUTE)
    await world.bot.start()
    await world.all_closed(seconds=patience)
    await world.bot.stop()

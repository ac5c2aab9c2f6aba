"""Work beside the steps: done once for all who ask, and given up when the bot has to end."""

from __future__ import annotations

import asyncio

from studio.once import Once


async def test_who_asks_while_it_is_done_has_it_done_once_more() -> None:
    done: list[int] = []
    begun = asyncio.Event()

    async def work() -> None:
        begun.set()
        await asyncio.sleep(0.02)
        done.append(1)

    once = Once(work)
    for _ in range(3):
        once.ask()
    await begun.wait()
    once.ask()
    await once.finish(grace_seconds=10)

    assert len(done) == 2


async def test_what_takes_too_long_does_not_hold_up_the_end() -> None:
    ended: list[str] = []

    async def work() -> None:
        try:
            await asyncio.sleep(3600)
        finally:
            ended.append("given up")

    once = Once(work)
    once.ask()
    async with asyncio.timeout(10):
        await once.finish(grace_seconds=0.2)

    assert ended == ["given up"]

"""The operator's commands beside a running bot: real processes, on both databases."""

from __future__ import annotations

from pathlib import Path

from providers.sandbox import Fate, Fault, Reset
from tests.crash_world import crash_world


async def test_a_queue_that_was_held_goes_on_by_command(tmp_path: Path, database_url: str) -> None:
    async with crash_world(tmp_path, database_url) as world:
        world.sandbox.account.credit = 0
        await world.bot.start()
        await world.order()
        await world.until(lambda: "provider_pause" in world.bot.log)
        world.sandbox.account.credit = None

        code, printed = await world.bot.command("resume")

        # By itself it would try again after a minute.
        await world.all_closed(seconds=45)
        again = await world.bot.command("resume")
        assert code == 0
        assert "paused for the balance since" in printed
        assert "operator_resumed" in world.bot.commands_log
        assert again == (0, "Nothing was paused.\n")
        assert world.states() == ["delivered"]
        await world.bot.stop()
        world.check()


async def test_an_order_is_explained_by_command(tmp_path: Path, database_url: str) -> None:
    async with crash_world(tmp_path, database_url) as world:
        world.sandbox.faults.add(Fate(twin=True), Fault(on="submit", reset=Reset.AFTER, processed=True))
        await world.bot.start()
        nothing = await world.bot.command("explain")
        await world.order()
        await world.until(lambda: "operator_alarm" in world.bot.log)
        [(job_id,)] = world.rows("SELECT id FROM jobs")

        listed = await world.bot.command("explain")
        wrong = await world.bot.command("explain", job_id, "--render", "job_nobody_knows")
        incomplete, _ = await world.bot.command("explain", job_id)
        right = await world.bot.command("explain", job_id, "--render", world.sandbox.jobs[0].id)

        await world.all_closed()
        await world.until(world.books_are_even)
        assert nothing == (0, "Every order is explained.\n")
        assert job_id in listed[1]
        assert "waits for you" in listed[1]
        assert all(f"--render {render.id}" in listed[1] for render in world.sandbox.jobs)
        assert wrong == (1, "The provider knows no render job_nobody_knows. Nothing was changed.\n")
        assert incomplete == 2
        assert right[0] == 0
        assert "posted when it is done" in right[1]
        assert "operator_explained" in world.bot.commands_log
        assert world.states() == ["delivered"]
        await world.bot.stop()
        world.check()

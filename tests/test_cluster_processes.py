"""Real processes on a real PostgreSQL, one killed and one stopped for a while: nothing lost or paid twice."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

from tests.bot_process import KEY, TOKEN
from tests.cluster_crew import CAP, Crew, crew, rough_day
from tests.cluster_world import cable, new_database

JOBS = 24
GENEROUS_SECONDS = 60.0
"""The promise is 20 s, and it is measured by `tests/bench/bench_cluster.py`; this machine may be busy."""


def assert_nothing_was_lost_or_done_twice(at: Crew, jobs: int) -> None:
    charges = at.rows("SELECT job_id, count(*) FROM ledger WHERE kind = 'charge' GROUP BY job_id")
    [[ledger_sum]] = at.rows("SELECT sum(amount_usd_micros) FROM ledger")
    threads = [clip["channel_id"] for clip in at.discord.clips()]

    assert at.states() == {"delivered": jobs}
    assert all(number == 1 for _, number in charges)
    assert len(charges) == len(at.sandbox.account.charges) == jobs
    assert ledger_sum == at.sandbox.account.net
    assert len(threads) == len(set(threads)) == jobs


async def test_a_killed_and_a_stopped_worker_cost_nobody_a_clip_or_a_cent(
    postgresql: str, tmp_path: Path
) -> None:
    async with crew(tmp_path, new_database(postgresql)) as at:
        day = await rough_day(at, JOBS)

        assert_nothing_was_lost_or_done_twice(at, day.jobs)
        logs = at.gateway.text + "".join(worker.text for worker in at.workers)

    assert day.most_at_provider <= CAP + 2
    assert 0 < day.adopted_after_stop < GENEROUS_SECONDS
    assert 0 < day.adopted_after_kill < GENEROUS_SECONDS
    assert TOKEN not in logs
    assert KEY not in logs


async def test_work_goes_on_by_itself_after_an_outage_of_the_database(
    postgresql: str, tmp_path: Path
) -> None:
    url = new_database(postgresql)
    with tempfile.TemporaryDirectory(prefix="cut-", dir="/tmp") as short:
        async with cable(url, Path(short)) as line, crew(tmp_path, url, DATABASE_URL=line.url) as at:
            await at.order(4)
            await at.until_closed(3)
            await line.cut()
            await asyncio.sleep(10)
            await line.join()
            await at.until_closed()

            assert_nothing_was_lost_or_done_twice(at, 4)
            members = (at.gateway, *at.workers)
            assert all(member.process and member.process.returncode is None for member in members)
            assert any(worker.said("waking_interrupted") for worker in at.workers)
            assert not any("Traceback" in member.text for member in members)

"""The time of the decision on an order with a million ledger rows; `python -m tests.bench.bench_decision`."""

from __future__ import annotations

import asyncio
import itertools
import random
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path
from statistics import quantiles
from time import perf_counter, process_time

from studio import schema
from studio.database import Database
from studio.models import Member
from studio.sharing import admission, servers
from studio.sharing.periods import Period
from studio.sharing.policy import Allowance, Policy, Share
from studio.sharing.tallies import DAY, quarter_of
from tests.bench.figures import Figure, tell
from tests.builders import an_order
from tests.pool_world import LEAST, PRICE, a_studio, set_rules

ROWS, JOBS, SERVERS, MEMBERS, DAYS = 1_000_000, 250_000, 200, 50, 62
BUSY = 1
"""The server that made a quarter of all clips."""

ROUNDS = 500
POLICY = Policy(
    time_zone="Asia/Kathmandu",
    pool=Share(Period.MONTH, clips=10_000_000, usd_micros=10**15),
    allowances=(Allowance(role_id=BUSY, share=Share(Period.MONTH, clips=10_000_000, usd_micros=10**15)),),
)
CAP = BUDGET = 10**15
LIMITS = 6


async def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "bot.db"
        database = Database(f"sqlite:///{file}")
        await schema.upgrade(database)
        now = datetime.now(UTC)
        fill(file, now)
        await set_rules(database, POLICY, guild_id=BUSY, cap=CAP)
        tell(await measure(database, end_of_last_month(now)), ledger_rows=ROWS, tallies=count(file))
        await database.close()


def fill(file: Path, now: datetime) -> None:
    """Four entries for each job: hold, raised hold, release and charge; one for each quarter is open."""
    chance = random.Random(4)
    tallies: Counter[tuple[int, int, int, int]] = Counter()
    entries = []
    for number in range(JOBS):
        at = now - timedelta(seconds=chance.randrange(DAYS * 86_400))
        guild = BUSY if number % 4 == 0 else chance.randrange(2, SERVERS)
        member, micros = 10 + chance.randrange(MEMBERS), round(at.timestamp() * 1_000_000)
        quarter = quarter_of(at)
        for owner, quarters in product(((0, 0), (guild, 0), (guild, member)), (1, DAY)):
            tallies[*owner, quarters, quarter - quarter % quarters] += 1
        for kind, amount in (
            ("hold", LEAST),
            ("hold", PRICE),
            ("release", -4 * PRICE),
            ("charge", 4 * PRICE),
        ):
            ref = f"old{number}:{kind}:{amount}"
            entries.append((ref, micros, kind, amount, f"old{number}", guild, member, "studio", "ordered"))
    with sqlite3.connect(file) as connection:
        connection.executemany(
            "INSERT INTO ledger "
            "(ref, at, kind, amount_usd_micros, job_id, guild_id, member_id, actor, reason) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            entries,
        )
        connection.executemany(
            "INSERT INTO tallies "
            "(guild_id, member_id, quarters, quarter, clips, usd_micros, forgiven_usd_micros) "
            "VALUES (?, ?, ?, ?, ?, ?, 0)",
            ((*key, clips, clips * 4 * PRICE) for key, clips in tallies.items()),
        )
    connection.close()
    assert len(entries) == ROWS


def count(file: Path) -> int:
    with sqlite3.connect(file) as connection:
        number = int(connection.execute("SELECT count(*) FROM tallies").fetchone()[0])
    connection.close()
    return number


async def measure(database: Database, at: datetime) -> list[Figure]:
    """`at` is the end of a month, when most has to be added up."""
    numbers = itertools.count()

    async with database.read() as connection:
        server = await servers.read(connection, BUSY, at)

    async def decide() -> None:
        """As `Studio.admit` does it, which knows the server from memory."""
        async with database.read() as connection:
            member = Member(10 + next(numbers) % MEMBERS, "")
            found = await admission.allotments(connection, server, member, now=at, budget=BUDGET)
        assert len(found.shown(LEAST)) == LIMITS
        assert found.refusal(clips=1, usd_micros=LEAST) is None

    studio = a_studio(
        database, max_jobs_per_server=10**6, max_jobs_per_member=10**6, monthly_budget_usd_micros=BUDGET
    )

    async def take() -> None:
        await studio.register.take(an_order(guild_id=BUSY, member_id=10 + next(numbers) % MEMBERS, at=at))

    return [
        *await timed("the decision, six limits", decide, limit=5.0),
        *await timed("the whole record of an order", take),
    ]


async def timed(name: str, act: Callable[[], Awaitable[None]], limit: float | None = None) -> list[Figure]:
    times = []
    cpu = process_time()
    for _ in range(ROUNDS):
        began = perf_counter()
        await act()
        times.append((perf_counter() - began) * 1000)
    cpu = (process_time() - cpu) * 1000 / ROUNDS
    cuts = quantiles(times, n=100)
    return [
        Figure(f"{name}, CPU of all threads on average", cpu, "ms"),
        Figure(f"{name}, median", cuts[49], "ms"),
        Figure(f"{name}, p99", cuts[98], "ms", limit),
    ]


def end_of_last_month(now: datetime) -> datetime:
    return now.replace(day=1, hour=0, minute=0, second=0, microsecond=0) - timedelta(hours=7)


if __name__ == "__main__":
    asyncio.run(main())

"""A real bot on loopback that is killed and started again, and what must hold once it has come to rest."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import NullPool, create_engine, text
from sqlalchemy.engine import Engine, make_url

from providers.sandbox import Options, Sandbox
from studio.sharing.policy import Policy, to_document
from studio.sharing.tables import servers
from tests import sandbox_world
from tests.bot_process import KEY, BotProcess
from tests.wire_discord import CHANNEL_ID, GUILD_ID, MESSAGE, WireDiscord, wire_discord

CRASHED = 137
COMPONENTS_V2 = 1 << 15

OFFICE_ID = "3004"
"""Where the moderators are asked."""

INPUTS = tuple(
    f"input/{name}" for name in ("picture.jpg", "picture-thumbnail.jpg", "motion.mp4", "motion-thumbnail.jpg")
)
"""What a clip was made of is kept beside it, so that it can be run again."""

ANSWERS = (("v1:price:yes:", "2048"), ("v1:approval:approve:", "8192"))
"""The presses that say yes, and what whoever makes them may do in the channel."""

SETTINGS = {
    "RECONCILE_SECONDS": "1",
    "POLL_INTERVAL_SECONDS": "0.4",
    "MAX_CONCURRENT_JOBS": "4",
    "MAX_JOBS_PER_MEMBER": "500",
    "MAX_JOBS_PER_SERVER": "500",
}


def sync_url(database_url: str) -> str:
    """The URL for tests that look into the database without a loop."""
    url = make_url(database_url)
    is_sqlite = url.get_backend_name() == "sqlite"
    return url.set(drivername="sqlite" if is_sqlite else "postgresql+psycopg").render_as_string(
        hide_password=False
    )


@dataclass
class CrashWorld:
    """One bot with everything that it talks to; `folder` holds all of the bot's state but the database."""

    folder: Path
    discord: WireDiscord
    sandbox: Sandbox
    bot: BotProcess
    engine: Engine
    tokens: list[str] = field(default_factory=list)
    late: int = 0
    """How many orders were given up, which is told, and delivered after all."""

    storage: Path | None = None
    """Where the bot keeps its files, if not in `folder`."""

    # ── what a test does ────────────────────────────────────────────────────────────────────────

    async def order(self, **options: Any) -> str:
        """Have the member order a small clip; return the interaction's token."""
        token = await self.discord.order(sandbox_world.picture(), sandbox_world.clip(), **options)
        self.tokens.append(token)
        return token

    async def press_cancel(self) -> None:
        """Press Cancel on the newest card as soon as it has that button."""

        def found() -> tuple[MESSAGE, str] | None:
            cards = [one for one in self.discord.all_messages() if one["flags"] & COMPONENTS_V2]
            for card in sorted(cards, key=lambda one: int(one["id"]), reverse=True):
                if custom_id := _button(card["components"], "v1:cancel:"):
                    return card, custom_id
            return None

        card, custom_id = await self.until(found)
        await self.discord.press(card, custom_id)

    def rule(self, policy: Policy | None) -> None:
        """Give the server these rules, or none."""
        with self.engine.begin() as connection:
            connection.execute(servers.delete())
            if policy is not None:
                row = {"guild_id": int(GUILD_ID), "policy": to_document(policy), "version": 1, "name": ""}
                connection.execute(servers.insert().values(row))

    async def answer_everything(self) -> None:
        """Say yes to every question, as the member and as a moderator, until all has ended or the bot has."""
        process, pressed = self.bot.process, set[str]()
        assert process is not None

        def found() -> tuple[MESSAGE, str, str] | bool:
            for message in self.discord.all_messages():
                for prefix, permissions in ANSWERS:
                    custom_id = _button(message["components"], prefix)
                    if custom_id and custom_id not in pressed:
                        return message, custom_id, permissions
            unended = self.rows("SELECT id FROM jobs WHERE ended_at IS NULL")
            return process.returncode is not None or not unended

        while (target := await self.until(found)) is not True:
            message, custom_id, permissions = target
            pressed.add(custom_id)
            await self.discord.press(message, custom_id, permissions=permissions)

    async def until(self, condition: Any, *, seconds: float = 120.0) -> Any:
        """Wait, patiently; what the bot said explains it when it was in vain."""
        try:
            return await self.discord.until(condition, seconds=seconds)
        except TimeoutError:
            raise AssertionError(f"in vain: {self._story()}") from None

    async def connected(self) -> None:
        """Wait until the bot is connected, or has ended already."""
        process = self.bot.process
        assert process is not None
        await self.until(lambda: self.discord.sockets or process.returncode is not None)

    async def all_closed(self, *, seconds: float = 120.0) -> None:
        await self.until(self.is_at_rest, seconds=seconds)

    async def crashed(self, point: str, *, seconds: float = 90.0) -> None:
        """Wait until the process has ended itself at the point that it was armed with."""
        process = self.bot.process
        assert process is not None
        try:
            code = await asyncio.wait_for(process.wait(), seconds)
        except TimeoutError:
            raise AssertionError(f"{point} was not reached: {self._story()}") from None
        assert code == CRASHED, f"{point}: ended with {code}: {self._story()}"

    @contextmanager
    def nobody_writes(self) -> Iterator[None]:
        """Have the bot wait with everything that it wants to write to the database."""
        with self.engine.connect() as connection, connection.begin():
            is_sqlite = connection.dialect.name == "sqlite"
            how = "BEGIN IMMEDIATE" if is_sqlite else "LOCK TABLE jobs IN EXCLUSIVE MODE"
            connection.exec_driver_sql(how)
            yield

    def pass_time(self, column: str, seconds: float) -> None:
        """Let every moment of that name be longer ago, of jobs unless it names a table.

        Only while no bot runs.
        """
        table, _, name = column.rpartition(".")
        moment = {"by": int(seconds * 1_000_000)}
        with self.engine.begin() as connection:
            if name != "wake_at":
                connection.execute(text("UPDATE jobs SET wake_at = NULL"))
            connection.execute(text(f"UPDATE {table or 'jobs'} SET {name} = {name} - :by"), moment)

    def move_to(self, folder: Path) -> None:
        """Have the bot start in another, empty folder from now on, with a SQLite database there."""
        database_url = f"sqlite:///{folder / 'bot.db'}"
        (folder / "tmp").mkdir(parents=True)
        self.folder = self.bot.folder = folder
        self.bot.environment |= {
            "DATABASE_URL": database_url,
            "STORAGE_URL": (folder / "files").as_uri(),
            "TMPDIR": str(folder / "tmp"),
        }
        self.engine.dispose()
        self.engine = create_engine(database_url, poolclass=NullPool)

    async def recover(self) -> None:
        """Let the bot live just long enough to take over what its killed predecessors had promised."""
        await self.bot.start()
        await self.until(lambda: len(self.journals()) <= 1)
        await self.bot.kill()

    # ── what a test sees ────────────────────────────────────────────────────────────────────────

    def rows(self, query: str) -> list[Any]:
        with self.engine.connect() as connection:
            return [tuple(row) for row in connection.execute(text(query))]

    def states(self) -> list[str]:
        return [row[0] for row in self.rows("SELECT state FROM jobs ORDER BY created_at, id")]

    def is_at_rest(self) -> bool:
        """Whether every job is closed, and no file kept past its time."""
        week_ago = int((time.time() - 7 * 86_400) * 1_000_000)
        [(number, closed, overdue)] = self.rows(
            "SELECT count(*), count(closed_at), "
            f"count(CASE WHEN closed_at < {week_ago} AND purged_at IS NULL THEN 1 END) FROM jobs"
        )
        return bool(number == closed > 0 and not overdue)

    def books_are_even(self) -> bool:
        """Whether the ledger has what the provider charged and kept."""
        [(total,)] = self.rows("SELECT coalesce(sum(amount_usd_micros), 0) FROM ledger")
        return int(total) == self.sandbox.account.net

    def files(self) -> set[str]:
        """Every file that the bot keeps, in storage or in its temporary folder."""
        roots = (self.storage or self.folder / "files", self.folder / "tmp")
        found = (path.relative_to(root) for root in roots for path in root.rglob("*") if path.is_file())
        return {str(path) for path in found}

    def journals(self) -> list[Path]:
        """Where orders are noted until they are recorded: a file for each process that was not stopped."""
        return [path for folder in (self.folder, self.folder / "data") for path in folder.glob("*.orders-*")]

    def outcomes(self, answer_id: str) -> list[MESSAGE]:
        """The messages that tell the member how one order ended."""
        in_thread = self.discord.messages[answer_id].values()
        in_channel = (
            message
            for message in self.discord.messages[CHANNEL_ID].values()
            if (message.get("message_reference") or {}).get("message_id") == answer_id
        )
        return [one for one in (*in_thread, *in_channel) if not one["flags"] & COMPONENTS_V2]

    # ── what must hold ──────────────────────────────────────────────────────────────────────────

    def check(self, *, withdrawn: int = 0) -> None:
        """Every answer has an order, and every order ended, was told once and paid at most once.

        `withdrawn` answers say that there is no order after all, since it could not be recorded.
        """
        jobs = self.rows("SELECT id, state, answer_id, closed_at, purged_at FROM jobs")
        assert all(row[3] is not None for row in jobs), jobs
        answers, known = set(self.discord.answers.values()), {str(row[2]) for row in jobs if row[2]}
        assert known <= answers, (known - answers, jobs)
        assert len(answers - known) == withdrawn, (answers - known, jobs)
        assert not self.journals()
        told = {answer: len(self.outcomes(answer)) for answer in known}
        assert sorted(told.values()) == [1] * (len(told) - self.late) + [2] * self.late, (told, jobs)
        assert all(len(self._cards(answer)) <= 1 for answer in known)
        requests = self.discord.messages[OFFICE_ID].values()
        assert len(requests) <= len(jobs)
        assert not any(_button(one["components"], "v1:approval:") for one in requests)
        self._check_money()
        kept = {
            f"jobs/{row[0]}/{name}"
            for row in jobs
            if row[1] == "delivered" and row[4] is None
            for name in ("clip.mp4", *INPUTS)
        }
        assert self.files() == kept, self.files() ^ kept

    def _story(self) -> str:
        jobs = self.rows(
            "SELECT id, state, tries, ending FROM jobs WHERE closed_at IS NULL OR ending IS NOT NULL"
        )
        return f"{jobs}\n{self.bot.log[-6000:]}"

    def _cards(self, answer_id: str) -> list[MESSAGE]:
        """Status cards; a question about the price has no title."""
        return [
            one
            for one in self.discord.messages[answer_id].values()
            if one["flags"] & COMPONENTS_V2 and "###" in str(one["components"])
        ]

    def _check_money(self) -> None:
        account = self.sandbox.account
        entries = self.rows("SELECT kind, job_id FROM ledger")
        counted = {kind: Counter(job for of, job in entries if of == kind) for kind in ("charge", "refund")}
        kept = {job: number - counted["refund"][job] for job, number in counted["charge"].items()}
        assert all(number <= 1 for number in kept.values()), counted
        booked = sum(kind in ("charge", "extra") for kind, _ in entries)
        assert len(account.charges) == booked, (account.charges, counted)
        assert self.books_are_even()
        assert not self.rows("SELECT * FROM attempts WHERE state IN ('open', 'unclear')")


def _button(components: Iterable[dict[str, Any]], prefix: str) -> str | None:
    """The id of the first button whose id begins so."""
    for component in components:
        if str(component.get("custom_id", "")).startswith(prefix):
            return str(component["custom_id"])
        if found := _button(component.get("components") or (), prefix):
            return found
    return None


@asynccontextmanager
async def crash_world(
    folder: Path, database_url: str, *, seconds: float = 0.3, options: Options | None = None, **settings: str
) -> AsyncIterator[CrashWorld]:
    """A world whose bot has not been started yet."""
    (folder / "tmp").mkdir()
    # Drawn now, while nobody else can be drawing the same files.
    sandbox_world.picture(), sandbox_world.clip()
    engine = create_engine(sync_url(database_url), poolclass=NullPool)
    options = options or sandbox_world.shared(pending_seconds=0.1)
    async with (
        wire_discord() as discord,
        Sandbox(folder / "provider", key=KEY, seconds=seconds, options=options) as sandbox,
    ):
        given = SETTINGS | {"DATABASE_URL": database_url, "TMPDIR": str(folder / "tmp")} | settings
        bot = BotProcess(folder, discord, sandbox, **given)
        try:
            yield CrashWorld(folder, discord, sandbox, bot, engine)
        finally:
            await bot.kill()
            engine.dispose()

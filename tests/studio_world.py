"""The real studio between the real sandbox and a desk that only writes down, with books to be checked."""

from __future__ import annotations

import asyncio
import hashlib
import shutil
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar, cast

import aiohttp
from aiohttp import web
from prometheus_client import CollectorRegistry
from sqlalchemy import func, select

from media.facts import ClipFacts
from media.workshop import Workshop
from providers.addresses import guarded_session
from providers.pace import Pace
from providers.pixelbyte import PixelByte, provider_hosts
from providers.sandbox import Options, Sandbox
from providers.server import WEBHOOK_PATH, build_app, serve
from studio import jobs, ledger, schema
from studio.database import Database
from studio.database import ledger as entries
from studio.engine import Engine
from studio.equipment import Equipment, Terms
from studio.errors import ClipTooLarge, DeskError, DeskGone
from studio.ids import new_job_id
from studio.ledger import Because
from studio.models import (
    Clip,
    Ending,
    Inputs,
    Job,
    JobState,
    Member,
    Order,
    Orientation,
    Place,
    Progress,
    SourceFile,
    Wishes,
)
from studio.moderation.questions import Exhibit, History, Question, Standing
from studio.storage import ObstoreFiles, open_storage
from studio.waits import Waits
from tests import sandbox_world
from tests.sandbox_world import PATIENCE

PRICE = 50_000
SECONDS = 3.2
CHARGE = 4 * PRICE
"""What the clip of these tests costs."""

SECRET = "whsec_sandbox"
QUICK = Waits(
    late_look=0.1, upload=0.05, unshown=0.1, probe=0.3, longest_probe=0.5, price=600, missing=2, empty=1.5
)


@dataclass
class Message:
    """One message that stands in the conversation: `clip` is the file's size, or 0 for a link."""

    id: int
    job_id: str
    ending: Ending | None = None
    clip: int | None = None


@dataclass
class Notebook:
    """A desk that writes down what Discord would show. `fails` are raised, one for each later call.

    Like Discord's, it keeps messages, finds those of an earlier try, and refuses files above `limit` bytes.
    """

    limit: int = 10_000_000
    messages: list[Message] = field(default_factory=list)
    cards: dict[str, Progress] = field(default_factory=dict)
    holdups: dict[str, list[str]] = field(default_factory=dict)
    concluded: dict[str, Progress] = field(default_factory=dict)
    fails: list[DeskError] = field(default_factory=list)
    shows_fail: list[DeskError] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    questions: dict[int, Question] = field(default_factory=dict)
    exhibits: dict[str, tuple[History, str]] = field(default_factory=dict)
    illustrated: list[str] = field(default_factory=list)
    covered: list[str] = field(default_factory=list)
    closed_to_us: bool = False
    """Whether nothing can be posted in the moderators' channel."""

    async def open(self, job: Job, progress: Progress) -> Place:
        self._fail()
        return job.place

    async def illustrate(self, job: Job, progress: Progress, picture: Path, video: Path) -> None:
        assert picture.read_bytes()[:2] == video.read_bytes()[:2] == b"\xff\xd8"
        self.illustrated.append(job.id)

    async def show(self, job: Job, progress: Progress, *, urgent: bool) -> bool:
        before = self.cards.get(job.id)
        # The database remembers thousandths.
        if before is not None and progress.fraction < before.fraction - 0.001:
            self.complaints.append(f"{job.id} fell from {before.fraction} to {progress.fraction}")
        self.cards[job.id] = progress
        if progress.waiting_for:
            self.holdups.setdefault(job.id, []).append(progress.waiting_for)
        return True

    async def deliver(self, job: Job, clip: Clip, file: Path | None, *, first: bool = False) -> int:
        self._fail()
        size = file.stat().st_size if file else 0
        if size > self.limit:
            raise ClipTooLarge(limit=self.limit)
        assert file is None or file.read_bytes()[4:8] == b"ftyp"
        if clip.found is not None:
            self.covered.append(job.id)
        return self._post(job, clip=size)

    async def report(self, job: Job, ending: Ending) -> int:
        self._fail()
        return self._post(job, ending=ending)

    def landed_in(self, job: Job) -> int | None:
        return job.place.talk_id

    async def correct(self, job: Job, ending: Ending) -> None:
        self._fail()
        for message in self.of(job.id):
            if message.id == job.place.outcome_id:
                message.ending = ending

    async def conclude(self, job: Job, progress: Progress) -> None:
        self._fail()
        assert job.state.ended
        self.concluded[job.id] = progress

    async def erase(self, job: Job) -> None:
        self._fail()
        self.messages = [message for message in self.messages if message.job_id != job.id]

    async def ask_member(self, job: Job, question: Question) -> int:
        return self._ask(question)

    async def ask_moderators(self, job: Job, question: Question, exhibit: Exhibit) -> int:
        if self.closed_to_us:
            raise DeskGone
        if exhibit.video.stat().st_size + exhibit.picture.stat().st_size > self.limit:
            raise ClipTooLarge(limit=self.limit)
        self.exhibits[job.id] = (exhibit.history, exhibit.video.suffix)
        return self._ask(question)

    async def still_asks(self, question: Question) -> bool:
        return question.message_id in self.questions

    async def show_answer(self, job: Job, question: Question) -> None:
        assert question.message_id is not None
        if self.shows_fail:
            raise self.shows_fail.pop(0)
        self.questions[question.message_id] = question

    def asked(self, job_id: str) -> list[Question]:
        """What stands about the job, as it is shown now."""
        return [question for question in self.questions.values() if question.job_id == job_id]

    def of(self, job_id: str) -> list[Message]:
        return [message for message in self.messages if message.job_id == job_id]

    def _post(self, job: Job, **content: Any) -> int:
        for message in self.of(job.id):
            # What is known to stand there tells of an earlier end; anything else is this one, tried before.
            if message.id != job.place.outcome_id:
                return message.id
        self.messages.append(Message(9000 + len(self.messages), job.id, **content))
        return self.messages[-1].id

    def _ask(self, question: Question) -> int:
        self._fail()
        for number, known in self.questions.items():
            # An answered one has no buttons any more, by which it would be found.
            is_open = known.state is Standing.OPEN
            if is_open and (known.job_id, known.kind) == (question.job_id, question.kind):
                return number
        number = 700 + len(self.questions)
        self.questions[number] = question
        return number

    def _fail(self) -> None:
        if self.fails:
            raise self.fails.pop(0)


@dataclass
class Bell:
    """An operator who writes down every alarm once, until it is cleared."""

    alarms: dict[str, str] = field(default_factory=dict)
    history: list[str] = field(default_factory=list)

    async def alarm(self, subject: str, text: str) -> None:
        if subject not in self.alarms:
            self.alarms[subject] = text
            self.history.append(subject)

    async def clear(self, subject: str) -> None:
        self.alarms.pop(subject, None)

    def about(self, words: str) -> list[str]:
        return [text for subject, text in self.alarms.items() if words in subject or words in text]


class Memory(Workshop):
    """The real workshop; a result that it has seen before it knows by its contents, to save a child."""

    seen: ClassVar[dict[bytes, ClipFacts]] = {}

    async def verify_clip(self, path: Path) -> ClipFacts:
        digest = hashlib.sha256(path.read_bytes()).digest()
        if digest not in self.seen:
            self.seen[digest] = await super().verify_clip(path)
        return self.seen[digest]


class Disk:
    """Attachments that are already on this machine: the URL's path is the file's."""

    async def fetch(self, source: SourceFile, target: Path, *, max_bytes: int) -> int:
        shutil.copyfile(source.url.removeprefix("file://"), target)
        return target.stat().st_size


@dataclass
class World:
    """A running studio. `key` is the one that it has at the provider; `restart` gives it another process.

    `hindrances` is what the next webhooks meet instead of the doorbell: a status, `hang` or `late`.
    """

    folder: Path
    sandbox: Sandbox
    database: Database
    storage: ObstoreFiles
    desk: Notebook
    operator: Bell
    terms: Terms
    key: str
    ahead: timedelta = timedelta(0)
    workshop: Workshop = field(default_factory=lambda: Memory())
    engine: Engine = field(init=False)
    ordered: list[str] = field(default_factory=list)
    spared: set[str] = field(default_factory=set)
    hindrances: list[str] = field(default_factory=list)
    _running: AsyncExitStack = field(default_factory=AsyncExitStack)

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    # ── the process ─────────────────────────────────────────────────────────────────────────────

    async def start(self) -> None:
        self._running = AsyncExitStack()
        base = self.sandbox.api_url
        session = await self._running.enter_async_context(guarded_session(provider_hosts(base, ())))
        client = PixelByte(
            session=session,
            base_url=base,
            key=self.key,
            output_hosts=(),
            clock=lambda: datetime.now(UTC),
            first_pause=0.01,
        )
        # The tests count requests, not seconds.
        client._calls._pace = Pace(per_second=1000)
        client._downloads._timeout = aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=3)
        self.engine = Engine(
            Equipment(
                database=self.database,
                storage=self.storage,
                workshop=self.workshop,
                attachments=Disk(),
                provider=client,
                desk=self.desk,
                operator=self.operator,
                clock=self.now,
                terms=self.terms,
            )
        )
        task = asyncio.create_task(self.engine.run())
        self._running.push_async_callback(_ended, task)

    async def stop(self) -> None:
        """End as a killed process does: wherever it stands."""
        await self.engine.stop(grace_seconds=0)
        await self._running.aclose()

    async def restart(self) -> None:
        await self.stop()
        await self.start()

    # ── what members do ─────────────────────────────────────────────────────────────────────────

    async def order(self, prompt: str = "a calm forest", *, guild: int = 1, member: int = 10) -> str:
        """Have a job whose inputs are ready go into the queue, its price on hold; return its id."""
        now = self.now()
        order = self._an_order(prompt, guild, member, now)
        inputs = f"jobs/{order.job_id}/input"
        await self._store(sandbox_world.picture(), f"{inputs}/picture.jpg")
        await self._store(sandbox_world.clip(), f"{inputs}/motion.mp4")
        async with self.database.write() as connection:
            await jobs.insert(connection, order)
            job = await jobs.get(connection, order.job_id)
            assert job is not None
            job = await jobs.move(connection, job, JobState.PREPARING, now=now, card_id=1, answer_id=5)
            why = Because(actor="test", reason="ordered")
            await ledger.hold(connection, job, CHARGE, now=now, because=why)
            prepared = _inputs(inputs)
            job = await jobs.amend(connection, job, inputs=prepared, held_usd_micros=CHARGE)
            await jobs.move(connection, job, JobState.QUEUED, now=now)
        # As the step before would have had it shown.
        self.engine._display.changed(order.job_id)
        self.ordered.append(order.job_id)
        await self.engine.studio.acknowledged(order.job_id, answer_id=5)
        return order.job_id

    async def order_from_scratch(self, picture: Path, video: Path) -> str:
        """The whole way, from two attachments."""
        order = self._an_order("", 1, 10, self.now(), picture=picture, video=video)
        await self.engine.studio.register.take(order)
        self.ordered.append(order.job_id)
        await self.engine.studio.acknowledged(order.job_id, answer_id=5)
        return order.job_id

    async def cancel(self, job_id: str) -> str:
        return str(await self.engine.studio.cancel(job_id, member_id=10, is_moderator=False))

    def _an_order(self, prompt: str, guild: int, member: int, at: datetime, **files: Path) -> Order:
        picture, video = (files.get(name, Path("/nowhere")) for name in ("picture", "video"))
        return Order(
            job_id=new_job_id(at),
            member=Member(member, f"member {member}"),
            place=Place(guild_id=guild, channel_id=guild * 100, interaction_token="secret"),
            picture=SourceFile(f"file://{picture}", "picture.jpg", 1000, "image/jpeg"),
            video=SourceFile(f"file://{video}", "motion.mp4", 2000, "video/mp4"),
            wishes=Wishes(prompt=prompt),
            ordered_at=at,
        )

    async def _store(self, path: Path, key: str) -> None:
        async with self.storage.workspace() as folder:
            copy = Path(shutil.copy(path, folder))
            await self.storage.put(key, copy)

    # ── what tests look at ──────────────────────────────────────────────────────────────────────

    async def job(self, job_id: str) -> Job:
        async with self.database.read() as connection:
            job = await jobs.get(connection, job_id)
        assert job is not None
        return job

    async def until(self, job_id: str, condition: Callable[[Job], Any]) -> Job:
        """Wait until the condition holds for the job, patiently."""
        job = await self.job(job_id)
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                while not condition(job):
                    await asyncio.sleep(0.03)
                    job = await self.job(job_id)
                return job
        raise AssertionError(f"in vain: {job}, alarms {self.operator.alarms}")

    async def until_in(self, job_id: str, *states: JobState) -> Job:
        return await self.until(job_id, lambda job: job.state in states)

    async def until_closed(self, job_id: str) -> Job:
        return await self.until(job_id, lambda job: job.closed_at)

    async def eventually(self, condition: Callable[[], Any]) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                while not condition():  # noqa: ASYNC110 - anybody's condition: nothing announces it
                    await asyncio.sleep(0.02)
                return
        raise AssertionError(f"in vain: {self.operator.alarms} {self.desk.messages}")

    def renders_of(self, prompt: str) -> list[str]:
        return [record.id for record in self.sandbox.jobs if record.input.get("prompt") == prompt]

    def outcome(self, job_id: str) -> str:
        """How the last message about the job says that it ended: a text's code, or `clip`."""
        message = self.desk.of(job_id)[-1]
        return message.ending.code if message.ending else "clip"

    async def ledger_sum(self) -> int:
        async with self.database.read() as connection:
            query = select(func.coalesce(func.sum(entries.c.amount_usd_micros), 0))
            return int((await connection.execute(query)).scalar_one())

    async def check(self, *, messages: int = 1, renders_more: int = 0, inputs_kept: bool = True) -> None:
        """What must hold after every scenario, once all that was ordered has come to its end."""
        for job_id in self.ordered:
            job = await self.until_closed(job_id)
            assert job.state.ended
            assert len(self.desk.of(job_id)) == messages, self.desk.of(job_id)
            assert (self.desk.of(job_id)[-1].ending is None) == (job.state is JobState.DELIVERED)
            assert job.id in self.desk.concluded
            clip = job.clip
            clips = {key for key in (clip.key, clip.playable_key) if key} if clip else set()
            kept = set(await self.storage.keys(f"jobs/{job_id}"))
            # What a clip was made of is kept beside it, so that it can be run again.
            inputs = {key for key in kept if "/input/" in key} if job.clip else set()
            # So are copies that fitted into a message.
            copies = {key for key in kept if "/fitted-" in key} if job.clip else set()
            assert kept - inputs - copies == clips
            assert bool(inputs) is bool(job.clip and inputs_kept)
            async with self.database.read() as connection:
                assert await ledger.held_for(connection, job_id) == 0
                cost = await ledger.charged_for(connection, job_id)
            assert cost == (job.cost_usd_micros or 0) or job.state is JobState.DELIVERED
            if job.ending:
                assert job.ending.cost_usd_micros == cost
        assert self.desk.complaints == []
        # A fault that nobody met proves nothing.
        assert [fault for fault in self.sandbox.faults.waiting if fault.times is not None] == []
        await self._even()
        account = self.sandbox.account
        kept = Counter(self._prompt(render) for render in account.charges if render not in account.refunds)
        assert all(number <= 1 + renders_more for number in kept.values()), kept
        assert sum(kept.values()) - len(kept) == renders_more

    async def _even(self) -> None:
        """What was charged is in the books at last: a render besides the order's own a little later."""
        for _ in range(200):
            if await self.ledger_sum() == self.sandbox.account.net:
                return
            await asyncio.sleep(0.05)
        raise AssertionError(f"booked {await self.ledger_sum()}, not {self.sandbox.account.net}")

    def _prompt(self, render_id: str) -> str:
        record = next(record for record in self.sandbox.jobs if record.id == render_id)
        return str(record.input.get("prompt", ""))


def _inputs(folder: str) -> Inputs:
    return Inputs(
        picture_key=f"{folder}/picture.jpg",
        video_key=f"{folder}/motion.mp4",
        picture_thumbnail_key=f"{folder}/p.jpg",
        video_thumbnail_key=f"{folder}/v.jpg",
        seconds=SECONDS,
        has_sound=True,
        orientation=Orientation.VIDEO,
    )


async def _ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


@asynccontextmanager
async def studio_at_work(
    folder: Path,
    *,
    seconds: float = 0.3,
    webhooks: bool = False,
    database: Database | None = None,
    options: Options | None = None,
    waits: Waits = QUICK,
    **terms: Any,
) -> AsyncIterator[World]:
    """A studio and its sandbox, whose renders take `seconds`; `terms` are fields of `Terms`."""
    async with AsyncExitStack() as stack:
        sandbox = await stack.enter_async_context(
            Sandbox(
                folder / "sandbox",
                seconds=seconds,
                webhook_secret=SECRET,
                options=options or sandbox_world.shared(),
            )
        )
        if database is None:
            database = await _new_database(folder / "bot.db")
            stack.push_async_callback(database.close)
        given: dict[str, Any] = {
            "account": "test",
            "usd_micros_per_second": PRICE,
            "poll_interval_seconds": 0.2,
            "reconcile_seconds": 1.0,
            "max_jobs_per_member": 100,
            "max_jobs_per_server": 100,
            "waits": waits,
        }
        world = World(
            folder=folder,
            sandbox=sandbox,
            database=database,
            storage=open_storage((folder / "files").as_uri()),
            desk=Notebook(),
            operator=Bell(),
            terms=Terms(**(given | terms)),
            key=sandbox.key,
        )
        if webhooks:
            await _hang_a_doorbell(stack, world)
        await world.start()
        stack.push_async_callback(world.stop)
        yield world


async def _new_database(path: Path) -> Database:
    """An SQLite database with all tables, made once and copied from then on."""
    template = Path(sandbox_world.workshop().name) / "template.db"
    if not template.exists():
        first = Database(f"sqlite:///{template}")
        await schema.upgrade(first)
        await first.close()
    shutil.copyfile(template, path)
    return Database(f"sqlite:///{path}")


async def _hang_a_doorbell(stack: AsyncExitStack, world: World) -> None:
    async def ring(token: str, provider_job_id: str | None) -> None:
        await world.engine.studio.ring(token, provider_job_id)

    @web.middleware
    async def hindered(request: web.Request, handler: Any) -> web.StreamResponse:
        hindrance = world.hindrances.pop(0) if world.hindrances else ""
        if hindrance in ("hang", "late"):
            await asyncio.sleep(1)
        if hindrance not in ("", "late"):
            status = int(hindrance) if hindrance.isdigit() else 500
            return web.Response(status=status, headers={"Location": "http://127.0.0.1:9/elsewhere"})
        return cast("web.StreamResponse", await handler(request))

    app = build_app(ring=ring, secret=SECRET, checks={}, registry=CollectorRegistry(), clock=world.now)
    app.middlewares.append(hindered)
    host, port = await stack.enter_async_context(serve(app, "127.0.0.1", 0))
    address = f"http://{host}:{port}{WEBHOOK_PATH}"
    world.terms = replace(world.terms, webhook_address=lambda token: f"{address}{token}")


__all__ = ["CHARGE", "PRICE", "QUICK", "World", "studio_at_work"]

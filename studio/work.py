"""What is done in each state, and the loop that carries a job from one to the next."""

from __future__ import annotations

import asyncio
import errno
import secrets
from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial

import structlog
from sqlalchemy.exc import SQLAlchemyError

from studio import attempts, jobs, queue
from studio.asking import Asking
from studio.census import Census
from studio.crashpoints import passing
from studio.delivery import Delivery
from studio.display import Display
from studio.endings import end
from studio.equipment import Equipment, Moved, Outcome, Wait, patience
from studio.intake import Intake
from studio.models import Job, JobState
from studio.once import Once
from studio.ordering import Ordering
from studio.ports import Dispatcher
from studio.reconciling import Reconciling
from studio.rendering import Rendering

log = structlog.get_logger(__name__)

Step = Callable[[Job], Awaitable[Outcome]]

CRASHES_BEFORE_GIVING_UP = 5
"""How often a step may fail in a way that nobody foresaw, while nothing has been paid for yet."""

UNORDERED = jobs.WITHDRAWABLE | {JobState.SUBMITTING}
"""States in which nothing has been paid for, but perhaps by a submit without an answer."""

FLEETING = frozenset({JobState.FETCHING, JobState.DELIVERING})
SHOWN_AFTER_SECONDS = 2.0

CLOSED_AFTER_SECONDS = 2.0
"""How long a delivered job leaves its card as it is while others' clips are on their way."""

DISK = "disk"
DISK_TROUBLE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO})
DISK_LOOK_SECONDS = 15.0
"""How soon a job looks again whether the disk takes its files."""


class Work:
    """`advance(job_id)` runs the job's step, moves it on, and goes on until it has to wait (`ports.Advance`).

    Every step may be killed anywhere and run again: what it did is found by its ids, and a row that was
    moved by another hand in the meantime stops it (`Outrun`).
    """

    def __init__(self, equipment: Equipment, display: Display, census: Census) -> None:
        intake, ordering = Intake(equipment), Ordering(equipment)
        asking = Asking(equipment, display)
        self._reconciling = Reconciling(equipment)
        self._rendering = Rendering(equipment)
        delivery = Delivery(equipment, display, asking)
        self._equipment = equipment
        self._display = display
        self._dispatcher: Dispatcher | None = None
        self._disk_is_in_trouble = False
        self._fill_once = Once(self.fill_slots)
        self._count_once = Once(census.refresh)
        self._soon_shown: dict[str, asyncio.TimerHandle] = {}
        self._brought = 0
        self._close: Step = delivery.close
        self._steps: dict[JobState, Step] = {
            JobState.RECEIVED: intake.open,
            JobState.PREPARING: intake.prepare,
            JobState.PENDING_APPROVAL: asking.look,
            JobState.QUEUED: self._queue,
            JobState.SUBMITTING: ordering.submit,
            JobState.UNKNOWN: self._reconciling.look,
            JobState.RENDERING: self._rendering.look,
            JobState.FETCHING: delivery.fetch,
            JobState.DELIVERING: delivery.deliver,
        }

    def wake_through(self, dispatcher: Dispatcher) -> None:
        """Name the dispatcher that runs `advance`; it is made after us, since it needs us."""
        self._dispatcher = dispatcher

    async def advance(self, job_id: str, /, *, news: bool) -> None:
        """Carry the job on until it waits for something or is closed. Never raises for a job's trouble."""
        try:
            await self._advance(job_id, news)
        except SQLAlchemyError as error:
            # The database is away: nothing can be noted, so only this process's memory wakes the job again.
            log.error("database_away", job_id=job_id, error=type(error).__name__, detail=str(error)[:300])  # noqa: TRY400 - the trace of a lost connection says nothing
            self._wake(job_id, after_seconds=10.0, news=news)

    async def fill_slots(self) -> None:
        """Give free slots at the provider to the jobs whose turn it is, if any waits, and wake them."""
        while await self._anybody_waits() and len(await self._give_slots()) == queue.CLAIMED_AT_ONCE:
            pass

    async def finish(self, *, grace_seconds: float) -> None:
        """Wait for what was begun beside the steps, but not for long: the database may be away."""
        await asyncio.gather(
            *(once.finish(grace_seconds=grace_seconds) for once in (self._fill_once, self._count_once))
        )

    async def keep_slots_filled(self) -> None:
        """Look for free slots now and then, until cancelled: waiting jobs do not."""
        while True:
            await self.fill_slots()
            await asyncio.sleep(queue.LOOK_SECONDS)

    async def _anybody_waits(self) -> bool:
        async with self._equipment.database.read() as connection:
            return await queue.anybody_waits(connection)

    async def _give_slots(self, awake: str = "") -> list[Job]:
        """Return the jobs that got one; all but the one `awake` are woken."""
        equipment = self._equipment
        async with equipment.database.write() as connection:
            claimed = await queue.claim(
                connection,
                most=equipment.terms.max_concurrent_jobs,
                slot_recovery=equipment.terms.waits.slot,
                account=equipment.terms.account,
                now=equipment.clock(),
            )
        if claimed:
            passing("work.slots_given")
            self._display.line_moved()
        for job in claimed:
            self._display.changed(job.id)
            if job.id != awake:
                self._wake(job.id)
        return claimed

    async def _advance(self, job_id: str, news: bool) -> None:
        job = await self._read(job_id)
        while job is not None and job.closed_at is None:
            try:
                outcome = await self._step(job, news)
            except jobs.Outrun:
                # The other hand may be a process that took the job over: only a new wake-up waits for it.
                self._wake(job_id, news=news)
                return
            if isinstance(outcome, Wait):
                await self._sleep(job, outcome)
                return
            if self._disk_is_in_trouble:
                self._disk_is_in_trouble = False
                await self._equipment.operator.clear(DISK)
            await self._moved(job, outcome.job)
            # What had to be searched for may have ended meanwhile, and its webhook may have come and gone.
            is_adopted = job.state is JobState.UNKNOWN and outcome.job.state is JobState.RENDERING
            news, job = news or is_adopted, outcome.job
            if job.state is JobState.DELIVERED and self._brought:
                # First the clips that are not posted yet, then the cards of those that are.
                self._wake(job_id, after_seconds=CLOSED_AFTER_SECONDS)
                return

    async def _read(self, job_id: str) -> Job | None:
        async with self._equipment.database.read() as connection:
            return await jobs.get(connection, job_id)

    async def _step(self, job: Job, news: bool) -> Outcome:
        step = self._close if job.state.ended else self._steps[job.state]
        if news and job.state is JobState.RENDERING:
            step = partial(self._rendering.look, news=True)
        fleeting = job.state in FLEETING
        self._brought += fleeting
        try:
            return await step(job)
        except (jobs.Outrun, SQLAlchemyError):
            raise
        except OSError as error:
            if error.errno not in DISK_TROUBLE:
                return await self._unforeseen(job)
            return await self._disk_trouble(job, error)
        except Exception:  # noqa: BLE001 - the outermost step: whatever it is, the job must not be lost
            return await self._unforeseen(job)
        finally:
            self._brought -= fleeting

    async def _disk_trouble(self, job: Job, error: OSError) -> Outcome:
        """The disk takes nothing: no order's fault, so none fails for it however long it lasts."""
        log.error("disk_trouble", job_id=job.id, state=job.state, error=error.strerror)
        self._disk_is_in_trouble = True
        await self._equipment.operator.alarm(DISK, f"files cannot be written: {error.strerror}")
        return Wait(DISK_LOOK_SECONDS)

    async def _unforeseen(self, job: Job) -> Outcome:
        reference = secrets.token_hex(3)
        log.exception("step_failed", job_id=job.id, state=job.state, tries=job.tries, reference=reference)
        if job.state is JobState.UNKNOWN:
            return await self._reconciling.stumbled(job, reference)
        if job.state in UNORDERED and job.tries >= CRASHES_BEFORE_GIVING_UP:
            async with self._equipment.database.read() as connection:
                sent = await attempts.unexplained_of(connection, job.id)
            if sent is None:
                return await end(self._equipment, job, JobState.FAILED, "internal", reference=reference)
        return Wait(patience(job.tries), tried=True)

    async def _queue(self, job: Job) -> Outcome:
        # Asked before: a pause that ends while the slots are looked at would else be slept over.
        async with self._equipment.database.read() as connection:
            rest = await queue.look_again_after(connection, self._equipment.clock())
        claimed = await self._give_slots(awake=job.id)
        if len(claimed) == queue.CLAIMED_AT_ONCE:
            self._fill_once.ask()
        now_is = next((one for one in claimed if one.id == job.id), None) or await self._read(job.id)
        if now_is is not None and now_is.state is not job.state:
            # It was our own turn, now or in somebody else's claim.
            return Moved(now_is)
        return Wait(rest)

    async def _moved(self, before: Job, after: Job) -> None:
        if before.state is after.state:
            passing("work.closed")
            log.info("job_closed", job_id=after.id, state=after.state)
            return
        passing(f"work.moved_to_{after.state}")
        log.info("job_moved", job_id=after.id, was=before.state, now=after.state)
        if (timer := self._soon_shown.pop(after.id, None)) is not None:
            timer.cancel()
        if after.state.ended:
            self._count_once.ask()
        elif after.state in FLEETING:
            # Usually over before an edit would arrive, which would only take the place of a result.
            self._soon_shown[after.id] = asyncio.get_running_loop().call_later(
                SHOWN_AFTER_SECONDS, self._show_late, after.id
            )
        else:
            self._display.changed(after.id)
        if before.state in jobs.AT_PROVIDER:
            # A slot is free, or what kept the others from theirs is over.
            self._fill_once.ask()

    def _show_late(self, job_id: str) -> None:
        self._soon_shown.pop(job_id, None)
        self._display.changed(job_id)

    async def _sleep(self, job: Job, wait: Wait) -> None:
        if wait.early:
            self._wake(job.id, after_seconds=wait.seconds)
            return
        wake_at = self._equipment.clock() + timedelta(seconds=wait.seconds)
        try:
            async with self._equipment.database.write_once() as connection:
                await jobs.amend(connection, job, wake_at=wake_at, tries=job.tries + 1 if wait.tried else 0)
            passing("work.rested")
        except jobs.Outrun:
            self._wake(job.id)
            return
        self._wake(job.id, after_seconds=wait.seconds)

    def _wake(self, job_id: str, *, after_seconds: float = 0.0, news: bool = False) -> None:
        assert self._dispatcher is not None
        self._dispatcher.wake(job_id, after_seconds=after_seconds, news=news)

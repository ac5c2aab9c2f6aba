"""The dispatcher over several machines: which process advances which job, and which one leads."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from procrastinate import JobContext
from procrastinate.jobs import DeleteJobCondition
from procrastinate.jobs import Job as WakeUp

from studio.cluster_queue import LEADING, QUEUE, STEP, TROUBLE, WakeUps, unretrieved
from studio.database import Database
from studio.outbox import Outbox
from studio.ports import Advance
from studio.pulse import Pulse

log = structlog.get_logger(__name__)

HEARTBEAT_SECONDS = 2.0
SILENT_SECONDS = 8.0
"""A worker that has been silent for this long counts as dead, and its jobs are given to others."""

RESCUE_SECONDS = 3.0
"""How often every worker looks for silent ones."""

LEAD_EVERY = "* * * * * */5"
"""How soon after a start somebody leads, as cron with the seconds last; later a successor always waits."""

LOOK_SECONDS = 1.0
"""How often a worker looks for what became due; what is woken for now is notified at once."""

COUNT_SECONDS = 3.0
STEPS_AT_ONCE = 16
STOP_SECONDS, LAST_SECONDS = 4.0, 1.0
PAUSE_AFTER_TROUBLE_SECONDS = 3.0

Lead = Callable[[], Coroutine[None, None, None]]


@dataclass(slots=True)
class _Run:
    """One wake-up that this process works on; `job_id` None = the leader's duties."""

    job_id: str | None
    task: asyncio.Task[None]


class ClusterDispatcher:
    """Satisfies `studio.ports.Dispatcher` over all processes on one database.

    A wake-up is a procrastinate job with our job's id as its lock: no two of one job run at once anywhere,
    and one that comes while the job runs waits for its turn. Without `advance` this process wakes but works
    nothing. `lead` runs in one of the working processes at a time.

    Nothing depends on a wake-up alone: `wake` keeps it in memory until the database has it, and the sweep
    finds what died with a process. A process that stood still for so long that others may have taken its work
    drops what it was doing before it goes on; guarded updates would stop it too, but later.
    """

    def __init__(self, database: Database, *, advance: Advance | None, lead: Lead) -> None:
        self._advance, self._lead = advance, lead
        self._wake_ups = WakeUps(database)
        self._outbox = Outbox()
        self._running: dict[int, _Run] = {}
        self._worker_ids: set[int] = set()
        self._strays: set[int] = set()
        self._serving: asyncio.Task[None] | None = None
        self._stopping = False
        if advance is not None:
            self._register_tasks()

    async def prepare(self) -> None:
        """Make or renew the tables; `run` does it too."""
        await self._wake_ups.upgrade()

    def wake(self, job_id: str, *, after_seconds: float = 0.0, news: bool = False) -> None:
        self._outbox.put(job_id, after_seconds, news=news)

    async def run(self) -> None:
        """Send wake-ups, and work on them if this process does, until cancelled or stopped."""
        asyncio.get_running_loop().set_exception_handler(unretrieved)
        while not self._stopping:
            self._serving = asyncio.create_task(self._serve())
            try:
                await asyncio.wait({self._serving})
            finally:
                await _end([self._serving])
            if self._stopping:
                return
            error = None if self._serving.cancelled() else self._serving.exception()
            if error is not None and not isinstance(error, TROUBLE):
                raise error
            cause = error and (error.__cause__ or error)
            log.warning("waking_interrupted", error=type(cause).__name__, detail=str(cause)[:200])
            await asyncio.sleep(PAUSE_AFTER_TROUBLE_SECONDS)

    async def stop(self, *, grace_seconds: float) -> None:
        """Take up nothing more, let running steps reach their end, and hand on what takes longer."""
        self._stopping = True
        if self._serving is None:
            return
        self._serving.cancel()
        steps = [run.task for run in self._running.values() if run.job_id is not None]
        for run in self._running.values():
            if run.job_id is None:
                run.task.cancel()
        if steps:
            _, late = await asyncio.wait(steps, timeout=grace_seconds)
            for task in late:
                task.cancel()
            if late:
                log.info("steps_interrupted", count=len(late))
        await asyncio.wait({self._serving}, timeout=LAST_SECONDS)

    # ── serving ─────────────────────────────────────────────────────────────────────────────────

    async def _serve(self) -> None:
        """Open the database and serve until something fails or ends."""
        await self.prepare()
        async with self._wake_ups.open():
            self._worker_ids.clear()
            parts = [self._send()]
            if self._advance is not None:
                # Leading has a worker of its own: it may not wait until one of the steps has ended.
                parts += [self._work(QUEUE, STEPS_AT_ONCE), self._work(LEADING, 1)]
                parts += [self._count(), self._rescue()]
            tasks = [asyncio.create_task(part) for part in parts]
            try:
                with Pulse(limit_seconds=SILENT_SECONDS / 2, on_standstill=self._drop_everything):
                    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            finally:
                results = await _end(tasks)
                if not any(isinstance(result, TROUBLE) for result in results):
                    await self._send_once()
        for result in results:
            if isinstance(result, Exception):
                raise result

    async def _work(self, queue: str, at_once: int) -> None:
        """Work on a queue; returns, after the steps have ended, when the connection is lost."""
        await self._wake_ups.app.run_worker_async(
            queues=[queue],
            concurrency=at_once,
            install_signal_handlers=False,
            fetch_job_polling_interval=LOOK_SECONDS,
            update_heartbeat_interval=HEARTBEAT_SECONDS,
            stalled_worker_timeout=10 * SILENT_SECONDS,
            shutdown_graceful_timeout=STOP_SECONDS,
            delete_jobs=DeleteJobCondition.ALWAYS,
        )

    async def _send(self) -> None:
        while True:
            await self._outbox.filled()
            await self._send_once()

    async def _send_once(self) -> None:
        wishes = self._outbox.take()
        sent = False
        try:
            if wishes:
                await self._wake_ups.defer(wishes)
            sent = True
        finally:
            if not sent:
                self._outbox.put_back(wishes)

    # ── working ─────────────────────────────────────────────────────────────────────────────────

    def _register_tasks(self) -> None:
        app = self._wake_ups.app
        app.task(name=STEP, queue=QUEUE, pass_context=True)(self._run_step)
        # The lock is held for as long as one leads; the queueing lock keeps one successor waiting.
        lead = app.task(name="lead", queue=LEADING, lock="lead", queueing_lock="lead", pass_context=True)(
            self._run_lead
        )
        app.periodic(cron=LEAD_EVERY)(lead)

    async def _run_step(self, context: JobContext, job_id: str, news: bool) -> None:
        assert self._advance is not None
        await self._watched(context, job_id, asyncio.create_task(self._advance(job_id, news=news)))

    async def _run_lead(self, context: JobContext, timestamp: int) -> None:  # noqa: ARG002 - procrastinate's
        log.info("leading")
        await self._watched(context, None, asyncio.create_task(self._lead()))
        log.info("no_longer_leading")

    async def _watched(self, context: JobContext, job_id: str | None, task: asyncio.Task[None]) -> None:
        """Wait for the task, which may be dropped from outside without this wake-up failing."""
        row_id = context.job.id
        assert row_id is not None
        assert context.job.worker_id is not None
        self._worker_ids.add(context.job.worker_id)
        self._running[row_id] = _Run(job_id, task)
        try:
            await asyncio.wait({task})
        finally:
            await _end([task])
            del self._running[row_id]
            if task.cancelled() and job_id is not None:
                self.wake(job_id, news=_has_news(context.job))
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("wake_up_failed", job_id=job_id, exc_info=error)

    def _drop_everything(self, seconds: float) -> None:
        log.warning("stood_still", seconds=round(seconds, 1), dropped=len(self._running))
        for run in self._running.values():
            run.task.cancel()

    # ── what was left behind ────────────────────────────────────────────────────────────────────

    async def _rescue(self) -> None:
        """Wake the jobs of workers that have been silent for too long, again and again."""
        while True:
            for wake_up in await self._wake_ups.stalled(silent_seconds=SILENT_SECONDS):
                if await self._adopt(wake_up):
                    job_id = wake_up.task_kwargs.get("job_id")
                    log.warning("adopted", task=wake_up.task_name, job_id=job_id)
            await asyncio.sleep(RESCUE_SECONDS)

    async def _adopt(self, wake_up: WakeUp) -> bool:
        """Replace a wake-up that nobody works on by a new one; False if somebody else was quicker."""
        if not await self._wake_ups.close(wake_up):
            return False
        job_id = wake_up.task_kwargs.get("job_id")
        if isinstance(job_id, str):
            self._outbox.put(job_id, 0, first=True, news=_has_news(wake_up))
        return True

    async def _count(self) -> None:
        """Compare what the database says that this worker does with what it does, again and again.

        The end of a step cannot be stored while the database is away, and a process that was slow for a
        while does not hear that its work was given to others.
        """
        while True:
            await asyncio.sleep(COUNT_SECONDS)
            await self._count_once()

    async def _count_once(self) -> None:
        before = dict(self._running)
        held: dict[int, WakeUp] = {}
        for worker_id in set(self._worker_ids):
            held |= await self._wake_ups.held_by(worker_id)
        for row_id in before.keys() - held.keys():
            if row_id in self._running:
                log.warning("given_to_others", job_id=before[row_id].job_id)
                before[row_id].task.cancel()
        # Twice in a row: a wake-up may just be beginning or ending.
        strays = held.keys() - before.keys() - self._running.keys()
        for row_id in strays & self._strays:
            await self._adopt(held[row_id])
        self._strays = set(strays)


def _has_news(wake_up: WakeUp) -> bool:
    return bool(wake_up.task_kwargs.get("news"))


async def _end(tasks: Sequence[asyncio.Task[Any]]) -> list[Any]:
    """Cancel the tasks that still run, and return how all of them ended."""
    for task in tasks:
        task.cancel()
    return await asyncio.gather(*tasks, return_exceptions=True)

"""The wake-ups in PostgreSQL: procrastinate's tables, and what we do to single rows of them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import procrastinate
import psycopg
import structlog
from procrastinate import exceptions
from procrastinate.jobs import Job as WakeUp
from procrastinate.jobs import Status
from procrastinate.schema import SchemaManager
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

from studio import notes
from studio.database import PATIENCE, Database
from studio.outbox import Wish

log = structlog.get_logger(__name__)

QUEUE, LEADING = "animate", "leading"
STEP = "advance"
CONNECT_SECONDS = 5
CONNECTIONS = 6

TROUBLE = (exceptions.ConnectorException, psycopg.Error, SQLAlchemyError, OSError)
"""What is raised while the database is away."""

_SCHEMA_NOTE = "procrastinate_schema"

_SCHEMA_LOCK = 0x70726F63
"""Key of the PostgreSQL advisory lock under which one process at a time changes procrastinate's tables."""


class WakeUps:
    """procrastinate's app with our few operations. Its methods raise `TROUBLE` while the database is away."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.app = procrastinate.App(connector=_connector(database))
        # It says with a trace, and often, what is said by us once.
        logging.getLogger("procrastinate").setLevel(logging.CRITICAL)

    def open(self) -> AbstractAsyncContextManager[procrastinate.App]:
        return self.app.open_async()

    async def upgrade(self) -> None:
        """Make the tables, or apply what the installed release adds to them, in one transaction.

        They are procrastinate's: its releases bring the statements, and Alembic knows nothing of them. What
        was applied is noted by the name of the newest migration. Harmless when repeated, by many at once too.
        """
        # A short listing of an installed package, once for each connection.
        migrations = await asyncio.to_thread(_migrations)
        async with self._database.write() as connection:
            await connection.execute(select(func.pg_advisory_xact_lock(_SCHEMA_LOCK)))
            applied = await notes.read(connection, _SCHEMA_NOTE)
            scripts = [text for name, text in migrations if applied is not None and name > applied]
            if applied is None:
                scripts = [SchemaManager.get_schema()]
            for script in scripts:
                # Without parameters the driver takes several statements at once, and no % for a placeholder.
                await connection.exec_driver_sql(script, execution_options={"no_parameters": True})
            if scripts:
                await notes.write(connection, _SCHEMA_NOTE, migrations[-1][0])

    async def defer(self, wishes: Sequence[Wish]) -> None:
        """Store a wake-up for each wish, except for those that are waiting already."""
        await self._defer([self._wake_up(wish) for wish in wishes])

    async def stalled(self, *, silent_seconds: float) -> list[WakeUp]:
        """What workers hold that have been silent for so long, or are known no more."""
        return list(await self.app.job_manager.get_stalled_jobs(seconds_since_heartbeat=silent_seconds))

    async def held_by(self, worker_id: int) -> dict[int, WakeUp]:
        """What the database says that this worker is doing."""
        rows = await self.app.job_manager.list_jobs_async(status=Status.DOING.value, worker_id=worker_id)
        return {row.id: row for row in rows if row.id is not None}

    async def close(self, wake_up: WakeUp) -> bool:
        """Remove a wake-up that nobody works on any more; False if somebody else has.

        Its job has to be woken anew. procrastinate's own retry would keep the row instead: a worker that was
        stopped and goes on would then end it under the hands of its heir, and set the job's lock free.
        """
        assert wake_up.id is not None
        try:
            await self.app.job_manager.finish_job_by_id_async(wake_up.id, Status.ABORTED, delete_job=True)
        except exceptions.ConnectorException as error:
            if isinstance(error.__cause__, psycopg.errors.RaiseException):
                return False
            raise
        return True

    def _wake_up(self, wish: Wish) -> WakeUp:
        seconds = wish.seconds_left()
        # What is due later has a lower priority: for one lock, procrastinate runs nothing before an older
        # wake-up of the same priority, not even if that one is scheduled for tomorrow.
        return self.app.configure_task(
            STEP,
            queue=QUEUE,
            lock=wish.job_id,
            queueing_lock=f"{wish.job_id}/{wish.span}" + ("/news" if wish.news else ""),
            priority=-wish.span,
            schedule_in={"seconds": seconds} if seconds > 0 else None,
            task_kwargs={"job_id": wish.job_id, "news": wish.news},
        ).job

    async def _defer(self, wake_ups: Sequence[WakeUp]) -> None:
        try:
            await self.app.job_manager.batch_defer_jobs_async(list(wake_ups))
        except exceptions.AlreadyEnqueued:
            # The statement stores all or nothing, and does not say which one it was.
            if len(wake_ups) > 1:
                middle = len(wake_ups) // 2
                await self._defer(wake_ups[:middle])
                await self._defer(wake_ups[middle:])


def unretrieved(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Handle what nobody waits for: procrastinate drops the error of a wake-up that it could not end."""
    error = context.get("exception")
    if isinstance(error, exceptions.ConnectorException):
        log.info("wake_up_not_ended", detail=str(error.__cause__ or error)[:200])
    else:
        loop.default_exception_handler(context)


def _migrations() -> list[tuple[str, str]]:
    """Name and text of procrastinate's migrations, oldest first."""
    folder = Path(SchemaManager.get_migrations_path())
    return [(path.name, path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.sql"))]


def _connector(database: Database) -> procrastinate.PsycopgConnector:
    url = database.engine.url.set(drivername="postgresql")
    return procrastinate.PsycopgConnector(
        conninfo=url.render_as_string(hide_password=False),
        min_size=1,
        max_size=CONNECTIONS,
        timeout=CONNECT_SECONDS,
        kwargs=PATIENCE,
    )

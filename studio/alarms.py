"""Alarms for the operator: each subject once, in the log and by message, until it is settled."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable

import structlog
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from studio import notes
from studio.database import Database

log = structlog.get_logger(__name__)

Tell = Callable[[str, str], Awaitable[bool]]
"""Tells the operator subject and text; False when that did not work."""

PREFIX = "alarm:"


class Alarms:
    """Satisfies `studio.ports.Operator`. What was told is remembered in the database, over restarts.

    An alarm that reached nobody is told again with the next one about its subject. It is noted before it is
    told, so that no two processes tell it; one that is killed between the two leaves it to the log.
    """

    def __init__(self, database: Database, tell: Tell) -> None:
        self._database = database
        self._tell = tell
        self._logged: set[str] = set()
        self._telling: set[str] = set()
        self._told: set[str] | None = None

    async def alarm(self, subject: str, text: str) -> None:
        if subject not in self._logged:
            self._logged.add(subject)
            log.error("operator_alarm", subject=subject, text=text)
        if subject in self._telling:
            return
        self._telling.add(subject)
        try:
            await self._tell_once(subject, text)
        except SQLAlchemyError as error:
            log.warning("alarm_not_noted", subject=subject, error=type(error).__name__)
        finally:
            self._telling.discard(subject)

    async def clear(self, subject: str) -> None:
        """The matter is settled: the next time is news again."""
        # Whoever is telling of it just now does not note that it was told.
        self._telling.discard(subject)
        told = await self._standing()
        if subject in self._logged | told:
            self._logged.discard(subject)
            log.info("operator_alarm_cleared", subject=subject)
        if subject in told:
            async with self._database.write() as connection:
                await notes.erase(connection, _key(subject))
            told.discard(subject)

    async def _tell_once(self, subject: str, text: str) -> None:
        told = await self._standing()
        if subject in told:
            return
        if not await self._claim(subject):
            told.add(subject)
            return
        reached = False
        try:
            reached = await self._tell(subject, text)
        finally:
            if reached and subject in self._telling:
                told.add(subject)
            else:
                async with self._database.write() as connection:
                    await notes.erase(connection, _key(subject))

    async def _claim(self, subject: str) -> bool:
        """Note that it is told, before it is; False when that is noted: another process may be quicker."""
        try:
            async with self._database.read() as connection:
                if await notes.read(connection, _key(subject)) is not None:
                    return False
            async with self._database.write() as connection:
                await notes.add(connection, _key(subject), subject)
        except IntegrityError:
            return False
        except SQLAlchemyError as error:
            # The trouble may be the database's own: it is told all the same, once by this process.
            log.warning("alarm_not_noted", subject=subject, error=type(error).__name__)
        return True

    async def _standing(self) -> set[str]:
        """What was told and is not settled, as this process knows it; read once, since orders wait for it."""
        if self._told is None:
            async with self._database.read() as connection:
                self._told = set(await notes.values(connection, PREFIX))
        return self._told


def _key(subject: str) -> str:
    return PREFIX + hashlib.sha256(subject.encode()).hexdigest()[:32]

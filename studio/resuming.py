"""Ends of the provider's pause that somebody has brought about: by command, or with another key."""

from __future__ import annotations

from datetime import datetime

import structlog

from studio import notes, queue, summons
from studio.database import Database
from studio.equipment import Equipment
from studio.errors import OperatorProblem
from studio.queue import Pause

log = structlog.get_logger(__name__)

_KEY_NOTE = "provider_key"

OF_THE_KEY = frozenset(
    {OperatorProblem.KEY, OperatorProblem.ACCESS, OperatorProblem.BALANCE, OperatorProblem.MODEL}
)
"""What another key may mend: it may belong to another account, or be allowed more."""


async def resume(database: Database, *, now: datetime) -> Pause | None:
    """End the pause at the operator's wish; return it as it was, None when nothing was paused."""
    async with database.write() as connection:
        pause = await queue.read_pause(connection)
        if pause is None:
            return None
        await queue.resume(connection)
        await summons.announce(connection)
    paused_for = (now - pause.since).total_seconds()
    log.info("operator_resumed", problem=pause.problem, since=pause.since.isoformat(), seconds=paused_for)
    return pause


class Keys:
    """Notices at the start that the provider's key is another one than before."""

    def __init__(self, equipment: Equipment) -> None:
        self._equipment = equipment

    async def compare(self) -> None:
        """Have a queue that was held for the old key go on at once."""
        mark = self._equipment.terms.key_mark
        if not mark:
            return
        async with self._equipment.database.write() as connection:
            known = await notes.read(connection, _KEY_NOTE)
            if known == mark:
                return
            await notes.write(connection, _KEY_NOTE, mark)
            pause = await queue.read_pause(connection)
            if known is None or pause is None or pause.problem not in OF_THE_KEY:
                return
            await queue.resume(connection)
            await summons.announce(connection)
        log.info("new_key_resumes", problem=pause.problem)

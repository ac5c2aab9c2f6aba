"""Alarms for the operator: each subject once in the log, until it is cleared."""

from __future__ import annotations

import structlog

log = structlog.get_logger(__name__)


class LoggedAlarms:
    """Satisfies `studio.ports.Operator` with the log alone."""

    def __init__(self) -> None:
        self._raised: set[str] = set()

    async def alarm(self, subject: str, text: str) -> None:
        if subject not in self._raised:
            self._raised.add(subject)
            log.error("operator_alarm", subject=subject, text=text)

    async def clear(self, subject: str) -> None:
        """The matter is settled: the next time is news again."""
        if subject in self._raised:
            self._raised.discard(subject)
            log.info("operator_alarm_cleared", subject=subject)

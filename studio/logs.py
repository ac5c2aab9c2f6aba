"""The log: one line for each event, for people or as JSON, with every secret kept out."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Iterable
from urllib.parse import quote

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

HIDDEN = "[secret]"

SHORTEST = 4
"""What is shorter stands in every other word: hiding it would hide the log, and it guards nothing."""


def configure(*, as_json: bool, secrets: Iterable[str] = ()) -> None:
    """Send structlog's and the standard library's records to stderr in one form.

    Any of `secrets` that would appear in a line, wherever it came from, is replaced.
    """
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    renderer: Processor = (
        structlog.processors.JSONRenderer()
        if as_json
        # A fancy traceback would show local variables, and break secrets over lines where nobody finds them.
        else structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
        )
    )
    formatter = _Formatter(
        secrets=_finding(secrets),
        foreign_pre_chain=shared,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info if as_json else _keep,
            renderer,
        ],
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
    for noisy in ("aiohttp.access", "alembic", "discord.gateway"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    for reconnecting in ("discord.client", "discord.shard"):
        logging.getLogger(reconnecting).addFilter(_without_trace)


def _without_trace(record: logging.LogRecord) -> bool:
    """Say in one line why discord.py has to connect again: it does so by itself."""
    error = record.exc_info[1] if record.exc_info else None
    if isinstance(error, OSError | TimeoutError) or type(error).__module__.startswith("aiohttp"):
        record.msg = f"{record.getMessage()} ({type(error).__name__})"
        record.args, record.exc_info = (), None
    return True


def without(secrets: Iterable[str], text: str) -> str:
    """The text with every secret replaced, however often it was escaped for JSON, Python or an address."""
    return _finding(secrets).sub(HIDDEN, text)


def _finding(secrets: Iterable[str]) -> re.Pattern[str]:
    forms = [
        form
        for secret in secrets
        if len(secret) >= SHORTEST
        for form in (_escaped(secret), re.escape(quote(secret, "")))
    ]
    return re.compile("|".join(forms) or r"(?!)")


def _escaped(secret: str) -> str:
    """A pattern for the secret with any number of backslashes where escaping puts them."""
    special = {"\\": r"\\+", '"': r"\\*\"", "'": r"\\*'"}
    return "".join(special.get(character) or re.escape(character) for character in secret)


_SIGNED = re.compile(
    r"""(?<=/interactions/)\d+/[^\s/"'\\]+"""  # what answers an interaction, good for a moment
    r"""|(?<=/webhooks/)\d+/[^\s/"'\\?]+"""  # and for a quarter of an hour
    r"""|(?<=[\w/]\?)[^\s"'<>)\\]*\b(?:ex|hm|sig|signature|x-amz-signature|token)=[^\s"'<>)\\]+""",
    re.IGNORECASE,
)
"""The parts of addresses that open something to whoever reads them; libraries log such addresses whole."""


class _Formatter(structlog.stdlib.ProcessorFormatter):
    def __init__(
        self, *, secrets: re.Pattern[str], foreign_pre_chain: list[Processor], processors: list[Processor]
    ) -> None:
        super().__init__(foreign_pre_chain=foreign_pre_chain, processors=processors)
        self._secrets = secrets

    def format(self, record: logging.LogRecord) -> str:
        line = super().format(record)
        # On the finished line: a secret may hide in a traceback or in somebody else's message.
        return _SIGNED.sub(HIDDEN, self._secrets.sub(HIDDEN, line))


def _keep(_logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
    return event

"""The log: one line for each event, for people or as JSON, with every secret kept out."""

from __future__ import annotations

import json
import logging
import re
import sys
from collections.abc import Iterable
from urllib.parse import quote

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

HIDDEN = "[secret]"


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
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    formatter = _Formatter(
        hidden=[secret for secret in secrets if secret],
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


def without(secrets: Iterable[str], text: str) -> str:
    """The text with every secret replaced, also where it is escaped for JSON, Python or an address."""
    for secret in secrets:
        for form in {secret, json.dumps(secret)[1:-1], repr(secret)[1:-1], quote(secret, safe="")}:
            text = text.replace(form, HIDDEN)
    return text


_SIGNED = re.compile(
    r"""(?<=/interactions/)\d+/[^\s/"'\\]+"""  # what answers an interaction, good for a moment
    r"""|(?<=/webhooks/)\d+/[^\s/"'\\?]+"""  # and for a quarter of an hour
    r"""|(?<=[\w/]\?)[^\s"'<>)\\]*\b(?:ex|hm|sig|signature|x-amz-signature|token)=[^\s"'<>)\\]+""",
    re.IGNORECASE,
)
"""The parts of addresses that open something to whoever reads them; libraries log such addresses whole."""


class _Formatter(structlog.stdlib.ProcessorFormatter):
    def __init__(
        self, *, hidden: list[str], foreign_pre_chain: list[Processor], processors: list[Processor]
    ) -> None:
        super().__init__(foreign_pre_chain=foreign_pre_chain, processors=processors)
        self._hidden = hidden

    def format(self, record: logging.LogRecord) -> str:
        line = super().format(record)
        # On the finished line: a secret may hide in a traceback or in somebody else's message.
        return _SIGNED.sub(HIDDEN, without(self._hidden, line))


def _keep(_logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
    return event

"""The addresses of clips that we give out: signed, and good until a moment that stands in them."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy.exc import IntegrityError

from studio import notes
from studio.database import Database
from studio.models import Job
from studio.ports import Clock

WATCH_PATH = "/watch/"
FILES_PATH = "/clips/"

SECRET_NOTE = "links.secret"  # noqa: S105 - the name of the note, not what it holds
PURPOSE = b"links to clips, version 1"
SIGNATURE_BYTES = 18

_TOKEN = re.compile(r"(?P<job>[0-9a-z]{1,25})\.(?P<until>[0-9a-f]{1,10})\.(?P<signature>[A-Za-z0-9_-]{24})")


@dataclass(frozen=True, slots=True)
class Ticket:
    """What an authentic token says: whose clip it opens, and until when."""

    job_id: str
    until: datetime


class Links:
    """Makes and reads the tokens. Whoever has one may see the clip, as with every link that is passed on."""

    def __init__(self, public_url: str, secret: bytes, *, clock: Clock, retention_seconds: float) -> None:
        self.public_url = public_url
        self._key = hmac.digest(secret, PURPOSE, hashlib.sha256)
        self._clock = clock
        self.retention = timedelta(seconds=retention_seconds)

    def watch_url(self, job: Job) -> str:
        """The page on which the job's clip can be watched as long as we keep it."""
        return f"{self.public_url}{WATCH_PATH}{self.token(job)}"

    def token(self, job: Job) -> str:
        until = (job.closed_at or self._clock()) + self.retention
        said = f"{job.id}.{int(until.timestamp()):x}"
        return f"{said}.{self._sign(said)}"

    def read(self, token: str) -> Ticket | None:
        """Return what the token says, None when it is not ours. It may be past its time."""
        match = _TOKEN.fullmatch(token)
        if match is None:
            return None
        said, _, signature = token.rpartition(".")
        if not hmac.compare_digest(signature, self._sign(said)):
            return None
        return Ticket(match["job"], datetime.fromtimestamp(int(match["until"], 16), UTC))

    def _sign(self, said: str) -> str:
        whole = hmac.digest(self._key, said.encode(), hashlib.sha256)
        return base64.urlsafe_b64encode(whole[:SIGNATURE_BYTES]).decode("ascii")


async def open_links(database: Database, public_url: str, *, clock: Clock, retention_seconds: float) -> Links:
    """Links that work in every process on this database, after restarts and from its backups."""
    secret = await _shared_secret(database)
    return Links(public_url, secret, clock=clock, retention_seconds=retention_seconds)


async def _shared_secret(database: Database) -> bytes:
    async with database.read() as connection:
        known = await notes.read(connection, SECRET_NOTE)
    if known is None:
        known = await _agree_on(database, secrets.token_hex(32))
    return bytes.fromhex(known)


async def _agree_on(database: Database, proposal: str) -> str:
    """Several processes may start at once: the first one's proposal stands."""
    try:
        async with database.write() as connection:
            await notes.add(connection, SECRET_NOTE, proposal)
    except IntegrityError:
        async with database.read() as connection:
            known = await notes.read(connection, SECRET_NOTE)
        assert known is not None
        return known
    return proposal

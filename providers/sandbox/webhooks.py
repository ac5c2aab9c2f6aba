"""Webhooks: signed over the raw body and tried again on the documented schedule (provider.md, 11)."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import io
import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import aiohttp

from providers.sandbox.faults import Faults, Ring
from providers.sandbox.records import JobRecord, Shelf
from studio.ports import Clock

_log = logging.getLogger(__name__)
DELAYS = (1.0, 4.0, 16.0, 64.0, 256.0)
DEADLINE_SECONDS = 30.0


def sign(secret: str, timestamp: str, body: bytes) -> str:
    """The value of `X-PixelByte-Signature`."""
    digest = hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256)
    return f"sha256={digest.hexdigest()}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rung:
    """One try to deliver a webhook; `status` is what the receiver answered, None: nothing in time."""

    job_id: str
    status: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """How webhooks leave: the secret, the waits (seconds) before each further try, the receiver's time."""

    session: aiohttp.ClientSession
    secret: str
    delays: tuple[float, ...]
    deadline: float
    clock: Clock


class Webhooks:
    """Sends each finished job's webhook in the background; what was under way at a crash is sent again."""

    def __init__(
        self,
        line: Line,
        jobs: Shelf[JobRecord],
        faults: Faults,
        payload: Callable[[JobRecord], Mapping[str, Any]],
    ) -> None:
        self._line = line
        self._jobs = jobs
        self._faults = faults
        self._payload = payload
        self._tasks: set[asyncio.Task[None]] = set()
        self.rung: list[Rung] = []

    def resume(self) -> None:
        for job in self._jobs:
            if job.webhook_state == "pending":
                self.ring(job)

    def ring(self, job: JobRecord) -> None:
        """Have the job's webhook sent, if it asked for one."""
        if job.webhook_url is None:
            return
        ring = self._faults.ring(early=False)
        body = self._body(job, ring)
        for _ in range(0 if ring.silent else ring.copies):
            task = asyncio.create_task(self._deliver(job, body, ring))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def ring_early(self, job: JobRecord) -> None:
        """Tell of a completion that is still to come, where a `Ring` asks for that; one try."""
        if job.webhook_url is not None and (ring := self._faults.ring(early=True)).early:
            body = self._body(replace(job, status="completed", completed_at=self._line.clock()), ring)
            await self._sent(job, body, ring)

    async def close(self) -> None:
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _body(self, job: JobRecord, ring: Ring) -> bytes:
        if ring.body is not None:
            return ring.body
        payload = {**self._payload(job), **ring.merge}
        if ring.encode is not None:
            return ring.encode(payload)
        return json.dumps(payload, separators=(",", ":"), ensure_ascii=False).encode()

    async def _deliver(self, job: JobRecord, body: bytes, ring: Ring) -> None:
        for wait in (0.0, *self._line.delays):
            await asyncio.sleep(wait)
            if await self._sent(job, body, ring):
                self._note(job.id, "sent")
                return
        self._note(job.id, "failed")

    async def _sent(self, job: JobRecord, body: bytes, ring: Ring) -> bool:
        assert job.webhook_url is not None
        timestamp = ring.stamp
        if timestamp is None:
            timestamp = str(int(self._line.clock().timestamp() - ring.age))
        signature = sign(ring.secret or self._line.secret, timestamp, body)
        headers: dict[str, str | None] = {
            "Content-Type": "application/json",
            "User-Agent": "PixelByte-Sandbox",
            "X-PixelByte-Timestamp": timestamp,
            "X-PixelByte-Signature": ring.respell(signature) if ring.respell else signature,
            **ring.headers,
        }
        kept = {name: value for name, value in headers.items() if value is not None}
        status = await self._answer(job.webhook_url, body, kept)
        self.rung.append(Rung(job_id=job.id, status=status))
        return status is not None and 200 <= status < 300

    async def _answer(self, url: str, body: bytes, headers: Mapping[str, str]) -> int | None:
        timeout = aiohttp.ClientTimeout(total=self._line.deadline)
        try:
            async with self._line.session.post(
                url, data=io.BytesIO(body), headers=headers, allow_redirects=False, timeout=timeout
            ) as response:
                return response.status
        except (aiohttp.ClientError, TimeoutError) as error:
            _log.info("a webhook was not delivered: %r", error)
            return None

    def _note(self, job_id: str, state: str) -> None:
        job = self._jobs.get(job_id)
        if job is not None and job.webhook_state != "sent":
            self._jobs.put(replace(job, webhook_state=state))

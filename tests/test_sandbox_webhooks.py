"""The sandbox rings the doorbell: signed over the raw bytes, repeated until answered, wrong on request."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from aiohttp import web

from providers import signatures
from providers.sandbox import Fate, Ring
from providers.sandbox.webhooks import sign
from tests.builders import FixedClock
from tests.sandbox_world import eventually, opened, shared
from tests.test_wire_signatures import SECRET, STAMP, VECTORS


@dataclass
class Receiver:
    """Somebody's webhook endpoint; answers with the `answers` in turn, then with 200."""

    url: str = ""
    bodies: list[bytes] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)

    async def receive(self, request: web.Request) -> web.Response:
        self.bodies.append(await request.read())
        self.headers.append(dict(request.headers))
        return web.Response(status=self.answers.pop(0) if self.answers else 200)

    async def until(self, count: int) -> None:
        await eventually(lambda: len(self.bodies) >= count)


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    app = web.Application()
    app.router.add_post("/hook", receiver.receive)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    receiver.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    try:
        yield receiver
    finally:
        await runner.cleanup()


@pytest.mark.parametrize(("body", "digest", "_survives"), VECTORS)
def test_the_documented_vectors_are_signed_alike(body: bytes, digest: str, _survives: bool | None) -> None:
    assert sign(SECRET, STAMP, body) == f"sha256={digest}"


async def test_a_completed_job_rings_with_a_valid_signature(tmp_path: Path, clock: FixedClock) -> None:
    async with receiving() as receiver, opened(tmp_path, seconds=0, clock=clock) as (_, customer):
        submit = await customer.submit(webhook=receiver.url)
        await receiver.until(1)

    payload = json.loads(receiver.bodies[0])
    headers = receiver.headers[0]
    verdict = signatures.check(
        receiver.bodies[0],
        timestamp=headers["X-PixelByte-Timestamp"],
        signature=headers["X-PixelByte-Signature"],
        secret="whsec_sandbox",
        now=clock(),
    )
    assert verdict is signatures.Verdict.FRESH
    assert payload["jobId"] == submit.body["jobId"]
    assert payload["requestId"] == submit.body["requestId"]
    assert payload["status"] == "completed"
    assert payload["output"]["videoUrl"].endswith(".mp4")
    assert payload["completedAt"] == "2026-03-01T12:00:00.000Z"


async def test_a_failed_job_rings_with_its_error(tmp_path: Path) -> None:
    async with receiving() as receiver, opened(tmp_path) as (sandbox, customer):
        sandbox.faults.add(Fate(failure=("GENERATION_FAILED", "é 中 😀")))
        await customer.submit(webhook=receiver.url)
        await receiver.until(1)

    payload = json.loads(receiver.bodies[0])
    assert payload["status"] == "failed"
    assert payload["error"] == {"code": "GENERATION_FAILED", "message": "é 中 😀"}
    assert "output" not in payload


async def test_a_cancelled_job_does_not_ring(tmp_path: Path) -> None:
    async with receiving() as receiver, opened(tmp_path, seconds=1000) as (sandbox, customer):
        first = await customer.submit(webhook=receiver.url)
        await customer.call("POST", f"/jobs/{first.body['jobId']}/cancel")
        sandbox.faults.add(Fate(seconds=0))
        second = await customer.submit(webhook=receiver.url)
        await receiver.until(1)

    assert [json.loads(body)["jobId"] for body in receiver.bodies] == [second.body["jobId"]]


async def test_an_unanswered_ring_is_repeated_on_the_schedule_and_then_given_up(tmp_path: Path) -> None:
    options = shared(webhook_delays=(0.01, 0.01, 0.01))

    async with receiving() as receiver, opened(tmp_path, options=options) as (sandbox, customer):
        receiver.answers = [500, 302]
        await customer.submit(webhook=receiver.url)
        await eventually(lambda: sandbox.jobs[0].webhook_state == "sent")
        answered = len(receiver.bodies)
        receiver.answers = [500] * 4
        await customer.submit(webhook=receiver.url)
        await eventually(lambda: sandbox.jobs[0].webhook_state == "failed")

    assert answered == 3
    assert len(receiver.bodies) == 7
    assert receiver.bodies[0] == receiver.bodies[2]


async def test_a_ring_can_be_silent_doubled_forged_or_old(tmp_path: Path, clock: FixedClock) -> None:
    async with receiving() as receiver, opened(tmp_path, seconds=0, clock=clock) as (sandbox, customer):
        sandbox.faults.add(
            Ring(silent=True),
            Ring(copies=3),
            Ring(secret="whsec_other", age=301),
            Ring(body=b'{"x": 1.0}', headers={"X-PixelByte-Signature": None}),
            Ring(merge={"status": "failed"}),
        )
        for expected in (0, 3, 4, 5, 6):
            await customer.until((await customer.submit(webhook=receiver.url)).body["jobId"])
            await receiver.until(expected)

    forged = receiver.headers[3]
    stamp = str(int(clock().timestamp()) - 301)
    assert len(receiver.bodies) == 6
    assert len(set(receiver.bodies[:3])) == 1
    assert forged["X-PixelByte-Timestamp"] == stamp
    assert forged["X-PixelByte-Signature"] == sign("whsec_other", stamp, receiver.bodies[3])
    assert receiver.bodies[4] == b'{"x": 1.0}'
    assert "X-PixelByte-Signature" not in receiver.headers[4]
    assert json.loads(receiver.bodies[5])["status"] == "failed"


async def test_a_ring_can_come_before_the_submit_is_answered(tmp_path: Path) -> None:
    async with receiving() as receiver, opened(tmp_path) as (sandbox, customer):
        sandbox.faults.add(Ring(early=True))
        answer = await customer.submit(webhook=receiver.url)
        early = len(receiver.bodies)
        await receiver.until(2)

    assert early == 1
    assert json.loads(receiver.bodies[0])["jobId"] == answer.body["jobId"]
    assert json.loads(receiver.bodies[0])["status"] == "completed"


async def test_a_ring_that_was_under_way_at_the_end_is_sent_after_the_restart(tmp_path: Path) -> None:
    options = shared(webhook_delays=(1000.0,))

    async with receiving() as receiver:
        receiver.answers = [500]
        async with opened(tmp_path, options=options) as (_, customer):
            await customer.submit(webhook=receiver.url)
            await receiver.until(1)
        async with opened(tmp_path, options=options) as (sandbox, _):
            await eventually(lambda: sandbox.jobs[0].webhook_state == "sent")

    assert len(receiver.bodies) == 2

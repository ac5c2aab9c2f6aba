"""The web server: signed webhooks in every shape, health, readiness and metrics."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import io
from collections.abc import AsyncIterator

import aiohttp
import pytest
from prometheus_client import CollectorRegistry, Counter

from providers.server import build_app, serve
from providers.signatures import SIGNATURE_HEADER, TIMESTAMP_HEADER, sign
from tests.builders import FixedClock

SECRET = "whsec_test_0123456789abcdef"
TOKEN = "abcdefghijklmnopqrstuvwxyz0123456789_-ABCDE"
BODY = b'{"jobId":"job_1","status":"completed"}'


class Bells:
    """Remembers who rang; may be told to fail or to take its time."""

    def __init__(self) -> None:
        self.rung: list[tuple[str, str | None]] = []
        self.rang = asyncio.Event()
        self.error: Exception | None = None
        self.held = asyncio.Event()
        self.held.set()

    async def ring(self, token: str, job_id: str | None) -> None:
        await self.held.wait()
        self.rung.append((token, job_id))
        self.rang.set()
        if self.error:
            raise self.error


class Checks:
    database = True
    trouble: Exception | None = None

    async def look_at_database(self) -> bool:
        if self.trouble:
            raise self.trouble
        return self.database

    async def look_at_discord(self) -> bool:
        return True


@pytest.fixture
async def bells() -> Bells:
    return Bells()


@pytest.fixture
def checks() -> Checks:
    return Checks()


@pytest.fixture
async def url(bells: Bells, checks: Checks, clock: FixedClock) -> AsyncIterator[str]:
    registry = CollectorRegistry()
    Counter("clips_delivered", "Clips that were posted", registry=registry).inc(3)
    app = build_app(
        ring=bells.ring,
        secret=SECRET,
        checks={"database": checks.look_at_database, "discord": checks.look_at_discord},
        registry=registry,
        clock=clock,
    )
    async with serve(app, "127.0.0.1", 0) as (host, port):
        yield f"http://{host}:{port}"


def signed(body: bytes, clock: FixedClock, *, age: float = 0) -> dict[str, str]:
    stamp = str(int(clock().timestamp() - age))
    return {TIMESTAMP_HEADER: stamp, SIGNATURE_HEADER: sign(body, timestamp=stamp, secret=SECRET)}


async def post(url: str, body: bytes | io.BytesIO, headers: dict[str, str], token: str = TOKEN) -> int:
    async with (
        aiohttp.ClientSession(auto_decompress=False) as session,
        session.post(f"{url}/webhooks/pixelbyte/{token}", data=body, headers=headers) as response,
    ):
        await response.read()
        return response.status


async def get(url: str) -> tuple[int, str]:
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        return response.status, await response.text()


# ── webhooks ────────────────────────────────────────────────────────────────────────────────────


async def test_an_authentic_webhook_rings_with_its_token_and_job(
    url: str, bells: Bells, clock: FixedClock
) -> None:
    status = await post(url, BODY, signed(BODY, clock))

    assert status == 204
    await asyncio.wait_for(bells.rang.wait(), 10)
    assert bells.rung == [(TOKEN, "job_1")]


async def test_the_answer_does_not_wait_for_the_work(url: str, bells: Bells, clock: FixedClock) -> None:
    bells.held.clear()

    status = await post(url, BODY, signed(BODY, clock))

    assert status == 204
    assert bells.rung == []
    bells.held.set()
    await asyncio.wait_for(bells.rang.wait(), 10)


async def test_each_duplicate_is_answered_alike(url: str, bells: Bells, clock: FixedClock) -> None:
    statuses = [await post(url, BODY, signed(BODY, clock)) for _ in range(6)]

    assert statuses == [204] * 6


async def test_work_that_fails_is_logged_and_harms_nothing(
    url: str, bells: Bells, clock: FixedClock, capsys: pytest.CaptureFixture[str]
) -> None:
    bells.error = RuntimeError("the bell is broken")

    assert await post(url, BODY, signed(BODY, clock)) == 204
    await asyncio.wait_for(bells.rang.wait(), 10)
    assert await post(url, BODY, signed(BODY, clock)) == 204

    assert "the bell is broken" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("body", "job_id"),
    [
        (b'{"jobId": "job_t1", "status": "failed", "error": {"code": "X", "message": "x"}}', "job_t1"),
        (rb'{"jobId":"job_t1","output":{"duration":10.0,"note":"\u00e9\/"}}', "job_t1"),
        (b'{"success":true,"data":{"jobId":"job_t1"}}', "job_t1"),
        (b"\xff\xfe not utf-8", None),
        (b"not json", None),
        (b"[1, 2]", None),
        (b"", None),
        (gzip.compress(BODY, mtime=0), None),
    ],
)
async def test_whatever_is_authentic_rings(
    url: str, bells: Bells, clock: FixedClock, body: bytes, job_id: str | None
) -> None:
    assert await post(url, body, signed(body, clock)) == 204

    await asyncio.wait_for(bells.rang.wait(), 10)
    assert bells.rung == [(TOKEN, job_id)]


async def test_a_compressed_body_is_judged_by_its_bytes_on_the_wire(
    url: str, bells: Bells, clock: FixedClock
) -> None:
    packed = gzip.compress(BODY)

    over_wire = await post(url, packed, signed(packed, clock) | {"Content-Encoding": "gzip"})
    over_content = await post(url, packed, signed(BODY, clock) | {"Content-Encoding": "gzip"})

    assert (over_wire, over_content) == (204, 401)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {TIMESTAMP_HEADER: "1772366400"},
        {SIGNATURE_HEADER: "sha256=00"},
        {TIMESTAMP_HEADER: "abc", SIGNATURE_HEADER: "sha256=" + "0" * 64},
        {TIMESTAMP_HEADER: "1772366400", SIGNATURE_HEADER: "sha256=" + "0" * 64},
        {TIMESTAMP_HEADER: "1772366400", SIGNATURE_HEADER: "sha256=" + "0" * 63},
        {TIMESTAMP_HEADER: "1772366400", SIGNATURE_HEADER: "0" * 64},
        {TIMESTAMP_HEADER: "1772366400", SIGNATURE_HEADER: "sha256=é中"},
        {TIMESTAMP_HEADER: "-5", SIGNATURE_HEADER: "sha256=" + "0" * 64},
        {TIMESTAMP_HEADER: "1772366400000", SIGNATURE_HEADER: "sha256=" + "0" * 64},
    ],
)
async def test_whatever_is_not_authentic_is_refused(url: str, bells: Bells, headers: dict[str, str]) -> None:
    assert await post(url, BODY, headers) == 401

    assert bells.rung == []


@pytest.mark.parametrize(("age", "status"), [(301, 204), (660, 204), (661, 401), (-599, 204), (-700, 401)])
async def test_a_stale_webhook_still_rings_for_eleven_minutes(
    url: str, bells: Bells, clock: FixedClock, age: float, status: int
) -> None:
    assert await post(url, BODY, signed(BODY, clock, age=age)) == status


async def test_a_signature_of_another_body_is_refused(url: str, bells: Bells, clock: FixedClock) -> None:
    assert await post(url, BODY + b" ", signed(BODY, clock)) == 401

    assert bells.rung == []


async def test_a_body_of_five_megabytes_is_refused(url: str, bells: Bells, clock: FixedClock) -> None:
    body = b"x" * 5_000_000

    # The server may close before the client has finished sending; refused all the same.
    with contextlib.suppress(aiohttp.ClientConnectionError):
        assert await post(url, io.BytesIO(body), signed(body, clock)) == 413

    assert bells.rung == []
    assert (await get(f"{url}/healthz"))[0] == 200


async def test_a_body_just_above_the_cap_is_refused_and_one_below_it_is_not(
    url: str, bells: Bells, clock: FixedClock
) -> None:
    below, above = b"x" * 65_535, b"x" * 65_537

    assert await post(url, below, signed(below, clock)) == 204
    assert await post(url, above, signed(above, clock)) == 413


@pytest.mark.parametrize("token", ["short", "a" * 200, "..%2F..%2Fmetrics", "tok%20en" * 5])
async def test_what_cannot_be_a_token_is_unknown_once_it_is_authentic(
    url: str, bells: Bells, clock: FixedClock, token: str
) -> None:
    assert await post(url, BODY, signed(BODY, clock), token) == 204
    assert await post(url, BODY, {}, token) == 401

    assert bells.rung == []


async def test_without_a_secret_every_webhook_is_refused(bells: Bells, clock: FixedClock) -> None:
    app = build_app(ring=bells.ring, secret="", checks={}, registry=CollectorRegistry(), clock=clock)
    stamp = str(int(clock().timestamp()))
    headers = {TIMESTAMP_HEADER: stamp, SIGNATURE_HEADER: sign(BODY, timestamp=stamp, secret="")}

    async with serve(app, "127.0.0.1", 0) as (host, port):
        assert await post(f"http://{host}:{port}", BODY, headers) == 401


async def test_what_is_ringing_is_finished_before_the_server_ends(bells: Bells, clock: FixedClock) -> None:
    app = build_app(ring=bells.ring, secret=SECRET, checks={}, registry=CollectorRegistry(), clock=clock)
    bells.held.clear()

    async with serve(app, "127.0.0.1", 0) as (host, port):
        await post(f"http://{host}:{port}", BODY, signed(BODY, clock))
        asyncio.get_running_loop().call_later(0.2, bells.held.set)

    assert bells.rung == [(TOKEN, "job_1")]


async def test_a_client_that_never_finishes_its_body_is_sent_away(
    url: str, bells: Bells, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("providers.server.BODY_SECONDS", 0.2)
    host, _, port = url.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))

    writer.write(
        f"POST /webhooks/pixelbyte/{TOKEN} HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nab".encode()
    )
    line = await asyncio.wait_for(reader.readline(), 10)

    assert b" 408 " in line
    writer.close()


# ── for whoever runs it ─────────────────────────────────────────────────────────────────────────


async def test_health_is_told(url: str) -> None:
    assert (await get(f"{url}/healthz"))[0] == 200


async def test_readiness_names_every_check(url: str, checks: Checks) -> None:
    assert await get(f"{url}/readyz") == (
        200,
        '{"ready": true, "checks": {"database": true, "discord": true}}',
    )

    checks.database = False

    assert await get(f"{url}/readyz") == (
        503,
        '{"ready": false, "checks": {"database": false, "discord": true}}',
    )


async def test_a_check_that_raises_is_not_ready(url: str, checks: Checks) -> None:
    checks.trouble = OSError("gone")

    status, text = await get(f"{url}/readyz")

    assert status == 503
    assert '"database": false' in text


async def test_metrics_are_those_of_the_registry(url: str) -> None:
    status, text = await get(f"{url}/metrics")

    assert status == 200
    assert "clips_delivered_total 3.0" in text

"""The sandbox misbehaves exactly as asked, and only as often as asked."""

from __future__ import annotations

import asyncio
import json
import math
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from providers.sandbox import Fate, Fault, Reset
from providers.sandbox.faults import Faults
from tests.builders import FixedClock
from tests.sandbox_world import Customer, clip, eventually, opened

BROKEN = (aiohttp.ClientError, TimeoutError)


def test_faults_are_used_in_turn_and_only_where_they_belong() -> None:
    faults = Faults()
    faults.add(
        Fault(on="list", status=1, skip=1, times=2),
        Fault(on="list", status=2, times=None),
        Fault(on="status", status=3, only="job_a"),
    )

    statuses = [fault.status if (fault := faults.fault("list", "")) else None for _ in range(5)]

    assert statuses == [None, 1, 1, 2, 2]
    assert faults.fault("status", "job_b") is None
    assert faults.fault("status", "job_a") is not None
    assert faults.fault("status", "job_a") is None
    assert len(faults.waiting) == 1


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("INVALID_INPUT", 400),
        ("API_KEY_EXPIRED", 401),
        ("INSUFFICIENT_BALANCE", 402),
        ("IP_NOT_WHITELISTED", 403),
        ("MODEL_NOT_FOUND", 404),
        ("CONCURRENT_JOBS_EXCEEDED", 429),
        ("INTERNAL_ERROR", 500),
        ("PUBSUB_PUBLISH_FAILED", 503),
    ],
)
async def test_an_error_comes_with_its_documented_status_and_creates_nothing(
    tmp_path: Path, code: str, status: int
) -> None:
    async with opened(tmp_path) as (sandbox, customer):
        sandbox.faults.add(
            Fault(on="submit", code=code, details={"retryAfter": -5}, headers={"Retry-After": "9"})
        )

        wrong = await customer.submit()
        right = await customer.submit()

        assert (wrong.status, wrong.code) == (status, code)
        assert wrong.body["error"]["details"] == {"retryAfter": -5}
        assert wrong.headers["Retry-After"] == "9"
        assert right.status == 200
        assert len(sandbox.jobs) == 1


async def test_a_ghost_job_is_created_behind_an_error(tmp_path: Path) -> None:
    async with opened(tmp_path) as (sandbox, customer):
        sandbox.faults.add(Fault(on="submit", code="INTERNAL_ERROR", processed=True))

        answer = await customer.submit()
        listed = await customer.call("GET", "/jobs")

        assert answer.status == 500
        assert len(listed.body["jobs"]) == 1
        assert sandbox.account.charged == 200_000


BODIES: list[tuple[Fault, int, bytes]] = [
    (Fault(on="submit", status=502), 502, b"<html>"),
    (Fault(on="submit", body=b""), 200, b""),
    (Fault(on="submit", body=b'{"jobId": "job_', content_type="text/plain"), 200, b'{"jobId'),
    (Fault(on="submit", processed=True, body=b"<html></html>", content_type="text/html"), 200, b"<html>"),
]


@pytest.mark.parametrize(("fault", "status", "begin"), BODIES)
async def test_any_body_can_be_answered(tmp_path: Path, fault: Fault, status: int, begin: bytes) -> None:
    async with opened(tmp_path) as (sandbox, customer):
        sandbox.faults.add(fault)
        order = await customer.order()

        async with customer.session.post(
            f"{customer.api_url}/jobs/submit", json=order, headers={"Authorization": "Bearer pb_sandbox"}
        ) as response:
            body = await response.read()

        assert response.status == status
        assert body.startswith(begin)
        assert len(sandbox.jobs) == (1 if fault.processed else 0)


async def test_a_good_answer_can_be_changed_in_any_way(tmp_path: Path) -> None:
    async with opened(tmp_path, seconds=1000) as (sandbox, customer):
        sandbox.faults.add(
            Fault(on="submit", drop=("jobId",), merge={"job_id": "x", "costMicroCents": "200000"}),
            Fault(on="submit", wrapped=True),
            Fault(on="submit", change=lambda body: {"success": False, **body}),
            Fault(
                on="submit",
                change=lambda body: b"\xef\xbb\xbf" + json.dumps(body).encode(),
                content_type="a/b",
            ),
        )

        renamed, wrapped, unsuccessful, marked = [await customer.submit() for _ in range(4)]

    assert "jobId" not in renamed.body
    assert renamed.body["job_id"] == "x"
    assert wrapped.body["success"] is True
    assert wrapped.body["data"]["status"] == "pending"
    assert unsuccessful.body["success"] is False
    assert unsuccessful.body["jobId"]
    assert marked.body.startswith(b"\xef\xbb\xbf{")


@pytest.mark.parametrize(
    ("fault", "created"),
    [
        (Fault(on="submit", reset=Reset.BEFORE), 0),
        (Fault(on="submit", reset=Reset.DURING), 0),
        (Fault(on="submit", reset=Reset.AFTER), 0),
        (Fault(on="submit", reset=Reset.AFTER, processed=True), 1),
    ],
)
async def test_a_connection_is_reset_before_or_after_the_job_exists(
    tmp_path: Path, fault: Fault, created: int
) -> None:
    async with opened(tmp_path) as (sandbox, customer):
        await customer.order()
        sandbox.faults.add(fault)

        with pytest.raises(aiohttp.ClientError):
            await customer.submit()

        assert len(sandbox.jobs) == created
        assert len(sandbox.seen("submit")) == 1


async def test_an_answer_can_stay_away_while_the_job_runs(tmp_path: Path) -> None:
    async with opened(tmp_path) as (sandbox, customer):
        order = await customer.order()
        sandbox.faults.add(Fault(on="submit", hang=True, processed=True))

        waiting = asyncio.create_task(customer.call("POST", "/jobs/submit", order))
        await eventually(lambda: bool(sandbox.jobs))
        job = await customer.until(sandbox.jobs[0].id)

        assert job["status"] == "completed"
        assert not waiting.done()
        waiting.cancel()


async def test_closing_lets_go_of_those_who_wait_for_ever(tmp_path: Path) -> None:
    async with opened(tmp_path) as (sandbox, customer):
        sandbox.faults.add(Fault(on="list", hang=True))
        waiting = asyncio.create_task(customer.call("GET", "/jobs"))
        await eventually(lambda: bool(sandbox.seen("list")))

        await sandbox.__aexit__(None, None, None)

        with pytest.raises(aiohttp.ClientError):
            await waiting


async def test_a_sequence_of_statuses_is_a_list_of_faults(tmp_path: Path) -> None:
    wanted = ["processing", "pending", "queued", "PROCESSING"]

    async with opened(tmp_path, seconds=0) as (sandbox, customer):
        job_id = await customer.submitted()
        sandbox.faults.add(*(Fault(on="status", merge={"status": status}) for status in wanted))

        shown = [(await customer.status(job_id))["status"] for _ in wanted]
        job = await customer.until(job_id)

    assert shown == wanted
    assert job["status"] == "completed"


async def test_a_failed_job_can_come_as_an_http_error(tmp_path: Path) -> None:
    async with opened(tmp_path) as (sandbox, customer):
        job_id = await customer.submitted()
        sandbox.faults.add(
            Fault(on="status", processed=True, status=500, merge={"status": "failed", "error": "no"})
        )

        answer = await customer.call("GET", f"/jobs/{job_id}")

    assert answer.status == 500
    assert (answer.body["jobId"], answer.body["status"], answer.body["error"]) == (job_id, "failed", "no")


async def test_a_status_can_be_unknown_at_first(tmp_path: Path) -> None:
    async with opened(tmp_path) as (sandbox, customer):
        job_id = await customer.submitted()
        sandbox.faults.add(Fault(on="status", only=job_id, code="JOB_NOT_FOUND", times=2))

        statuses = [(await customer.call("GET", f"/jobs/{job_id}")).status for _ in range(3)]

    assert statuses == [404, 404, 200]


# ── fates ───────────────────────────────────────────────────────────────────────────────────────


async def test_a_job_can_be_fated_to_fail(tmp_path: Path) -> None:
    text = "Failure to pass the risk control system"

    async with opened(tmp_path) as (sandbox, customer):
        sandbox.faults.add(Fate(failure=("GENERATION_FAILED", text)))
        job = await customer.until(await customer.submitted())

        assert (job["status"], job["progress"]) == ("failed", 0)
        assert job["error"] == {"code": "GENERATION_FAILED", "message": text}
        assert sandbox.account.net == 0


@pytest.mark.parametrize("status", ["pending", "processing"])
async def test_a_job_can_be_stuck(tmp_path: Path, clock: FixedClock, status: str) -> None:
    async with opened(tmp_path, clock=clock) as (sandbox, customer):
        sandbox.faults.add(Fate(stuck=status))
        job_id = await customer.submitted()
        clock.tick(36_000)
        shown = await customer.status(job_id)
        sandbox.end_from_outside(job_id)
        ended = await customer.status(job_id)

        assert shown["status"] == status
        assert ended["status"] == "cancelled"
        assert sandbox.account.net == 0


async def test_a_job_can_skip_processing(tmp_path: Path, clock: FixedClock) -> None:
    async with opened(tmp_path, seconds=8, clock=clock) as (sandbox, customer):
        sandbox.faults.add(Fate(straight=True))
        job_id = await customer.submitted()
        await customer.until(await customer.submitted(), "pending")
        clock.tick(7.9)
        before = await customer.status(job_id)
        clock.tick(0.1)
        job = await customer.until(job_id)

    assert before["status"] == "pending"
    assert job["status"] == "completed"


@pytest.mark.parametrize(("seconds", "ever"), [(10.0, True), (math.inf, False)])
async def test_a_completed_job_can_show_its_output_late_or_never(
    tmp_path: Path, clock: FixedClock, seconds: float, ever: bool
) -> None:
    async with opened(tmp_path, seconds=0, clock=clock) as (sandbox, customer):
        sandbox.faults.add(Fate(output_after=seconds))
        job = await customer.until(await customer.submitted())
        clock.tick(10)
        later = await customer.status(job["jobId"])

    assert (job["status"], job["output"], job["outputs"]) == ("completed", None, None)
    assert bool(later["output"]) is ever


async def test_a_submit_can_leave_a_twin(tmp_path: Path) -> None:
    async with opened(tmp_path) as (sandbox, customer):
        sandbox.faults.add(Fate(twin=True))
        job_id = await customer.submitted()

        assert len(sandbox.jobs) == 2
        assert {job.status for job in [*sandbox.jobs]} == {"pending"}
        assert job_id in sandbox.account.charges
        assert sandbox.account.charged == 400_000


async def test_another_file_can_be_given_out(tmp_path: Path) -> None:
    async with opened(tmp_path) as (sandbox, customer):
        sandbox.faults.add(Fate(clip=clip()))
        job = await customer.until(await customer.submitted())
        file = await customer.call("GET", job["output"])

    assert file.body == clip().read_bytes()


# ── downloads ───────────────────────────────────────────────────────────────────────────────────


async def read_into(got: bytearray, customer: Customer, url: str) -> None:
    async with customer.session.get(url) as response:
        async for chunk in response.content.iter_any():
            got += chunk


SHAPES: list[tuple[dict[str, Any], str, str]] = [
    ({"output": {"url": "U"}, "outputs": None}, "output", "dict"),
    ({"output": None}, "outputs", "list"),
]


@pytest.mark.parametrize(("merge", "name", "kind"), SHAPES)
async def test_the_output_can_take_other_shapes(
    tmp_path: Path, merge: dict[str, Any], name: str, kind: str
) -> None:
    async with opened(tmp_path) as (sandbox, customer):
        job_id = await customer.submitted()
        await customer.until(job_id)
        sandbox.faults.add(Fault(on="status", merge=merge))

        job = await customer.status(job_id)

    assert type(job[name]).__name__ == kind
    assert job["status"] == "completed"


async def test_a_download_can_answer_wrongly_before_it_answers_well(tmp_path: Path) -> None:
    async with opened(tmp_path) as (sandbox, customer):
        job = await customer.until(await customer.submitted())
        sandbox.faults.add(
            Fault(on="output", code="NOT_FOUND"),
            Fault(on="output", status=403),
            Fault(on="output", status=302, headers={"Location": "http://169.254.169.254/"}),
            Fault(on="output", body=b"<html>", content_type="video/mp4"),
            Fault(on="output", body=b"", content_type="video/mp4"),
        )

        answers = [await customer.call("GET", job["output"], allow_redirects=False) for _ in range(6)]

    assert [answer.status for answer in answers] == [404, 403, 302, 200, 200, 200]
    assert answers[2].headers["Location"] == "http://169.254.169.254/"
    assert answers[3].body == b"<html>"
    assert answers[4].body == b""
    assert answers[5].body[4:8] == b"ftyp"


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_download_can_break_off_in_the_middle(tmp_path: Path, chunked: bool) -> None:
    async with opened(tmp_path) as (sandbox, customer):
        job = await customer.until(await customer.submitted())
        whole = (await customer.call("GET", job["output"])).body
        sandbox.faults.add(Fault(on="output", cut=0.5, chunked=chunked))
        got = bytearray()

        with pytest.raises(BROKEN):
            await read_into(got, customer, job["output"])
        rest = await customer.call("GET", job["output"], headers={"Range": f"bytes={len(got)}-"})

    assert len(got) == len(whole) // 2
    assert bytes(got) + rest.body == whole


async def test_a_download_can_stall(tmp_path: Path) -> None:
    async with opened(tmp_path) as (sandbox, customer):
        job = await customer.until(await customer.submitted())
        sandbox.faults.add(Fault(on="output", cut=0.5, stall=True))

        with pytest.raises(TimeoutError):
            await customer.call("GET", job["output"], timeout=aiohttp.ClientTimeout(sock_read=0.3))


async def test_a_download_can_be_slow_or_know_no_ranges(tmp_path: Path) -> None:
    async with opened(tmp_path) as (sandbox, customer):
        job = await customer.until(await customer.submitted())
        whole = (await customer.call("GET", job["output"])).body
        sandbox.faults.add(
            Fault(on="output", ranges=False),
            Fault(on="output", bytes_per_second=len(whole) * 4),
        )

        ranged = await customer.call("GET", job["output"], headers={"Range": "bytes=5-9"})
        part = await customer.call("GET", job["output"], headers={"Range": "bytes=5-9"})

    assert (ranged.status, ranged.body) == (200, whole)
    assert (part.status, part.body) == (206, whole[5:10])


async def test_presign_and_put_can_fail(tmp_path: Path) -> None:
    async with opened(tmp_path) as (sandbox, customer):
        sandbox.faults.add(
            Fault(on="presign", merge={"maxSize": 1}),
            Fault(on="put", status=403),
            Fault(on="put", code="PAYLOAD_TOO_LARGE"),
            Fault(on="put", reset=Reset.DURING, times=2),  # aiohttp repeats a PUT once by itself
        )
        upload = await customer.presign("image/png")
        expired = await customer.put(upload, b"x", "image/png")
        large = await customer.put(upload, bytes(300_000), "image/png")
        with pytest.raises(aiohttp.ClientError):
            await customer.put(upload, bytes(5_000_000), "image/png")
        fine = await customer.put(upload, b"x", "image/png")

    assert upload["maxSize"] == 1
    assert (expired.status, large.status, fine.status) == (403, 413, 200)


async def test_list_pages_can_loop(tmp_path: Path) -> None:
    async with opened(tmp_path, seconds=1000) as (sandbox, customer):
        await customer.submitted()
        sandbox.faults.add(
            Fault(on="list", merge={"hasMore": True, "nextCursor": None}),
            Fault(on="list", merge={"hasMore": True, "nextCursor": "again"}),
        )

        endless = await customer.call("GET", "/jobs")
        looping = await customer.call("GET", "/jobs")

    assert (endless.body["hasMore"], endless.body["nextCursor"]) == (True, None)
    assert looping.body["nextCursor"] == "again"
    assert len(looping.body["jobs"]) == 1

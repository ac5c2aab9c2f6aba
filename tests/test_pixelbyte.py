"""The client against a server that answers as told: what each call sends, and does about trouble."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from providers.addresses import guarded_session
from providers.pixelbyte import PixelByte, provider_hosts
from studio.errors import (
    CancelTooLate,
    InputRejected,
    OperatorMustAct,
    OperatorProblem,
    ProviderBusy,
    ProviderUnavailable,
    RemoteJobUnknown,
    SubmitUnclear,
)
from studio.models import Orientation, ShotType
from studio.ports import Provider, RemoteState, RenderRequest
from tests.stub_provider import KEY, Stub, a_client, break_off, refusal, stub_server

REQUEST = RenderRequest(
    image_url="https://cdn.muvi.video/p.jpg",
    video_url="https://cdn.muvi.video/v.mp4",
    prompt="a calm forest",
    negative_prompt="",
    orientation=Orientation.VIDEO,
    keep_sound=True,
    shot_type=ShotType.CUSTOMIZE,
    webhook_url="https://bot.example.org/webhooks/pixelbyte/token",
)
ACCEPTED = {"jobId": "job_1", "status": "pending", "costMicroCents": 250_000, "requestId": "req_1"}


@pytest.fixture
async def stub() -> AsyncIterator[Stub]:
    async with stub_server() as stub:
        yield stub


@pytest.fixture
async def session(stub: Stub) -> AsyncIterator[aiohttp.ClientSession]:
    async with guarded_session(provider_hosts(stub.url, [])) as session:
        yield session


@pytest.fixture
def client(stub: Stub, session: aiohttp.ClientSession) -> PixelByte:
    return a_client(session, stub.url)


def test_the_client_is_a_provider(client: PixelByte) -> None:
    provider: Provider = client

    assert provider is client


# ── submit ──────────────────────────────────────────────────────────────────────────────────────


async def test_a_submit_sends_the_key_and_only_documented_keys(client: PixelByte, stub: Stub) -> None:
    stub.on("POST", "/v1/jobs/submit", (200, ACCEPTED))

    submission = await client.submit(REQUEST)

    (asked,) = stub.asked
    assert asked.headers["Authorization"] == f"Bearer {KEY}"
    assert asked.headers["Content-Type"] == "application/json"
    assert asked.json.keys() == {"model", "input", "webhookUrl"}
    assert (submission.provider_job_id, submission.cost_usd_micros) == ("job_1", 250_000)


@pytest.mark.parametrize(
    "answer",
    [
        refusal(500, "INTERNAL_ERROR"),
        refusal(503, "PUBSUB_PUBLISH_FAILED"),
        web.Response(status=502, text="<html>"),
        web.Response(status=200, text="<html>"),
        (200, {"status": "pending"}),
        break_off,
    ],
)
async def test_an_unclear_submit_is_never_repeated(client: PixelByte, stub: Stub, answer: Any) -> None:
    stub.on("POST", "/v1/jobs/submit", answer)

    with pytest.raises(SubmitUnclear):
        await client.submit(REQUEST)

    assert len(stub.asked) == 1


async def test_a_submit_without_an_answer_in_time_is_unclear(
    client: PixelByte, stub: Stub, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never(_request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(3600)
        return web.Response()

    stub.on("POST", "/v1/jobs/submit", never)
    monkeypatch.setattr("providers.calls.SUBMIT_TIMEOUT", aiohttp.ClientTimeout(total=0.3))

    with pytest.raises(SubmitUnclear):
        await client.submit(REQUEST)

    assert len(stub.asked) == 1


async def test_a_submit_cut_off_in_the_middle_of_its_answer_is_unclear(client: PixelByte, stub: Stub) -> None:
    async def half(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "1000"})
        await response.prepare(request)
        await response.write(b'{"jobId": "job_1"')
        assert request.transport is not None
        request.transport.close()
        return response

    stub.on("POST", "/v1/jobs/submit", half)

    with pytest.raises(SubmitUnclear):
        await client.submit(REQUEST)


async def test_a_submit_that_reaches_nobody_was_certainly_not_accepted(
    session: aiohttp.ClientSession,
) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]

    with pytest.raises(ProviderUnavailable):
        await a_client(session, f"http://127.0.0.1:{port}").submit(REQUEST)


async def test_a_submit_to_a_name_that_does_not_exist_was_certainly_not_accepted(
    session: aiohttp.ClientSession,
) -> None:
    with pytest.raises(ProviderUnavailable):
        await a_client(session, "http://nowhere.invalid").submit(REQUEST)


async def test_a_submit_never_goes_over_a_kept_connection(client: PixelByte, stub: Stub) -> None:
    stub.on("GET", "/v1/jobs/job_1", (200, {"jobId": "job_1", "status": "pending"}))
    stub.on("POST", "/v1/jobs/submit", (200, ACCEPTED))

    await client.status("job_1")
    await client.status("job_1")
    await client.submit(REQUEST)
    await client.submit(REQUEST)

    first, second, submitted, again = (asked.port for asked in stub.asked)
    assert first == second
    assert len({first, submitted, again}) == 3


async def test_a_refused_webhook_is_left_out_once(client: PixelByte, stub: Stub) -> None:
    stub.on("POST", "/v1/jobs/submit", refusal(400, "INVALID_WEBHOOK_URL"), (200, ACCEPTED))

    submission = await client.submit(REQUEST)

    with_webhook, without = stub.asked
    assert "webhookUrl" in with_webhook.json
    assert "webhookUrl" not in without.json
    assert submission.provider_job_id == "job_1"


async def test_a_webhook_that_is_refused_twice_is_final(client: PixelByte, stub: Stub) -> None:
    stub.on("POST", "/v1/jobs/submit", refusal(400, "INVALID_WEBHOOK_URL"))

    with pytest.raises(InputRejected):
        await client.submit(REQUEST)

    assert len(stub.asked) == 2


async def test_the_second_submit_after_a_refused_webhook_may_be_unclear_too(
    client: PixelByte, stub: Stub
) -> None:
    stub.on("POST", "/v1/jobs/submit", refusal(400, "INVALID_WEBHOOK_URL"), refusal(500, "INTERNAL_ERROR"))

    with pytest.raises(SubmitUnclear):
        await client.submit(REQUEST)


async def test_a_missing_balance_is_for_the_operator(client: PixelByte, stub: Stub) -> None:
    stub.on("POST", "/v1/jobs/submit", refusal(402, "INSUFFICIENT_BALANCE"))

    with pytest.raises(OperatorMustAct) as caught:
        await client.submit(REQUEST)

    assert caught.value.problem is OperatorProblem.BALANCE
    assert caught.value.request_id == "req_1"


async def test_a_busy_provider_is_not_asked_again_at_once(client: PixelByte, stub: Stub) -> None:
    stub.on(
        "POST", "/v1/jobs/submit", refusal(429, "CONCURRENT_JOBS_EXCEEDED", details={"retryAfter": 86400})
    )

    with pytest.raises(ProviderBusy) as caught:
        await client.submit(REQUEST)

    assert caught.value.retry_after == 300
    assert len(stub.asked) == 1


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_the_key_never_follows_a_redirect(client: PixelByte, stub: Stub, status: int) -> None:
    async with stub_server() as elsewhere:
        away = web.Response(status=status, headers={"Location": f"{elsewhere.url}/v1/jobs/job_1"})
        stub.on("GET", "/v1/jobs/job_1", away)
        stub.on("POST", "/v1/jobs/submit", away)

        with pytest.raises(OperatorMustAct):
            await client.status("job_1")
        with pytest.raises((OperatorMustAct, SubmitUnclear)):
            await client.submit(REQUEST)

        assert elsewhere.asked == []


# ── estimate ────────────────────────────────────────────────────────────────────────────────────


async def test_an_estimate_is_asked_with_the_full_input_and_repeated(client: PixelByte, stub: Stub) -> None:
    stub.on(
        "POST",
        "/v1/jobs/estimate",
        web.Response(status=503, text="<html>"),
        break_off,
        (200, {"estimatedCostMicroCents": 250_000}),
    )

    price = await client.estimate(REQUEST, seconds=5.0)

    assert price == 250_000
    assert len(stub.asked) == 3
    assert stub.asked[0].json["input"]["video"] == REQUEST.video_url


async def test_an_estimate_that_states_or_accepts_nothing_is_none(client: PixelByte, stub: Stub) -> None:
    stub.on("POST", "/v1/jobs/estimate", (200, {"estimatedCostMicroCents": 0}), refusal(400, "INVALID_INPUT"))

    assert await client.estimate(REQUEST, seconds=5.0) is None
    assert await client.estimate(REQUEST, seconds=5.0) is None


async def test_an_estimate_gives_up_after_four_tries(client: PixelByte, stub: Stub) -> None:
    stub.on("POST", "/v1/jobs/estimate", refusal(500, "INTERNAL_ERROR"))

    with pytest.raises(ProviderUnavailable):
        await client.estimate(REQUEST, seconds=5.0)

    assert len(stub.asked) == 4


# ── status ──────────────────────────────────────────────────────────────────────────────────────


async def test_a_status_is_read_after_a_proxys_error_page(client: PixelByte, stub: Stub) -> None:
    stub.on(
        "GET",
        "/v1/jobs/job_1",
        web.Response(status=520, text="<html>"),
        web.Response(status=502, text="<html>"),
        (200, {"success": True, "data": {"jobId": "job_1", "status": "PROCESSING", "progress": "50"}}),
    )

    job = await client.status("job_1")

    assert job.state is RemoteState.PROCESSING


@pytest.mark.parametrize(
    "answer",
    [
        (500, {"jobId": "job_1", "status": "failed", "error": {"code": "X", "message": "risk control"}}),
        (500, {"success": False, "data": {"jobId": "job_1", "status": "failed", "error": "risk control"}}),
        (200, {"status": "failed", "error": {"code": "X", "message": "risk control"}}),
    ],
)
async def test_a_failed_job_is_recognised_however_it_is_delivered(
    client: PixelByte, stub: Stub, answer: Any
) -> None:
    stub.on("GET", "/v1/jobs/job_1", answer)

    job = await client.status("job_1")

    assert job.state is RemoteState.FAILED
    assert job.failure is not None
    assert job.failure.text_code == "render_moderated"
    assert len(stub.asked) == 1


@pytest.mark.parametrize(
    "answer",
    [
        (500, {"status": "failed", "message": "Internal server error"}),
        (500, {"jobId": "job_2", "status": "failed"}),
        (200, {"jobId": "job_2", "status": "failed"}),
        (200, {}),
        (200, []),
    ],
)
async def test_a_status_that_is_not_surely_about_this_job_is_no_status(
    client: PixelByte, stub: Stub, answer: Any
) -> None:
    stub.on("GET", "/v1/jobs/job_1", answer)

    with pytest.raises(ProviderUnavailable):
        await client.status("job_1")


async def test_an_unknown_job_is_told_and_not_asked_for_again(client: PixelByte, stub: Stub) -> None:
    stub.on("GET", "/v1/jobs/job_1", refusal(404, "JOB_NOT_FOUND"))

    with pytest.raises(RemoteJobUnknown):
        await client.status("job_1")

    assert len(stub.asked) == 1


async def test_an_odd_job_id_is_asked_for_in_one_piece(client: PixelByte, stub: Stub) -> None:
    asked: list[str] = []

    async def note(request: web.Request) -> web.StreamResponse:
        asked.append(request.raw_path)
        return web.json_response({"jobId": "a/../b?c", "status": "pending"})

    stub.on("GET", "/v1/jobs/a/../b?c", note)

    job = await client.status("a/../b?c")

    assert asked == ["/v1/jobs/a%2F..%2Fb%3Fc"]
    assert job.state is RemoteState.PENDING


async def test_an_answer_that_never_ends_is_cut_off(client: PixelByte, stub: Stub) -> None:
    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(64):
            await response.write(b" " * 65536)
        await response.write(b'{"jobId":"job_1","status":"pending"}')
        return response

    stub.on("GET", "/v1/jobs/job_1", endless)

    with pytest.raises(ProviderUnavailable):
        await client.status("job_1")


@pytest.mark.parametrize("answer", [refusal(404, "JOB_NOT_FOUND"), refusal(403, "UNAUTHORIZED_ACCESS")])
async def test_a_good_key_is_known_by_what_it_is_told(client: PixelByte, stub: Stub, answer: Any) -> None:
    stub.on("GET", "/v1/jobs/job_00000000000000000000000000000000", answer)

    await client.check_key()

    assert len(stub.asked) == 1


@pytest.mark.parametrize("code", ["UNAUTHORIZED", "INVALID_API_KEY", "API_KEY_INACTIVE", "API_KEY_EXPIRED"])
async def test_a_bad_key_is_for_the_operator(client: PixelByte, stub: Stub, code: str) -> None:
    stub.on("GET", "/v1/jobs/job_00000000000000000000000000000000", refusal(401, code))

    with pytest.raises(OperatorMustAct) as caught:
        await client.check_key()

    assert caught.value.problem is OperatorProblem.KEY


# ── cancel ──────────────────────────────────────────────────────────────────────────────────────


async def test_a_cancelled_job_gives_its_refund(client: PixelByte, stub: Stub) -> None:
    stub.on(
        "POST",
        "/v1/jobs/job_1/cancel",
        (200, {"jobId": "job_1", "status": "cancelled", "refundedMicroCents": 250_000}),
    )

    assert await client.cancel("job_1") == 250_000


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (refusal(400, "JOB_CANNOT_BE_CANCELLED"), CancelTooLate),
        (refusal(404, "JOB_NOT_FOUND"), RemoteJobUnknown),
        ((200, {"jobId": "job_1", "status": "completed"}), CancelTooLate),
        ((200, {"jobId": "job_1", "status": "pending"}), ProviderUnavailable),
        (web.Response(status=504, text="<html>"), ProviderUnavailable),
        (break_off, ProviderUnavailable),
    ],
)
async def test_a_cancel_is_asked_once_and_believed_only_when_it_says_so(
    client: PixelByte, stub: Stub, answer: Any, error: type[Exception]
) -> None:
    stub.on("POST", "/v1/jobs/job_1/cancel", answer)

    with pytest.raises(error):
        await client.cancel("job_1")

    assert len(stub.asked) == 1


# ── the list ────────────────────────────────────────────────────────────────────────────────────


def a_page(
    *ids: str, cursor: str | None = None, more: bool = False, newest_first: bool = True
) -> tuple[int, Any]:
    minutes = {job_id: int(job_id) for job_id in ids}
    jobs = [
        {
            "jobId": job_id,
            "status": "completed",
            "model": "kling-plus/kling-3.0-pro/motion-control",
            "createdAt": f"2026-03-01T11:{59 - minute if newest_first else minute:02}:00Z",
        }
        for job_id, minute in minutes.items()
    ]
    return 200, {"jobs": jobs, "nextCursor": cursor, "hasMore": more}


async def listed(client: PixelByte) -> list[str]:
    return [listing.provider_job_id async for listing in client.recent()]


async def test_the_list_is_read_page_by_page_each_job_once(client: PixelByte, stub: Stub) -> None:
    stub.on(
        "GET",
        "/v1/jobs",
        a_page("1", "2", cursor="c+/=1", more=True),
        a_page("2", "3", cursor="c2", more=True),
        a_page("4"),
    )

    assert await listed(client) == ["1", "2", "3", "4"]
    first, second, third = stub.asked
    assert first.query == {"limit": "100", "modelId": "kling-plus/kling-3.0-pro/motion-control"}
    assert second.query["cursor"] == "c+/=1"
    assert third.query["cursor"] == "c2"


async def test_a_list_that_is_left_early_asks_for_no_further_page(client: PixelByte, stub: Stub) -> None:
    stub.on("GET", "/v1/jobs", a_page("1", "2", cursor="c1", more=True))

    async for listing in client.recent():
        assert listing.provider_job_id == "1"
        break

    assert len(stub.asked) == 1


async def test_a_list_that_says_nothing_new_ends_although_it_names_ever_more_cursors(
    client: PixelByte, stub: Stub
) -> None:
    again = [a_page("1", "2", cursor=f"c{number}", more=True) for number in range(20)]
    stub.on("GET", "/v1/jobs", *again)

    assert await listed(client) == ["1", "2"]
    assert len(stub.asked) == 2


async def test_some_empty_pages_do_not_end_a_list_but_many_do(client: PixelByte, stub: Stub) -> None:
    empty = [a_page(cursor=f"c{number}", more=True) for number in range(20)]
    stub.on("GET", "/v1/jobs", *empty[:5], a_page("1", cursor="c6", more=True), *empty[7:])

    assert await listed(client) == ["1"]
    assert len(stub.asked) == 12


BROKEN_OFF = [
    pytest.param([("1", "2", "c1"), ("3", "4", None)], id="more without a cursor"),
    pytest.param([("1", "2", "c1"), ("3", "4", "c1")], id="a cursor that comes back"),
]


@pytest.mark.parametrize("pages", BROKEN_OFF)
@pytest.mark.parametrize("newest_first", [True, False])
async def test_a_list_that_breaks_off_ends_quietly_only_when_it_ran_newest_first(
    client: PixelByte, stub: Stub, pages: list[tuple[str, str, str | None]], newest_first: bool
) -> None:
    stub.on(
        "GET",
        "/v1/jobs",
        *(
            a_page(one, two, cursor=cursor, more=True, newest_first=newest_first)
            for one, two, cursor in pages
        ),
    )

    if newest_first:
        assert await listed(client) == ["1", "2", "3", "4"]
    else:
        with pytest.raises(ProviderUnavailable):
            await listed(client)


async def test_a_refused_cursor_ends_the_list(client: PixelByte, stub: Stub) -> None:
    stub.on("GET", "/v1/jobs", a_page("1", "2", cursor="bad", more=True), refusal(400, "INVALID_INPUT"))

    assert await listed(client) == ["1", "2"]


async def test_a_list_that_cannot_be_read_is_no_empty_list(client: PixelByte, stub: Stub) -> None:
    stub.on("GET", "/v1/jobs", (200, {"success": True, "data": {}}))

    with pytest.raises(ProviderUnavailable):
        await listed(client)


async def test_a_refused_first_page_is_no_empty_list(client: PixelByte, stub: Stub) -> None:
    stub.on("GET", "/v1/jobs", refusal(400, "INVALID_INPUT"))

    with pytest.raises(InputRejected):
        await listed(client)


# ── many calls ──────────────────────────────────────────────────────────────────────────────────


async def test_calls_to_the_provider_are_limited_in_their_rate(client: PixelByte, stub: Stub) -> None:
    stub.on("GET", "/v1/jobs/job_1", (200, {"jobId": "job_1", "status": "pending"}))
    loop = asyncio.get_running_loop()
    began = loop.time()

    await asyncio.gather(*(client.status("job_1") for _ in range(72)))

    # Sixty at once, then twenty a second: it can take longer than this on a busy machine, but not less.
    assert loop.time() - began >= 0.55


async def test_after_being_asked_too_often_the_provider_is_left_alone(client: PixelByte, stub: Stub) -> None:
    stub.on("GET", "/v1/jobs/job_1", refusal(429, "RATE_LIMITED", details={"retryAfter": 40}))
    for _ in range(2):
        with pytest.raises(ProviderBusy) as caught:
            await client.status("job_1")

    assert 30 < caught.value.retry_after <= 40
    assert len(stub.asked) == 1


async def test_full_slots_keep_nobody_from_reading_what_is_finished(client: PixelByte, stub: Stub) -> None:
    stub.on("POST", "/v1/jobs/submit", refusal(429, "CONCURRENT_JOBS_EXCEEDED", details={"retryAfter": 40}))
    stub.on("GET", "/v1/jobs/job_1", (200, {"jobId": "job_1", "status": "pending"}))

    with pytest.raises(ProviderBusy):
        await client.submit(REQUEST)

    assert (await client.status("job_1")).state is RemoteState.PENDING

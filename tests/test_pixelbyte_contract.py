"""The faults of `provider.md`, section 17, as the client meets them over HTTP from the sandbox."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from providers.addresses import guarded_session
from providers.pixelbyte import PixelByte, provider_hosts
from providers.sandbox import Fate, Fault, Sandbox
from providers.sandbox.faults import Reset
from studio.errors import (
    CancelTooLate,
    FetchForbidden,
    InputRejected,
    OperatorMustAct,
    ProviderBusy,
    ProviderError,
    ProviderUnavailable,
    RemoteJobUnknown,
    SubmitUnclear,
)
from studio.models import Orientation, ShotType
from studio.ports import RemoteState, RenderRequest
from tests.sandbox_world import eventually, picture, shared

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
STUCK = Fate(stuck="pending", times=None)


@asynccontextmanager
async def meeting(folder: Path) -> AsyncIterator[tuple[PixelByte, Sandbox]]:
    async with (
        Sandbox(folder, seconds=0.05, options=shared()) as sandbox,
        guarded_session(provider_hosts(sandbox.api_url, ())) as session,
    ):
        yield a_client(session, sandbox), sandbox


def a_client(session: aiohttp.ClientSession, sandbox: Sandbox) -> PixelByte:
    return PixelByte(
        session=session,
        base_url=sandbox.api_url,
        key=sandbox.key,
        output_hosts=(),
        clock=lambda: datetime.now(UTC),
        first_pause=0.001,
    )


async def ordered(client: PixelByte, sandbox: Sandbox) -> str:
    """A job that stays pending."""
    sandbox.faults.add(STUCK)
    submission = await client.submit(REQUEST)
    return submission.provider_job_id


@pytest.mark.parametrize("wrapped", [True, False], ids=["F02 wrapped", "F01 flat"])
async def test_both_envelopes_are_understood_at_every_endpoint(tmp_path: Path, wrapped: bool) -> None:
    async with meeting(tmp_path) as (client, sandbox):
        sandbox.faults.add(Fault(on="*", times=None, wrapped=wrapped))

        price = await client.estimate(REQUEST, seconds=5.0)
        job_id = await ordered(client, sandbox)
        job = await client.status(job_id)
        listed = [listing.provider_job_id async for listing in client.recent()]
        refund = await client.cancel(job_id)

    assert price is not None
    assert job.state is RemoteState.PENDING
    assert listed == [job_id]
    assert refund is not None


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        pytest.param({"status": 200, "code": "INVALID_INPUT"}, InputRejected, id="F03"),
        pytest.param({"drop": ("jobId",)}, SubmitUnclear, id="F04"),
        pytest.param({"status": 200, "body": b"<html>", "processed": True}, SubmitUnclear, id="F05 html"),
        pytest.param(
            {"status": 200, "body": b'{"jobId": "j', "processed": True}, SubmitUnclear, id="F05 cut"
        ),
        pytest.param({"status": 200, "body": b"", "processed": True}, SubmitUnclear, id="F05 empty"),
        pytest.param({"code": "INVALID_INPUT", "details": {"field": "image"}}, InputRejected, id="F06"),
        pytest.param({"code": "UNAUTHORIZED"}, OperatorMustAct, id="F08 unauthorized"),
        pytest.param({"code": "INVALID_API_KEY"}, OperatorMustAct, id="F08 invalid"),
        pytest.param({"code": "API_KEY_INACTIVE"}, OperatorMustAct, id="F08 inactive"),
        pytest.param({"code": "API_KEY_EXPIRED"}, OperatorMustAct, id="F08 expired"),
        pytest.param({"code": "INSUFFICIENT_BALANCE"}, OperatorMustAct, id="F09"),
        pytest.param({"code": "IP_NOT_WHITELISTED"}, OperatorMustAct, id="F10"),
        pytest.param({"code": "MODEL_NOT_FOUND"}, OperatorMustAct, id="F11"),
        pytest.param({"code": "CONCURRENT_JOBS_EXCEEDED"}, ProviderBusy, id="F12"),
        pytest.param({"code": "INTERNAL_ERROR", "processed": True}, SubmitUnclear, id="F14"),
        pytest.param({"code": "INTERNAL_ERROR"}, SubmitUnclear, id="F15"),
        pytest.param({"code": "PUBSUB_PUBLISH_FAILED", "processed": True}, SubmitUnclear, id="F16 ghost"),
        pytest.param({"code": "PUBSUB_PUBLISH_FAILED"}, SubmitUnclear, id="F16"),
        pytest.param({"reset": Reset.BEFORE}, SubmitUnclear, id="F17 before"),
        pytest.param({"reset": Reset.DURING}, SubmitUnclear, id="F17 during"),
        pytest.param({"reset": Reset.AFTER, "processed": True}, SubmitUnclear, id="F17 after"),
        pytest.param({"status": 504}, SubmitUnclear, id="F20 on submit"),
    ],
)
async def test_a_submit_that_goes_wrong_is_classed_and_sent_only_once(
    tmp_path: Path, fault: dict[str, Any], error: type[ProviderError]
) -> None:
    async with meeting(tmp_path) as (client, sandbox):
        sandbox.faults.add(STUCK, Fault(on="submit", **fault))

        with pytest.raises(error) as caught:
            await client.submit(REQUEST)

        assert type(caught.value) is error
        assert len(sandbox.seen("submit")) == 1
        assert not sandbox.jobs or error is SubmitUnclear


@pytest.mark.parametrize(
    ("details", "seconds"),
    [
        ({"retryAfter": 1}, 1),
        ({"retryAfter": 0}, 1),
        ({"retryAfter": -5}, 1),
        ({"retryAfter": "30"}, 30),
        ({"retryAfter": 86400}, 300),
        ({}, 30),
    ],
)
async def test_f12_the_wait_is_clamped(tmp_path: Path, details: dict[str, Any], seconds: float) -> None:
    async with meeting(tmp_path) as (client, sandbox):
        sandbox.faults.add(Fault(on="submit", code="CONCURRENT_JOBS_EXCEEDED", details=details))

        with pytest.raises(ProviderBusy) as caught:
            await client.submit(REQUEST)

    assert caught.value.retry_after == seconds


async def test_f07_a_refused_webhook_is_left_out_once(tmp_path: Path) -> None:
    async with meeting(tmp_path) as (client, sandbox):
        sandbox.faults.add(STUCK, Fault(on="submit", code="INVALID_WEBHOOK_URL"))

        await client.submit(REQUEST)

        assert len(sandbox.seen("submit")) == 2
        assert len(sandbox.jobs) == 1


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param({"status": 502}, id="F20 502"),
        pytest.param({"status": 520}, id="F20 520"),
        pytest.param({"code": "INTERNAL_ERROR"}, id="500"),
        pytest.param({"reset": Reset.AFTER}, id="reset"),
        pytest.param({"status": 200, "body": b"\xef\xbb\xbf<html>"}, id="html"),
    ],
)
async def test_a_status_is_read_again_until_it_can_be_read(tmp_path: Path, fault: dict[str, Any]) -> None:
    async with meeting(tmp_path) as (client, sandbox):
        job_id = await ordered(client, sandbox)
        sandbox.faults.add(Fault(on="status", times=2, **fault))

        job = await client.status(job_id)

    assert job.state is RemoteState.PENDING


async def test_f21_a_job_that_is_not_known_yet_is_told_each_time(tmp_path: Path) -> None:
    async with meeting(tmp_path) as (client, sandbox):
        job_id = await ordered(client, sandbox)
        sandbox.faults.add(Fault(on="status", code="JOB_NOT_FOUND", times=2))

        for _ in range(2):
            with pytest.raises(RemoteJobUnknown):
                await client.status(job_id)

        assert (await client.status(job_id)).state is RemoteState.PENDING


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("queued", RemoteState.PROCESSING),
        ("succeeded", RemoteState.PROCESSING),
        ("PROCESSING", RemoteState.PROCESSING),
        ("Cancelled", RemoteState.CANCELLED),
    ],
)
async def test_f25_unknown_states_count_as_running(tmp_path: Path, word: str, state: RemoteState) -> None:
    async with meeting(tmp_path) as (client, sandbox):
        job_id = await ordered(client, sandbox)
        sandbox.faults.add(Fault(on="status", merge={"status": word}))

        assert (await client.status(job_id)).state is state


async def test_f58_numbers_as_texts_nulls_and_unknown_fields_are_read(tmp_path: Path) -> None:
    odd = {"costMicroCents": "250000.4", "estimatedCompletionTime": None, "news": {"deep": [None]}}
    async with meeting(tmp_path) as (client, sandbox):
        sandbox.faults.add(STUCK, Fault(on="submit", merge=odd))

        submission = await client.submit(REQUEST)

    assert submission.cost_usd_micros == 250_001
    assert submission.expected_at is None


async def test_f30_a_failed_render_says_why(tmp_path: Path) -> None:
    async with meeting(tmp_path) as (client, sandbox):
        text = "Image recognition failed. No complete upper body detected in the image"
        sandbox.faults.add(Fate(failure=("GENERATION_FAILED", text)))
        submission = await client.submit(REQUEST)
        await eventually(lambda: sandbox.jobs[0].finished)

        job = await client.status(submission.provider_job_id)

    assert job.state is RemoteState.FAILED
    assert job.failure is not None
    assert job.failure.text_code == "render_no_person_picture"
    assert job.output_url is None


async def test_f34_a_cancel_that_comes_too_late_is_told(tmp_path: Path) -> None:
    async with meeting(tmp_path) as (client, sandbox):
        job_id = await ordered(client, sandbox)
        sandbox.faults.add(Fault(on="cancel", code="JOB_CANNOT_BE_CANCELLED"))

        with pytest.raises(CancelTooLate):
            await client.cancel(job_id)


async def test_f35_a_cancel_without_an_answer_is_not_repeated(tmp_path: Path) -> None:
    async with meeting(tmp_path) as (client, sandbox):
        job_id = await ordered(client, sandbox)
        sandbox.faults.add(Fault(on="cancel", reset=Reset.AFTER, processed=True))

        with pytest.raises(ProviderUnavailable):
            await client.cancel(job_id)

        assert (await client.status(job_id)).state is RemoteState.CANCELLED
        assert len(sandbox.seen("cancel")) == 1


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param({"merge": {"hasMore": True, "nextCursor": None}}, id="no cursor"),
        pytest.param({"merge": {"hasMore": True, "nextCursor": "again"}, "times": 1}, id="bad cursor"),
    ],
)
async def test_f38_a_list_that_breaks_off_ends(tmp_path: Path, fault: dict[str, Any]) -> None:
    async with meeting(tmp_path) as (client, sandbox):
        ids = [await ordered(client, sandbox) for _ in range(2)]
        sandbox.faults.add(Fault(on="list", **fault))

        listed = [listing.provider_job_id async for listing in client.recent()]

    assert sorted(listed) == sorted(ids)


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        pytest.param({"on": "presign", "merge": {"maxSize": 10}}, InputRejected, id="too small a slot"),
        pytest.param({"on": "presign", "code": "INVALID_CONTENT_TYPE"}, InputRejected, id="wrong type"),
        pytest.param({"on": "put", "status": 413}, InputRejected, id="413"),
        pytest.param({"on": "put", "status": 403, "times": 2}, ProviderUnavailable, id="403 twice"),
    ],
)
async def test_f39_an_upload_that_cannot_be_made_is_told(
    tmp_path: Path, fault: dict[str, Any], error: type[ProviderError]
) -> None:
    async with meeting(tmp_path) as (client, sandbox):
        sandbox.faults.add(Fault(**fault))

        with pytest.raises(error):
            await client.upload(picture(), content_type="image/jpeg")


@pytest.mark.parametrize("status", [403, 500])
async def test_f39_an_upload_that_fails_once_is_made_with_a_new_address(tmp_path: Path, status: int) -> None:
    async with meeting(tmp_path) as (client, sandbox):
        sandbox.faults.add(Fault(on="put", status=status))

        await client.upload(picture(), content_type="image/jpeg")

        assert len(sandbox.seen("presign")) == 2


@pytest.mark.parametrize("location", ["http://169.254.169.254/latest", "https://elsewhere.test/o.mp4"])
async def test_f49_a_result_that_leads_elsewhere_is_refused(tmp_path: Path, location: str) -> None:
    async with meeting(tmp_path) as (client, sandbox):
        sandbox.faults.add(Fault(on="output", status=302, headers={"Location": location}))

        with pytest.raises(FetchForbidden):
            await client.download(f"{sandbox.origin}/output/job/output_0.mp4", tmp_path / "clip.mp4")


async def test_f56_a_key_that_is_replaced_is_told_until_the_new_one_is_used(tmp_path: Path) -> None:
    async with (
        Sandbox(tmp_path, seconds=0.05, options=shared()) as sandbox,
        guarded_session(provider_hosts(sandbox.api_url, ())) as session,
    ):
        before = a_client(session, sandbox)
        await before.check_key()
        sandbox.key = "pb_new"

        with pytest.raises(OperatorMustAct):
            await before.check_key()
        await a_client(session, sandbox).check_key()


async def test_f26_a_completed_job_without_an_output_has_none(tmp_path: Path) -> None:
    async with meeting(tmp_path) as (client, sandbox):
        job_id = await ordered(client, sandbox)
        sandbox.faults.add(Fault(on="status", merge={"status": "completed", "output": None, "outputs": []}))

        job = await client.status(job_id)

    assert job.state is RemoteState.COMPLETED
    assert job.output_url is None

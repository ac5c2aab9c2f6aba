"""What is sent to PixelByte, and how its answers are read, in every form that it documents."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from providers import wire
from providers.addresses import listed_hosts
from providers.envelope import Answer, read_answer
from providers.failures import read_failure
from providers.readers import (
    read_estimate,
    read_job,
    read_money,
    read_page,
    read_refund,
    read_submission,
    read_time,
    read_upload_slot,
)
from providers.results import find_video_url
from studio.models import Orientation, ShotType
from studio.ports import RemoteState, RenderRequest

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
allowed = listed_hosts(["*.muvi.video"]).permits


def answered(body: Any, *, status: int = 200, **headers: str) -> Answer:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return read_answer(status, raw, named, now=NOW)


def wrapped(body: Any) -> Any:
    return {"success": True, "data": body, "requestId": "req_outer"}


def a_request(**changes: Any) -> RenderRequest:
    usual: dict[str, Any] = {
        "image_url": "https://cdn.muvi.video/p.jpg",
        "video_url": "https://cdn.muvi.video/v.mp4",
        "prompt": "",
        "negative_prompt": "",
        "orientation": Orientation.VIDEO,
        "keep_sound": True,
        "shot_type": ShotType.CUSTOMIZE,
    }
    return RenderRequest(**(usual | changes))


# ── what is sent ────────────────────────────────────────────────────────────────────────────────


def test_a_plain_order_sends_only_what_has_to_be_sent() -> None:
    body = wire.submit_body(a_request())

    assert body == {
        "model": "kling-plus/kling-3.0-pro/motion-control",
        "input": {
            "image": "https://cdn.muvi.video/p.jpg",
            "video": "https://cdn.muvi.video/v.mp4",
            "character_orientation": "video",
            "keep_original_sound": True,
        },
    }


def test_an_order_with_every_wish_sends_every_documented_key() -> None:
    request = a_request(
        prompt="a calm forest",
        negative_prompt="rain",
        orientation=Orientation.IMAGE,
        keep_sound=False,
        shot_type=ShotType.INTELLIGENT,
        webhook_url="https://bot.example.org/webhooks/pixelbyte/t",
    )

    body = wire.submit_body(request)

    assert body["webhookUrl"] == "https://bot.example.org/webhooks/pixelbyte/t"
    assert body["input"] == {
        "image": "https://cdn.muvi.video/p.jpg",
        "video": "https://cdn.muvi.video/v.mp4",
        "character_orientation": "image",
        "keep_original_sound": False,
        "prompt": "a calm forest",
        "negative_prompt": "rain",
        "shot_type": "intelligent",
    }


def test_the_webhook_can_be_left_out_and_is_never_part_of_an_estimate() -> None:
    request = a_request(webhook_url="https://bot.example.org/x")

    assert "webhookUrl" not in wire.submit_body(request, webhook=False)
    assert "webhookUrl" not in wire.estimate_body(request)


def test_a_job_id_cannot_lead_to_another_path() -> None:
    assert wire.job_path("../uploads?x=1#y") == "jobs/..%2Fuploads%3Fx%3D1%23y"


# ── the envelope ────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("form", [lambda body: body, wrapped], ids=["flat", "wrapped"])
def test_a_submission_is_read_flat_and_wrapped(form: Any) -> None:
    body = {
        "jobId": "job_1",
        "requestId": "req_1",
        "status": "pending",
        "estimatedCompletionTime": "2026-03-01T12:03:00Z",
        "costMicroCents": 500_000,
    }

    submission = read_submission(answered(form(body)))

    assert submission is not None
    assert submission.provider_job_id == "job_1"
    assert submission.cost_usd_micros == 500_000
    assert submission.expected_at == datetime(2026, 3, 1, 12, 3, tzinfo=UTC)
    assert submission.request_id == "req_1"


def test_the_outer_request_id_is_kept_when_the_inner_object_has_none() -> None:
    assert answered(wrapped({"jobId": "job_1"})).request_id == "req_outer"


@pytest.mark.parametrize("name", ["jobId", "job_id", "id"])
def test_a_job_id_is_read_under_each_of_its_names(name: str) -> None:
    submission = read_submission(answered({name: "job_1", "unknown": {"deep": [1]}, "costMicroCents": None}))

    assert submission is not None
    assert (submission.provider_job_id, submission.cost_usd_micros) == ("job_1", None)


@pytest.mark.parametrize("job_id", ["", " ", "a\x00b", "a\ud800", "..", "x" * 201, True, 1.5, {}, None])
def test_a_job_id_that_could_not_be_asked_for_again_is_none(job_id: Any) -> None:
    assert read_submission(answered({"jobId": job_id})) is None


def test_a_job_with_an_error_of_its_own_is_no_error_envelope() -> None:
    assert answered({"jobId": "job_1", "status": "failed", "error": {"code": "X"}}).accepted


@pytest.mark.parametrize(
    "raw", [b"", b"<html>502</html>", b'{"jobId": "job_', b"\xff\xfe", b"[" * 100_000, b"9" * 10_000]
)
def test_what_is_not_json_is_not_accepted(raw: bytes) -> None:
    answer = answered(raw)

    assert not answer.accepted
    assert read_submission(answer) is None


def test_a_byte_order_mark_does_not_make_an_answer_unreadable() -> None:
    answer = answered(b'\xef\xbb\xbf{"jobId":"job_1"}')

    assert answer.accepted
    assert answer.fields["jobId"] == "job_1"


@pytest.mark.parametrize(
    "body",
    [
        {"success": False, "error": {"code": "INVALID_INPUT", "message": "no"}},
        {"error": {"code": "INVALID_INPUT", "message": "no"}},
        {"success": False, "data": {"jobId": "job_1"}, "error": {"code": "INVALID_INPUT", "message": "no"}},
    ],
)
def test_a_200_that_calls_itself_an_error_is_not_accepted(body: Any) -> None:
    answer = answered(body)

    assert not answer.accepted
    assert (answer.code, answer.message) == ("INVALID_INPUT", "no")


@pytest.mark.parametrize(
    ("body", "header", "seconds"),
    [
        ({"error": {"code": "X", "details": {"retryAfter": 7}, "retryAfter": 8}, "retryAfter": 9}, "10", 7),
        ({"error": {"code": "X", "retryAfter": 8}, "retryAfter": 9}, "10", 8),
        ({"error": {"code": "X"}, "retryAfter": 9}, "10", 9),
        ({"error": {"code": "X"}}, "10", 10),
        ({"error": {"code": "X"}}, None, 30),
        ({"error": {"code": "X", "details": {"retryAfter": "30"}}}, None, 30),
        ({"error": {"code": "X", "details": {"retryAfter": 0}}}, None, 1),
        ({"error": {"code": "X", "details": {"retryAfter": -5}}}, None, 1),
        ({"error": {"code": "X", "details": {"retryAfter": 86400}}}, None, 300),
        ({"error": {"code": "X", "details": {"retryAfter": None}}}, "Sun, 01 Mar 2026 12:01:00 GMT", 60),
        ({"error": {"code": "X", "details": "soon"}}, "whenever", 30),
    ],
)
def test_the_time_to_wait_is_found_in_all_four_places_and_clamped(
    body: Any, header: str | None, seconds: float
) -> None:
    headers = {} if header is None else {"Retry_After": header}

    assert answered(body, status=429, **headers).retry_after == seconds


def test_signed_queries_are_cut_out_of_messages() -> None:
    answer = answered(
        {"error": {"code": "X", "message": "cannot read https://s3.test/a.mp4?X-Sig=abc&b=1 now\nplease"}},
        status=400,
    )

    assert answer.reason == "HTTP 400 X: cannot read https://s3.test/a.mp4?… now please"


# ── money and time ──────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("value", "usd_micros"),
    [
        (50_000, 50_000),
        ("50000", 50_000),
        (50_000.2, 50_001),
        ("1e5", 100_000),
        (0, 0),
        (-1, None),
        (10**30, None),
        (float("inf"), None),
        (True, None),
        (None, None),
        ("five", None),
        ([50_000], None),
    ],
)
def test_micro_cents_are_read_as_millionths_of_a_dollar(value: Any, usd_micros: int | None) -> None:
    assert read_money(value) == usd_micros


@pytest.mark.parametrize(
    ("body", "price"),
    [
        ({"baseCostMicroCents": 50_000, "estimatedCostMicroCents": 250_000, "breakdown": []}, 250_000),
        ({"data": {"estimatedCost": 250_000, "baseCost": 50_000, "factors": {}, "currency": "USD"}}, 250_000),
        ({"estimatedCostMicroCents": "250000"}, 250_000),
        ({"estimatedCostMicroCents": 0}, None),
        ({"estimatedCostMicroCents": None, "estimatedCost": 4}, 4),
        ({"baseCostMicroCents": 50_000}, None),
        ([], None),
    ],
)
def test_an_estimate_is_read_in_both_shapes(body: Any, price: int | None) -> None:
    assert read_estimate(answered(body)) == price


@pytest.mark.parametrize(
    "value",
    [
        "2026-03-01T12:00:00Z",
        "2026-03-01T12:00:00.000Z",
        "2026-03-01T12:00:00.000000000Z",
        "2026-03-01T13:00:00+01:00",
        "2026-03-01T12:00:00",
        1772366400,
        1772366400000,
        "1772366400",
    ],
)
def test_moments_are_read_in_every_form(value: Any) -> None:
    assert read_time(value) == NOW


@pytest.mark.parametrize("value", [None, "", "soon", True, {}, 1e300, "0001-01-01T00:00:00+14:00", "-"])
def test_what_is_no_moment_is_none(value: Any) -> None:
    assert read_time(value) is None


def test_a_refund_is_read_or_unknown() -> None:
    assert (
        read_refund(answered({"jobId": "j", "status": "cancelled", "refundedMicroCents": 50_000})) == 50_000
    )
    assert read_refund(answered({"jobId": "j", "status": "cancelled"})) is None


# ── status, list, uploads ───────────────────────────────────────────────────────────────────────


def job_of(body: Any) -> Any:
    return read_job(answered(body), "job_1", allowed=allowed)


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("pending", RemoteState.PENDING),
        ("PROCESSING", RemoteState.PROCESSING),
        (" Completed ", RemoteState.COMPLETED),
        ("canceled", RemoteState.CANCELLED),
        ("queued", RemoteState.PROCESSING),
        ("succeeded", RemoteState.PROCESSING),
        (7, RemoteState.PROCESSING),
        (None, RemoteState.PROCESSING),
    ],
)
def test_states_are_read_in_any_case_and_unknown_ones_as_running(word: Any, state: RemoteState) -> None:
    assert job_of({"jobId": "job_1", "status": word}).state is state


@pytest.mark.parametrize("form", [lambda body: body, wrapped], ids=["flat", "wrapped"])
def test_a_completed_job_gives_its_video(form: Any) -> None:
    job = job_of(
        form(
            {
                "jobId": "job_1",
                "status": "completed",
                "progress": 100,
                "output": "https://cdn.muvi.video/o.mp4",
                "outputs": None,
                "error": None,
                "createdAt": "2026-03-01T11:57:00Z",
                "completedAt": "2026-03-01T12:00:00.000Z",
            }
        )
    )

    assert job.output_url == "https://cdn.muvi.video/o.mp4"
    assert job.completed_at == NOW


def test_an_answer_about_another_job_is_not_taken() -> None:
    assert job_of({"jobId": "job_2", "status": "completed"}) is None
    assert job_of({"hello": "world"}) is None
    assert job_of([1, 2]) is None


@pytest.mark.parametrize(
    "body",
    [
        {"jobs": [{"jobId": "a", "status": "pending"}], "nextCursor": "c", "hasMore": True},
        {
            "success": True,
            "data": {"jobs": [{"id": "a", "status": "pending"}], "nextCursor": "c", "hasMore": True},
        },
        {
            "success": True,
            "data": [{"job_id": "a", "status": "pending"}],
            "nextCursor": "c",
            "hasMore": "true",
        },
        {"jobs": [{"jobId": "a", "status": "pending"}, {}, None, 3], "nextCursor": "c"},
    ],
)
def test_a_page_of_jobs_is_read_in_every_form(body: Any) -> None:
    page = read_page(answered(body))

    assert page is not None
    assert [listing.provider_job_id for listing in page.listings] == ["a"]
    assert (page.cursor, page.more) == ("c", True)


def test_a_page_without_a_list_is_none() -> None:
    assert read_page(answered({"jobs": None})) is None
    assert read_page(answered(b"<html>")) is None


def test_an_upload_slot_needs_both_addresses() -> None:
    slot = read_upload_slot(answered(wrapped({"uploadUrl": "u", "fileUrl": "f", "maxSize": "10485760"})))

    assert slot is not None
    assert slot.max_bytes == 10_485_760
    assert read_upload_slot(answered(wrapped({"uploadUrl": "u"}))) is None


# ── where the result is ─────────────────────────────────────────────────────────────────────────

VIDEO = "https://cdn.muvi.video/output_0.mp4"
PICTURE = "https://cdn.muvi.video/output_0.jpg"


@pytest.mark.parametrize(
    "fields",
    [
        {"output": VIDEO},
        {"output": {"url": VIDEO}},
        {"output": {"videoUrl": VIDEO, "metadata": {"width": 1}}},
        {"output": {"video": VIDEO}},
        {"output": {"video": {"url": VIDEO}}},
        {"output": {"video_url": VIDEO}},
        {"output": None, "outputs": [{"url": VIDEO, "type": "video", "thumbnail": PICTURE}]},
        {"output": PICTURE, "outputs": [{"url": PICTURE, "type": "image"}, {"url": VIDEO, "type": "Video"}]},
        {"output": PICTURE, "outputs": [{"url": PICTURE}, {"url": VIDEO}]},
        {"outputs": [VIDEO]},
        {"output": [{"url": VIDEO, "type": "video/mp4"}]},
        {"output": VIDEO, "outputs": [{"url": VIDEO}]},
        {"output": {"result": {"files": [{"href": VIDEO}]}, "thumbnailUrl": PICTURE}},
        {"output": {"a": {"b": "https://elsewhere.test/x.mp4"}, "c": VIDEO}},
        {
            "outputs": [
                {"type": "video", "url": "https://elsewhere.test/x.mp4"},
                {"type": "video", "url": VIDEO},
            ]
        },
    ],
)
def test_the_video_is_found_in_every_form_of_output(fields: Any) -> None:
    assert find_video_url(fields, allowed=allowed) == VIDEO


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"output": None, "outputs": []},
        {"output": "", "outputs": [{}]},
        {"output": "not a url"},
        {"output": "javascript:alert(1)"},
        {"output": PICTURE, "outputs": [{"url": PICTURE, "type": "image"}]},
        {"output": {"x": VIDEO, "y": "https://cdn.muvi.video/other.mp4"}},
        {"output": {"poster": VIDEO}},
        {"output": 7, "outputs": {"a": True}},
    ],
)
def test_where_no_video_is_named_none_is_found(fields: Any) -> None:
    assert find_video_url(fields, allowed=allowed) is None


def test_a_video_on_a_host_that_is_not_allowed_is_named_so_that_the_download_can_say_so() -> None:
    foreign = "https://elsewhere.test/x.mp4"

    assert find_video_url({"output": foreign}, allowed=allowed) == foreign


def test_an_endlessly_deep_output_is_searched_without_an_error() -> None:
    deep: Any = {"x": VIDEO}
    for _ in range(900):
        deep = {"x": [deep]}

    assert find_video_url({"output": deep}, allowed=allowed) == VIDEO


# ── why a render failed ─────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (
            "Image recognition failed. No complete upper body detected in the image",
            "render_no_person_picture",
        ),
        ("NO COMPLETE UPPER BODY DETECTED IN THE VIDEO", "render_no_person_video"),
        ("Please ensure the upper body is clearly visible", "render_no_person_picture"),
        (
            "Image recognition failed.  No complete upper  body detected in the reference video; kling 1201",
            "render_no_person_video",
        ),
        (
            "upstream said: {'msg': 'no complete upper body detected in the image'}",
            "render_no_person_picture",
        ),
        (
            "No complete upper body was detected in the image. Check image and video.",
            "render_no_person_picture",
        ),
        ("No person found in your video", "render_no_person_video"),
        (
            "Sorry: THE CHARACTER in the reference image or the First Frame is INVALID!",
            "render_character_invalid",
        ),
        ("task failed (error code: 1303)", "render_busy_upstream"),
        ("kling 1102, ask support", "render_supplier_problem"),
        (f"{'trace ' * 200} failure to pass the Risk Control system", "render_moderated"),
        ("content-policy: Content Policy violated", "render_moderated"),
        ("the VIDEO_INACCESSIBLE error", "render_inputs_unreachable"),
        ("In the video: ensure the upper body is clearly visible", "render_no_person_video"),
        (
            "The character in the reference image or the first frame is invalid",
            "render_character_invalid",
        ),
        ("Failure to pass the risk control system", "render_moderated"),
        ("CONTENT_POLICY_VIOLATION", "render_moderated"),
        ("photorealistic people are not allowed", "render_moderated"),
        ("parallel task over resource pack limit", "render_busy_upstream"),
        ("resource pack used up", "render_supplier_problem"),
        ("account in arrears", "render_supplier_problem"),
        ("IMAGE_INACCESSIBLE", "render_inputs_unreachable"),
        ("failed to download the video: timeout", "render_inputs_unreachable"),
        ("TIMEOUT", "render_timeout"),
        ("generation timed out", "render_timeout"),
        ("something else", "render_failed"),
        ("", "render_failed"),
    ],
)
def test_upstream_texts_become_sentences(message: str, code: str) -> None:
    failure = read_failure({"error": {"code": "GENERATION_FAILED", "message": message}})

    assert failure.text_code == code
    assert failure.reason.startswith("GENERATION_FAILED")
    assert message.strip()[:400] in failure.reason


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (None, ""),
        ("risk control", "risk control"),
        ({"code": "INTERNAL_ERROR"}, "INTERNAL_ERROR"),
        ({"code": 1303, "message": None}, "1303"),
        (["odd"], ""),
    ],
)
def test_a_failure_is_read_whatever_its_error_is(error: Any, reason: str) -> None:
    assert read_failure({"error": error}).reason == reason


def test_a_failed_job_carries_its_failure() -> None:
    job = job_of(
        {"jobId": "job_1", "status": "failed", "error": {"code": "GENERATION_FAILED", "message": "x"}}
    )

    assert job.state is RemoteState.FAILED
    assert job.failure is not None
    assert job.failure.text_code == "render_failed"


@pytest.mark.parametrize(
    ("stated", "expected"),
    [
        (None, False),
        (wire.MODEL, False),
        (f" {wire.MODEL.upper()} ", False),
        (f"{wire.MODEL}@1.2", False),
        (wire.MODEL.partition("/")[2], False),
        (f"v1/{wire.MODEL}", False),
        ("kling/kling-3.0-pro/motion-control", False),
        ("Kling 3.0 Pro Motion Control", False),
        ("kling-plus/kling-2.6-pro/motion-control", True),
        ("acme/other-model", True),
    ],
)
def test_only_a_slug_that_cannot_be_ours_is_another_model(stated: str | None, expected: bool) -> None:
    assert wire.is_another_model(stated) is expected

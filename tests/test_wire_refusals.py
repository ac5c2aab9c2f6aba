"""What a refusal means for the job: for the one call that charges, and for those that may be repeated."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from providers.envelope import Answer, read_answer
from providers.refusals import WebhookRefused, call_error, job_error, rejected_field, submit_error
from studio.errors import (
    CancelTooLate,
    InputRejected,
    OperatorMustAct,
    OperatorProblem,
    ProviderBusy,
    ProviderError,
    ProviderUnavailable,
    RemoteJobUnknown,
    SubmitUnclear,
)

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def answered(status: int, body: Any) -> Answer:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return read_answer(status, raw, {}, now=NOW)


def refused(status: int, code: str, **error: Any) -> Answer:
    return answered(
        status, {"success": False, "error": {"code": code, "message": "m", **error}, "requestId": "req_1"}
    )


CODES: list[tuple[int, str, type[ProviderError], OperatorProblem | None]] = [
    (400, "INVALID_INPUT", InputRejected, None),
    (400, "VALIDATION_ERROR", InputRejected, None),
    (400, "INVALID_CONTENT_TYPE", InputRejected, None),
    (400, "INVALID_MODEL_SLUG", OperatorMustAct, OperatorProblem.MODEL),
    (400, "MODEL_VERSION_NOT_ACTIVE", OperatorMustAct, OperatorProblem.MODEL),
    (401, "UNAUTHORIZED", OperatorMustAct, OperatorProblem.KEY),
    (401, "INVALID_API_KEY", OperatorMustAct, OperatorProblem.KEY),
    (401, "API_KEY_INACTIVE", OperatorMustAct, OperatorProblem.KEY),
    (401, "API_KEY_EXPIRED", OperatorMustAct, OperatorProblem.KEY),
    (401, "INVALID_SESSION", OperatorMustAct, OperatorProblem.KEY),
    (401, "INVALID_WORKER_SECRET", OperatorMustAct, OperatorProblem.KEY),
    (402, "INSUFFICIENT_BALANCE", OperatorMustAct, OperatorProblem.BALANCE),
    (403, "IP_NOT_WHITELISTED", OperatorMustAct, OperatorProblem.ACCESS),
    (403, "OPERATION_NOT_ALLOWED", OperatorMustAct, OperatorProblem.ACCESS),
    (403, "MODEL_ACCESS_DENIED", OperatorMustAct, OperatorProblem.MODEL),
    (403, "USER_BANNED", OperatorMustAct, OperatorProblem.ACCESS),
    (403, "USER_INACTIVE", OperatorMustAct, OperatorProblem.ACCESS),
    (403, "FORBIDDEN", OperatorMustAct, OperatorProblem.ACCESS),
    (404, "MODEL_NOT_FOUND", OperatorMustAct, OperatorProblem.MODEL),
    (404, "MODEL_VERSION_NOT_FOUND", OperatorMustAct, OperatorProblem.MODEL),
    (404, "USER_NOT_FOUND", OperatorMustAct, OperatorProblem.KEY),
    (429, "CONCURRENT_JOBS_EXCEEDED", ProviderBusy, None),
]


@pytest.mark.parametrize("classify", [submit_error, call_error])
@pytest.mark.parametrize(("status", "code", "leaf", "problem"), CODES)
def test_each_documented_code_has_its_meaning_for_every_call(
    classify: Any, status: int, code: str, leaf: type[ProviderError], problem: OperatorProblem | None
) -> None:
    error = classify(refused(status, code))

    assert type(error) is leaf
    assert getattr(error, "problem", None) is problem
    assert error.request_id == "req_1"
    assert code in error.reason


@pytest.mark.parametrize(("status", "code", "leaf", "problem"), CODES)
def test_a_code_means_the_same_when_it_comes_with_http_200(
    status: int, code: str, leaf: type[ProviderError], problem: OperatorProblem | None
) -> None:
    assert type(submit_error(refused(200, code))) is leaf
    assert type(call_error(answered(200, {"error": {"code": code}}))) is leaf


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (500, {"success": False, "error": {"code": "INTERNAL_ERROR", "message": "m"}}),
        (500, {"success": False, "error": {"code": "CONFIG_ERROR", "message": "m"}}),
        (503, {"success": False, "error": {"code": "PUBSUB_PUBLISH_FAILED", "message": "m"}}),
        (503, {"success": False, "error": {"code": "CONCURRENT_JOBS_EXCEEDED", "message": "m"}}),
        (500, {"success": False, "error": {"code": "INVALID_INPUT", "message": "m"}}),
        (502, b"<html>bad gateway</html>"),
        (504, b""),
        (520, b"<html>"),
        (408, b""),
        (200, b"<html>hello</html>"),
        (200, b'{"jobId": "job_'),
        (200, b""),
        (201, {"status": "pending"}),
        (200, {"success": False}),
        (200, {"success": False, "error": {"code": "SOMETHING_NEW"}}),
        (200, {"success": False, "error": {"code": "INTERNAL_ERROR"}}),
        (200, {"success": False, "data": {"jobId": "job_1"}, "error": {"code": "INVALID_INPUT"}}),
        (302, b""),
        (303, b""),
    ],
)
def test_a_submit_is_unclear_whenever_the_job_may_exist(status: int, body: Any) -> None:
    assert type(submit_error(answered(status, body))) is SubmitUnclear


@pytest.mark.parametrize(
    ("status", "leaf"),
    [
        (400, InputRejected),
        (401, OperatorMustAct),
        (402, OperatorMustAct),
        (403, OperatorMustAct),
        (404, OperatorMustAct),
        (405, OperatorMustAct),
        (409, InputRejected),
        (413, InputRejected),
        (415, InputRejected),
        (422, InputRejected),
        (429, ProviderBusy),
        (301, OperatorMustAct),
        (308, OperatorMustAct),
    ],
)
@pytest.mark.parametrize("body", [b"", b"<html>", b'{"error":{"code":"BRAND_NEW","message":"m"}}'])
def test_a_refused_submit_with_an_unknown_code_is_classed_by_its_status(
    status: int, body: bytes, leaf: type[ProviderError]
) -> None:
    assert type(submit_error(answered(status, body))) is leaf


@pytest.mark.parametrize("classify", [submit_error, call_error])
@pytest.mark.parametrize(
    ("status", "code", "message", "problem"),
    [
        (400, "BILLING", "Sorry, Insufficient  credits on this account", OperatorProblem.BALANCE),
        (403, "INSUFFICIENT_FUNDS", "m", OperatorProblem.BALANCE),
        (400, "AUTH", "Your API key has expired.", OperatorProblem.KEY),
        (400, "NEW", "The model is disabled at the moment", OperatorProblem.MODEL),
        (400, "NEW", "Address 10.0.0.1 is NOT WHITELISTED", OperatorProblem.ACCESS),
        (400, "QUOTA", "Too many parallel tasks", None),
        (403, "RATE_LIMIT", "m", None),
    ],
)
def test_an_unknown_code_is_classed_by_its_words_before_the_member_is_blamed(
    classify: Any, status: int, code: str, message: str, problem: OperatorProblem | None
) -> None:
    error = classify(refused(status, code, message=message))

    assert type(error) is (ProviderBusy if problem is None else OperatorMustAct)
    assert getattr(error, "problem", None) is problem


@pytest.mark.parametrize("classify", [submit_error, call_error])
@pytest.mark.parametrize(
    ("status", "code", "message"),
    [
        (403, "CONTENT_POLICY_VIOLATION", "m"),
        (403, "NEW", "Failure to pass the risk control system"),
        (400, "NEW", "The prompt has prohibited content."),
    ],
)
def test_an_unknown_code_that_blames_the_content_is_no_matter_for_the_operator(
    classify: Any, status: int, code: str, message: str
) -> None:
    error = classify(refused(status, code, message=message))

    assert type(error) is InputRejected
    assert error.code == "render_moderated"


def test_what_only_a_status_says_is_a_guess() -> None:
    assert [submit_error(refused(403, code)).guessed for code in ("BRAND_NEW", "FORBIDDEN")] == [True, False]


def test_words_of_an_answer_that_may_have_created_the_job_decide_nothing() -> None:
    assert type(submit_error(refused(200, "NEW", message="insufficient balance"))) is SubmitUnclear
    assert type(submit_error(refused(500, "NEW", message="insufficient balance"))) is SubmitUnclear


def test_a_refused_webhook_is_told_apart_from_a_refused_input() -> None:
    error = submit_error(refused(400, "INVALID_WEBHOOK_URL"))

    assert isinstance(error, WebhookRefused)
    assert isinstance(error, InputRejected)


@pytest.mark.parametrize("status", [200, 204, 404, 408, 418, 500, 502, 503, 504, 520, 527])
def test_a_call_that_may_be_repeated_is_unavailable_for_all_that_may_pass(status: int) -> None:
    assert type(call_error(answered(status, b"<html>"))) is ProviderUnavailable


def test_a_redirect_is_for_the_operator_since_the_key_does_not_follow() -> None:
    error = call_error(answered(302, b""))

    assert isinstance(error, OperatorMustAct)
    assert error.problem is OperatorProblem.ACCESS


@pytest.mark.parametrize(
    ("answer", "leaf"),
    [
        (refused(404, "JOB_NOT_FOUND"), RemoteJobUnknown),
        (refused(404, "SOMETHING_NEW"), RemoteJobUnknown),
        (refused(200, "JOB_NOT_FOUND"), RemoteJobUnknown),
        (refused(403, "UNAUTHORIZED_ACCESS"), RemoteJobUnknown),
        (refused(410, "GONE"), RemoteJobUnknown),
        (refused(404, "MODEL_NOT_FOUND"), OperatorMustAct),
        (answered(404, b"<html>nginx</html>"), ProviderUnavailable),
        (answered(404, b""), ProviderUnavailable),
        (refused(400, "INVALID_INPUT"), ProviderUnavailable),
        (refused(400, "JOB_CANNOT_BE_CANCELLED"), CancelTooLate),
        (refused(401, "API_KEY_EXPIRED"), OperatorMustAct),
        (refused(429, "RATE_LIMITED"), ProviderBusy),
        (refused(500, "INTERNAL_ERROR"), ProviderUnavailable),
    ],
)
def test_a_refused_call_about_a_job_says_something_about_it_only_when_it_is_sure(
    answer: Answer, leaf: type[ProviderError]
) -> None:
    assert type(job_error(answer)) is leaf


def test_a_busy_provider_says_how_long_to_wait() -> None:
    error = submit_error(refused(429, "CONCURRENT_JOBS_EXCEEDED", details={"retryAfter": "12"}))

    assert isinstance(error, ProviderBusy)
    assert error.retry_after == 12


@pytest.mark.parametrize(
    ("details", "field"),
    [
        ({"field": "input.image"}, "image"),
        ({"path": ["input", "video"]}, "video"),
        ([{"path": "prompt", "message": "too long"}], "prompt"),
        ({"errors": [{"field": "image"}]}, "image"),
        ({"errors": {"image": ["too small"]}}, "image"),
        ("the image is bad", None),
        (None, None),
        ({"errors": []}, None),
        ([[[[[[{"field": "image"}]]]]]], None),
    ],
)
def test_the_refused_field_is_shown_when_the_details_name_one(details: Any, field: str | None) -> None:
    error = submit_error(refused(400, "INVALID_INPUT", details=details))

    assert rejected_field(details) == field
    assert error.facts == ({} if field is None else {"field": field})
    assert error.sentence

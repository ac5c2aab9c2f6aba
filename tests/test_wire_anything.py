"""The readers against arbitrary answers: whatever comes, they give values, None or errors of ours."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from providers.addresses import listed_hosts
from providers.catalogue import differences, parse_entry
from providers.envelope import Answer, read_answer
from providers.readers import (
    read_estimate,
    read_job,
    read_page,
    read_refund,
    read_submission,
    read_upload_slot,
)
from providers.refusals import call_error, job_error, submit_error
from studio.errors import ProviderError, SubmitUnclear

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
allowed = listed_hosts(["*.muvi.video", "127.0.0.1"]).permits

NAMES = (  # noqa: SIM905 - as a list it would fill the screen
    "data success error code message details retryAfter requestId jobId job_id id status output outputs "
    "url type video videoUrl createdAt completedAt costMicroCents estimatedCost estimatedCompletionTime "
    "jobs nextCursor hasMore uploadUrl fileUrl maxSize refundedMicroCents model field path errors "
    "inputSchema properties required pricing enum maxLength default additionalProperties prompt image"
).split()

WORDS = (  # noqa: SIM905 - as above
    "completed failed pending PROCESSING video image INVALID_INPUT JOB_NOT_FOUND INTERNAL_ERROR "
    "https://cdn.muvi.video/a.mp4 http://127.0.0.1:9/x http://[::1 https://a:b@c:99999/ 1e999 -0 NaN "
    "2026-03-01T12:00:00Z 9999-12-31T23:59:59-14:00 job_1"
).split()

scalars = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(WORDS) | st.text(max_size=20)
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=5), inner, max_size=6)
    ),
    max_leaves=25,
)
statuses = st.sampled_from(
    [200, 201, 204, 302, 308, 400, 401, 402, 403, 404, 408, 409, 410, 429, 500, 503, 520, 599]
)


def read_all(answer: Answer) -> list[Any]:
    submission = read_submission(answer)
    read = [
        submission,
        read_job(answer, "job_1", allowed=allowed),
        read_page(answer),
        read_upload_slot(answer),
        read_estimate(answer),
        read_refund(answer),
    ]
    differences(parse_entry(answer.fields))
    return read


def texts_in(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield from [value] if value else []
    elif isinstance(value, (list, tuple)):
        for part in value:
            yield from texts_in(part)
    elif is_dataclass(value) and not isinstance(value, type):
        yield from texts_in([getattr(value, field.name) for field in fields(value)])


@settings(max_examples=400, deadline=None)
@given(body=values, status=statuses)
def test_any_json_is_read_without_an_error_and_everything_read_can_be_stored(body: Any, status: int) -> None:
    answer = read_answer(status, json.dumps(body).encode(), {}, now=NOW)

    read = read_all(answer)

    for text in texts_in([*read, answer.reason, answer.code, answer.request_id]):
        # Lone surrogates and NUL break databases and logs long after they were read.
        assert "\x00" not in text
        assert text.encode()
    assert 1 <= answer.retry_after <= 300
    for price in read[-2:]:
        assert price is None or 0 <= price <= 10**12


@settings(max_examples=400, deadline=None)
@given(body=values, status=statuses)
def test_any_refusal_becomes_an_error_of_ours_with_a_sentence(body: Any, status: int) -> None:
    answer = read_answer(status, json.dumps(body).encode(), {}, now=NOW)

    for classify in (submit_error, call_error, job_error):
        error = classify(answer)
        assert isinstance(error, ProviderError)
        assert error.sentence
    if status >= 500 or status == 408:
        assert isinstance(submit_error(answer), SubmitUnclear)


@settings(max_examples=200, deadline=None)
@given(raw=st.binary(max_size=300), status=statuses, header=st.text(max_size=30))
def test_any_bytes_are_read_without_an_error(raw: bytes, status: int, header: str) -> None:
    answer = read_answer(status, raw, {"Retry-After": header, "X-Request-Id": header}, now=NOW)

    read_all(answer)

    assert isinstance(submit_error(answer), ProviderError)
    assert 1 <= answer.retry_after <= 300

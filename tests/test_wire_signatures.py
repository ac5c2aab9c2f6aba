"""The webhooks' signature: the vectors of `provider.md`, and everything that must not pass."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.signatures import Verdict, check, sign

SECRET = "whsec_test_0123456789abcdef"
STAMP = "1771416000"
SENT_AT = datetime.fromtimestamp(int(STAMP), UTC)

VECTORS = [
    (
        b'{"jobId":"job_t1","requestId":"req_t1","status":"completed",'
        b'"output":"https://cdn.example.test/job_t1/output_0.mp4","completedAt":"2026-02-18T12:00:00.000Z"}',
        "6370b1b24be567ee5cd7ac4c5f45c6bf380de0dee382bb6d76da26c0a74c01b0",
        True,
    ),
    (
        b'{"jobId": "job_t1", "status": "failed", "error": {"code": "GENERATION_FAILED", "message": "x"}, '
        b'"completedAt": "2026-02-18T12:00:05.000Z"}',
        "3f0cc14f81b9bc75173751f4d046e7322da6a3640701759799ed574e9de58242",
        False,
    ),
    (
        rb'{"jobId":"job_t1","status":"completed","output":{"duration":10.0,"note":"\u00e9\/"},'
        rb'"completedAt":"2026-02-18T12:00:00.000Z"}',
        "baa91ac782cc5e30e6232408f2fe8471662b69750b7f0b38a09d5da36dfe233e",
        False,
    ),
    (
        '{"jobId":"job_t1","status":"failed","error":{"code":"X","message":"é 中 😀"}}'.encode(),
        "336ebb4da3c1af894e010f75aa6e9ed9f47c49d2267679b0c026b1ae27bb43c0",
        True,
    ),
    (b"", "d5fffe50a3b3f53ff8eb0b85c54369e8eca09cf0dbb8d7715e2469a86890536b", None),
]


def verdict(
    body: bytes = b"{}",
    *,
    timestamp: str | None = STAMP,
    signature: str | None = None,
    secret: str = SECRET,
    now: datetime = SENT_AT,
) -> Verdict:
    if signature is None:
        signature = sign(body, timestamp=STAMP, secret=SECRET)
    return check(body, timestamp=timestamp, signature=signature, secret=secret, now=now)


@pytest.mark.parametrize(("body", "digest", "_survives"), VECTORS)
def test_the_vectors_are_signed_and_accepted(body: bytes, digest: str, _survives: bool | None) -> None:
    signature = f"sha256={digest}"

    assert sign(body, timestamp=STAMP, secret=SECRET) == signature
    assert verdict(body, signature=signature) is Verdict.FRESH


@pytest.mark.parametrize(("body", "digest", "survives"), [vector for vector in VECTORS if vector[0]])
def test_only_the_raw_bytes_are_sure_to_match(body: bytes, digest: str, survives: bool) -> None:
    restringified = json.dumps(json.loads(body), separators=(",", ":"), ensure_ascii=False).encode()

    passes = verdict(restringified, signature=f"sha256={digest}") is Verdict.FRESH

    assert passes is survives


@pytest.mark.parametrize(
    "change",
    [
        lambda right: right.upper(),
        lambda right: right.replace("sha256=", ""),
        lambda right: right.replace("sha256=", "SHA256="),
        lambda right: right[:-1],
        lambda right: right + "0",
        lambda right: right[:-1] + ("0" if right[-1] != "0" else "1"),
        lambda right: "",
        lambda right: "sha256=",
        lambda right: "sha256=é中",
        lambda right: "sha256=\udcff\ud800",
        lambda right: " " + right,
    ],
)
def test_any_other_signature_is_refused(change: object) -> None:
    right = sign(b"{}", timestamp=STAMP, secret=SECRET)

    assert verdict(signature=change(right)) is Verdict.REFUSED  # type: ignore[operator]


def test_a_missing_header_or_secret_is_refused() -> None:
    unsigned = sign(b"{}", timestamp=STAMP, secret="")

    assert check(b"{}", timestamp=STAMP, signature=None, secret=SECRET, now=SENT_AT) is Verdict.REFUSED
    assert verdict(timestamp=None) is Verdict.REFUSED
    assert verdict(signature=unsigned, secret="") is Verdict.REFUSED
    assert verdict(secret="another") is Verdict.REFUSED


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0, Verdict.FRESH),
        (300, Verdict.FRESH),
        (301, Verdict.STALE),
        (660, Verdict.STALE),
        (661, Verdict.REFUSED),
        (-300, Verdict.FRESH),
        (-660, Verdict.STALE),
        (-661, Verdict.REFUSED),
    ],
)
def test_an_old_or_future_stamp_is_a_doorbell_for_eleven_minutes(seconds: int, expected: Verdict) -> None:
    assert verdict(now=SENT_AT + timedelta(seconds=seconds)) is expected


@pytest.mark.parametrize(
    "stamp",
    ["abc", "-1771416000", "1771416000000", "1_771_416_000", "١٧٧١", " 1771416000", "1771416000.0", "9" * 40],
)
def test_a_stamp_that_is_not_unix_seconds_is_refused_even_when_it_is_signed(stamp: str) -> None:
    signature = (
        sign(b"{}", timestamp=stamp, secret=SECRET)
        if stamp.isascii()
        else sign(b"{}", timestamp=STAMP, secret=SECRET)
    )

    assert check(b"{}", timestamp=stamp, signature=signature, secret=SECRET, now=SENT_AT) is Verdict.REFUSED


@given(
    body=st.binary(max_size=200),
    timestamp=st.text(st.characters(), max_size=20),
    signature=st.text(st.characters(), max_size=80),
)
def test_checking_never_raises(body: bytes, timestamp: str, signature: str) -> None:
    result = check(body, timestamp=timestamp, signature=signature, secret=SECRET, now=SENT_AT)

    assert result is Verdict.REFUSED

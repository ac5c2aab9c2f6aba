"""The sandbox speaks the documented API, strictly, and keeps honest accounts."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from providers.sandbox import Fate
from tests import media_files
from tests.builders import FixedClock
from tests.sandbox_world import MODEL, clip, opened, picture, shared


async def test_a_job_goes_from_submit_to_a_clip(tmp_path: Path) -> None:
    async with opened(tmp_path) as (sandbox, customer):
        answer = await customer.submit(prompt="a calm forest")
        job = await customer.until(answer.body["jobId"])
        file = await customer.call("GET", job["output"])

        assert answer.status == 200
        assert answer.body["status"] == "pending"
        assert answer.body["costMicroCents"] == 4 * 50_000
        assert answer.body["requestId"].startswith("req_")
        assert answer.body["estimatedCompletionTime"].endswith("Z")
        assert (job["status"], job["progress"], job["error"]) == ("completed", 100, None)
        assert job["outputs"][0]["url"] == job["output"]
        assert job["outputs"][0]["type"] == "video"
        assert file.headers["Content-Type"] == "video/mp4"
        assert file.body[4:8] == b"ftyp"
        assert sandbox.account.net == 200_000


async def test_a_job_is_pending_then_processing_then_completed_by_the_clock(
    tmp_path: Path, clock: FixedClock
) -> None:
    async with opened(tmp_path, seconds=8.0, clock=clock) as (_, customer):
        job_id = await customer.submitted()
        first = await customer.status(job_id)
        clock.tick(2)
        second = await customer.status(job_id)
        clock.tick(5.9)
        third = await customer.status(job_id)
        clock.tick(0.1)
        last = await customer.until(job_id)

        assert (first["status"], first["progress"]) == ("pending", 0)
        assert (second["status"], second["progress"]) == ("processing", 50)
        assert third["status"] == "processing"
        assert third["output"] is None
        assert last["status"] == "completed"
        assert first["createdAt"] == "2026-03-01T12:00:00.000Z"
        assert last["completedAt"] == "2026-03-01T12:00:08.000Z"


async def test_an_output_has_a_tag_and_ranges_and_a_poster(tmp_path: Path) -> None:
    async with opened(tmp_path) as (_, customer):
        job = await customer.until(await customer.submitted())

        whole = await customer.call("GET", job["output"])
        head = await customer.call("HEAD", job["output"])
        part = await customer.call("GET", job["output"], headers={"Range": "bytes=100-199"})
        rest = await customer.call("GET", job["output"], headers={"Range": "bytes=200-"})
        beyond = await customer.call("GET", job["output"], headers={"Range": "bytes=99999999-"})
        unchanged = await customer.call(
            "GET", job["output"], headers={"If-None-Match": whole.headers["ETag"]}
        )
        poster = await customer.call("GET", job["outputs"][0]["posterImage"])

    assert head.headers["Content-Length"] == str(len(whole.body))
    assert (part.status, part.body) == (206, whole.body[100:200])
    assert part.headers["Content-Range"] == f"bytes 100-199/{len(whole.body)}"
    assert rest.body == whole.body[200:]
    assert (beyond.status, unchanged.status) == (416, 304)
    assert (poster.headers["Content-Type"], poster.body[:2]) == ("image/jpeg", b"\xff\xd8")


async def test_an_estimate_measures_the_video_and_charges_nothing(tmp_path: Path) -> None:
    async with opened(tmp_path) as (sandbox, customer):
        full = await customer.call("POST", "/jobs/estimate", await customer.order())
        bare = await customer.call("POST", "/jobs/estimate", {"model": MODEL})

        assert full.body["estimatedCostMicroCents"] == 200_000
        assert full.body["breakdown"] == [{"component": "duration", "costMicroCents": 200_000}]
        assert bare.body["estimatedCostMicroCents"] == bare.body["baseCostMicroCents"] == 50_000
        assert sandbox.account.charged == 0
        assert sandbox.jobs == []


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"Authorization": ""}, "UNAUTHORIZED"),
        ({"Authorization": "pb_sandbox"}, "UNAUTHORIZED"),
        ({"Authorization": "Basic pb_sandbox"}, "UNAUTHORIZED"),
        ({"Authorization": "Bearer pb_other"}, "INVALID_API_KEY"),
    ],
)
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/jobs/submit"),
        ("POST", "/jobs/estimate"),
        ("GET", "/jobs"),
        ("GET", "/jobs/job_1"),
        ("POST", "/jobs/job_1/cancel"),
        ("POST", "/uploads/presign"),
        ("GET", "/uploads/file_1"),
    ],
)
async def test_every_call_needs_the_key(
    tmp_path: Path, method: str, path: str, headers: dict[str, str], code: str
) -> None:
    async with opened(tmp_path) as (_, customer):
        answer = await customer.call(method, path, headers=headers)

    assert (answer.status, answer.code) == (401, code)
    assert answer.body["success"] is False
    assert answer.body["requestId"]


async def test_a_new_key_takes_the_place_of_the_old_one(tmp_path: Path) -> None:
    async with opened(tmp_path) as (sandbox, customer):
        sandbox.key = "pb_new"
        old = await customer.call("GET", "/jobs")
        customer.key = "pb_new"
        new = await customer.call("GET", "/jobs")

    assert (old.status, new.status) == (401, 200)


async def test_the_catalogue_is_public_and_matches_what_is_accepted(tmp_path: Path) -> None:
    async with opened(tmp_path) as (_, customer):
        answer = await customer.call(
            "GET", f"/catalog/models/{MODEL}", headers={"Authorization": "Bearer nobody"}
        )
        elsewhere = await customer.call("GET", "/catalog/models/kling/other/thing")

    entry = answer.body["data"]
    assert set(entry["inputSchema"]["required"]) == {"image", "video"}
    assert entry["inputSchema"]["additionalProperties"] is False
    assert entry["pricing"]["baseCredits"] == 50_000
    assert (elsewhere.status, elsewhere.code) == (404, "NOT_FOUND")


def _input(**changes: Any) -> Callable[[dict[str, Any]], None]:
    return lambda body: body["input"].update(changes)


def _top(**changes: Any) -> Callable[[dict[str, Any]], None]:
    return lambda body: body.update(changes)


REFUSED: list[tuple[str, Callable[[dict[str, Any]], Any], str, str | None]] = [
    ("unknown input key", _input(duration=5), "INVALID_INPUT", "input.duration"),
    ("prompt of 1001", _input(prompt="x" * 1001), "INVALID_INPUT", "input.prompt"),
    ("prompt of 501 surrogate pairs", _input(prompt="😀" * 501), "INVALID_INPUT", "input.prompt"),
    ("negative prompt of 1001", _input(negative_prompt="x" * 1001), "INVALID_INPUT", "input.negative_prompt"),
    ("sound as a string", _input(keep_original_sound="yes"), "INVALID_INPUT", "input.keep_original_sound"),
    ("sound as a number", _input(keep_original_sound=1), "INVALID_INPUT", "input.keep_original_sound"),
    (
        "other orientation",
        _input(character_orientation="auto"),
        "INVALID_INPUT",
        "input.character_orientation",
    ),
    ("null orientation", _input(character_orientation=None), "INVALID_INPUT", "input.character_orientation"),
    ("other shot type", _input(shot_type="wide"), "INVALID_INPUT", "input.shot_type"),
    ("base64 picture", _input(image="iVBORw0KGgo="), "INVALID_INPUT", "input.image"),
    ("file URL", _input(video="file:///etc/passwd"), "INVALID_INPUT", "input.video"),
    ("no picture", lambda body: body["input"].pop("image"), "INVALID_INPUT", "input.image"),
    ("no input", lambda body: body.pop("input"), "INVALID_INPUT", "input"),
    ("input as a list", _top(input=[]), "INVALID_INPUT", "input"),
    ("modelSlug", lambda body: body.update(modelSlug=body.pop("model")), "INVALID_INPUT", "modelSlug"),
    ("modelVersion", _top(modelVersion="1.0.0"), "INVALID_INPUT", "modelVersion"),
    ("capability", _top(capability="motion-control"), "INVALID_INPUT", "capability"),
    ("no model", lambda body: body.pop("model"), "INVALID_INPUT", "model"),
    ("odd slug", _top(model="kling"), "INVALID_MODEL_SLUG", None),
    ("other model", _top(model="kling-plus/kling-9/motion-control"), "MODEL_NOT_FOUND", None),
    ("other version", _top(version="0.1"), "MODEL_VERSION_NOT_FOUND", None),
    ("plain webhook", _top(webhookUrl="http://example.org/hook"), "INVALID_WEBHOOK_URL", None),
    ("webhook as null", _top(webhookUrl=None), "INVALID_WEBHOOK_URL", None),
    ("webhook of another scheme", _top(webhookUrl="ftp://127.0.0.1/"), "INVALID_WEBHOOK_URL", None),
]


@pytest.mark.parametrize(("_what", "spoil", "code", "field"), REFUSED, ids=[line[0] for line in REFUSED])
async def test_a_submit_is_refused_for(
    tmp_path: Path, _what: str, spoil: Callable[[dict[str, Any]], Any], code: str, field: str | None
) -> None:
    async with opened(tmp_path) as (sandbox, customer):
        customer.inputs = {"image": "http://127.0.0.1:9/a.jpg", "video": "http://127.0.0.1:9/a.mp4"}
        body = await customer.order()
        spoil(body)

        answer = await customer.call("POST", "/jobs/submit", body)

        assert answer.code == code
        assert answer.status in {400, 404}
        assert answer.body["error"].get("details", {}).get("field") == field
        assert sandbox.jobs == []
        assert sandbox.account.charged == 0


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b'"x"', b"\xff\xfe"])
async def test_a_body_that_is_no_json_object_is_refused(tmp_path: Path, data: bytes) -> None:
    async with opened(tmp_path) as (_, customer):
        answer = await customer.call(
            "POST", "/jobs/submit", data=data, headers={"Content-Type": "application/json"}
        )

    assert (answer.status, answer.code) == (400, "INVALID_INPUT")


async def test_every_documented_wish_is_accepted(tmp_path: Path) -> None:
    wishes = {"prompt": "x" * 1000, "negative_prompt": "", "character_orientation": "image"}

    async with opened(tmp_path) as (_, customer):
        answer = await customer.submit(
            webhook="https://bot.example.org/hook",
            keep_original_sound=False,
            shot_type="intelligent",
            **wishes,
        )

    assert answer.status == 200


def _short(folder: Path) -> Path:
    return media_files.clip_mp4(folder / "short.mp4", seconds=2.5, size=(352, 352), fps=4)


def _eleven_seconds(folder: Path) -> Path:
    return media_files.clip_mp4(folder / "eleven.mp4", seconds=11, size=(352, 352), fps=2, sound=False)


def _narrow(folder: Path) -> Path:
    return media_files.clip_mp4(folder / "narrow.mp4", seconds=3, size=(320, 352), fps=2, sound=False)


def _tiny(folder: Path) -> Path:
    return media_files.picture_png(folder / "tiny.png", size=(299, 400))


def _slim(folder: Path) -> Path:
    return media_files.picture_png(folder / "slim.png", size=(300, 760))


CONTENT: list[tuple[str, Callable[[Path], Path], str, dict[str, Any], str]] = [
    ("image", lambda folder: media_files.text_named_png(folder / "a.png"), "image/png", {}, "Image format"),
    ("image", lambda folder: media_files.picture_webp(folder / "a.webp"), "image/webp", {}, "Image format"),
    ("image", _tiny, "image/png", {}, "Image pixel"),
    ("image", _slim, "image/png", {}, "Image aspect ratio"),
    ("video", lambda folder: media_files.clip_webm(folder / "a.webm"), "video/webm", {}, "Video format"),
    ("video", lambda folder: media_files.text_named_png(folder / "a.mp4"), "video/mp4", {}, "Video format"),
    ("video", _short, "video/mp4", {}, "Video duration"),
    ("video", _narrow, "video/mp4", {}, "Video pixel"),
    ("video", _eleven_seconds, "video/mp4", {"character_orientation": "image"}, "Video duration"),
]


@pytest.mark.parametrize(("name", "make", "kind", "wishes", "message"), CONTENT)
async def test_bad_contents_fail_the_job_and_give_the_money_back(
    tmp_path: Path,
    name: str,
    make: Callable[[Path], Path],
    kind: str,
    wishes: dict[str, Any],
    message: str,
) -> None:
    async with opened(tmp_path / "sandbox") as (sandbox, customer):
        url = await customer.upload(make(tmp_path), kind)

        answer = await customer.submit(**{name: url}, **wishes)
        job = await customer.until(answer.body["jobId"])

        assert answer.status == 200
        assert job["status"] == "failed"
        assert job["error"]["code"] == "GENERATION_FAILED"
        assert message in job["error"]["message"]
        assert job["completedAt"]
        assert sandbox.account.charged == sandbox.account.refunded > 0


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/gone.mp4", "https://example.org/clip.mp4"])
async def test_an_unreachable_or_foreign_input_fails_the_job(tmp_path: Path, url: str) -> None:
    async with opened(tmp_path) as (sandbox, customer):
        job = await customer.until(await customer.submitted(video=url))

        assert job["status"] == "failed"
        assert job["error"]["message"].startswith("VIDEO_INACCESSIBLE")
        assert sandbox.account.net == 0


async def test_the_list_is_paged_newest_first(tmp_path: Path, clock: FixedClock) -> None:
    async with opened(tmp_path, seconds=1000, clock=clock) as (_, customer):
        ids = []
        for _ in range(5):
            ids.append(await customer.submitted())
            clock.tick(1)
        first = await customer.call("GET", "/jobs?limit=2")
        second = await customer.call("GET", "/jobs", params={"limit": 2, "cursor": first.body["nextCursor"]})
        third = await customer.call("GET", "/jobs", params={"limit": 2, "cursor": second.body["nextCursor"]})

    found = [job["jobId"] for page in (first, second, third) for job in page.body["jobs"]]
    assert found == ids[::-1]
    assert [page.body["hasMore"] for page in (first, second, third)] == [True, True, False]
    assert third.body["nextCursor"] is None
    assert set(first.body["jobs"][0]) == {"jobId", "status", "progress", "model", "createdAt", "completedAt"}


async def test_jobs_of_the_same_moment_are_all_listed(tmp_path: Path, clock: FixedClock) -> None:
    async with opened(tmp_path, seconds=1000, clock=clock) as (_, customer):
        ids = {await customer.submitted() for _ in range(3)}
        first = await customer.call("GET", "/jobs?limit=2")
        second = await customer.call("GET", "/jobs", params={"cursor": first.body["nextCursor"]})

    assert {job["jobId"] for page in (first, second) for job in page.body["jobs"]} == ids


async def test_the_list_can_be_narrowed(tmp_path: Path) -> None:
    async with opened(tmp_path, seconds=1000) as (_, customer):
        cancelled, pending = await customer.submitted(), await customer.submitted()
        await customer.call("POST", f"/jobs/{cancelled}/cancel")

        by_status = await customer.call("GET", "/jobs?status=cancelled")
        by_model = await customer.call("GET", "/jobs", params={"modelId": MODEL})
        by_other = await customer.call("GET", "/jobs?modelId=a/b/c")

    assert [job["jobId"] for job in by_status.body["jobs"]] == [cancelled]
    assert {job["jobId"] for job in by_model.body["jobs"]} == {cancelled, pending}
    assert by_other.body["jobs"] == []


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=x", "status=queued", "cursor=no", "page=2"])
async def test_an_odd_list_query_is_refused(tmp_path: Path, query: str) -> None:
    async with opened(tmp_path) as (_, customer):
        answer = await customer.call("GET", f"/jobs?{query}")

    assert (answer.status, answer.code) == (400, "INVALID_INPUT")


async def test_a_pending_job_can_be_cancelled_once_and_is_refunded(tmp_path: Path) -> None:
    async with opened(tmp_path, seconds=1000) as (sandbox, customer):
        job_id = await customer.submitted()

        first = await customer.call("POST", f"/jobs/{job_id}/cancel")
        second = await customer.call("POST", f"/jobs/{job_id}/cancel")

        assert (first.body["status"], first.body["refundedMicroCents"]) == ("cancelled", 200_000)
        assert (second.status, second.code) == (400, "JOB_CANNOT_BE_CANCELLED")
        assert (await customer.status(job_id))["status"] == "cancelled"
        assert sandbox.account.refunds == {job_id: 200_000}
        assert sandbox.account.net == 0


async def test_a_processing_job_cannot_be_cancelled(tmp_path: Path, clock: FixedClock) -> None:
    async with opened(tmp_path, seconds=8, clock=clock) as (sandbox, customer):
        job_id = await customer.submitted()
        clock.tick(2)

        answer = await customer.call("POST", f"/jobs/{job_id}/cancel")
        unknown = await customer.call("POST", "/jobs/job_unknown/cancel")

        assert (answer.status, answer.code) == (400, "JOB_CANNOT_BE_CANCELLED")
        assert (unknown.status, unknown.code) == (404, "JOB_NOT_FOUND")
        assert sandbox.account.refunded == 0


async def test_the_account_sums_what_was_charged_and_given_back(tmp_path: Path) -> None:
    async with opened(tmp_path) as (sandbox, customer):
        sandbox.faults.add(Fate(), Fate(failure=("GENERATION_FAILED", "No.")), Fate(cost=123))
        ids = [await customer.submitted() for _ in range(3)]
        for job_id in ids:
            await customer.until(job_id)

        assert sandbox.account.charges == {ids[0]: 200_000, ids[1]: 200_000, ids[2]: 123}
        assert sandbox.account.refunds == {ids[1]: 200_000}
        assert sandbox.account.net == 200_123


async def test_without_enough_credit_nothing_is_created(tmp_path: Path) -> None:
    async with opened(tmp_path) as (sandbox, customer):
        sandbox.account.credit = 199_999
        poor = await customer.submit()
        sandbox.account.credit = 200_000
        rich = await customer.submit()

        assert (poor.status, poor.code) == (402, "INSUFFICIENT_BALANCE")
        assert rich.status == 200
        assert len(sandbox.jobs) == 1


async def test_more_jobs_than_allowed_at_once_are_answered_429(tmp_path: Path) -> None:
    async with opened(tmp_path, seconds=1000, options=shared(most_jobs=1)) as (_, customer):
        job_id = await customer.submitted()
        busy = await customer.submit()
        await customer.call("POST", f"/jobs/{job_id}/cancel")
        free = await customer.submit()

    assert (busy.status, busy.code) == (429, "CONCURRENT_JOBS_EXCEEDED")
    assert busy.body["error"]["details"]["retryAfter"] == 1
    assert free.status == 200


# ── uploads ─────────────────────────────────────────────────────────────────────────────────────


async def test_an_uploaded_file_is_given_back_byte_for_byte(tmp_path: Path) -> None:
    async with opened(tmp_path) as (_, customer):
        upload = await customer.presign("video/mp4", "mine.mp4")
        before = await customer.call("GET", upload["fileUrl"])
        await customer.put(upload, clip().read_bytes(), "video/mp4")
        whole = await customer.call("GET", upload["fileUrl"])
        head = await customer.call("HEAD", upload["fileUrl"])
        part = await customer.call("GET", upload["fileUrl"], headers={"Range": "bytes=0-0"})
        known = await customer.call("GET", f"/uploads/{upload['fileId']}")

    assert before.status == 404
    assert hashlib.sha256(whole.body).digest() == hashlib.sha256(clip().read_bytes()).digest()
    assert whole.headers["Content-Type"] == "video/mp4"
    assert (head.status, part.status, len(part.body)) == (200, 206, 1)
    assert known.body["data"]["status"] == "pending"
    assert known.body["data"]["filename"] == "mine.mp4"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"filename": "a.mov", "contentType": "video/quicktime"}, "INVALID_CONTENT_TYPE"),
        ({"filename": "a.jpg"}, "VALIDATION_ERROR"),
        ({"contentType": "image/png"}, "VALIDATION_ERROR"),
        ({"filename": "", "contentType": "image/png"}, "VALIDATION_ERROR"),
        ({"filename": "a", "contentType": "image/png", "size": 1}, "VALIDATION_ERROR"),
    ],
)
async def test_a_presign_is_refused_for_what_is_not_documented(
    tmp_path: Path, body: dict[str, Any], code: str
) -> None:
    async with opened(tmp_path) as (_, customer):
        answer = await customer.call("POST", "/uploads/presign", body)

    assert (answer.status, answer.code) == (400, code)


async def test_an_upload_must_be_what_was_signed_for(tmp_path: Path, clock: FixedClock) -> None:
    async with opened(tmp_path, clock=clock) as (_, customer):
        upload = await customer.presign("image/png")
        other_type = await customer.put(upload, b"x", "image/jpeg")
        other_token = await customer.put({"uploadUrl": upload["uploadUrl"] + "x"}, b"x", "image/png")
        too_large = await customer.put(upload, bytes(upload["maxSize"] + 1), "image/png")
        clock.tick(15 * 60)
        too_late = await customer.put(upload, b"x", "image/png")

    assert upload["maxSize"] == 10_485_760
    assert [answer.status for answer in (other_type, other_token, too_large, too_late)] == [
        403,
        403,
        413,
        403,
    ]


async def test_files_are_gone_after_an_hour(tmp_path: Path, clock: FixedClock) -> None:
    async with opened(tmp_path, seconds=0, clock=clock) as (_, customer):
        url = await customer.upload(picture(), "image/jpeg")
        upload_id = url.split("/")[-2]
        job = await customer.until(await customer.submitted())
        clock.tick(3600)

        upload = await customer.call("GET", url)
        known = await customer.call("GET", f"/uploads/{upload_id}")
        output = await customer.call("GET", job["output"])
        late = await customer.until(await customer.submitted())

    assert (upload.status, output.status) == (404, 404)
    assert known.body["data"]["status"] == "expired"
    assert late["error"]["message"].startswith("IMAGE_INACCESSIBLE")


async def test_an_upload_without_end_is_cut_off(tmp_path: Path) -> None:
    async def endless() -> Any:
        for _ in range(12):
            yield bytes(1 << 20)

    async with opened(tmp_path) as (_, customer):
        upload = await customer.presign("image/png")
        answer = await customer.call(
            "PUT", upload["uploadUrl"], data=endless(), headers={"Content-Type": "image/png"}
        )

    assert answer.status == 413
    assert not list((tmp_path / "uploads").glob("*.bin"))
    assert not list((tmp_path / "uploads").glob("*.draft"))

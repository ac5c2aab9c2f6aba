"""Uploads against a server that answers as told: presign, PUT, look, and what is never done."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from providers.addresses import guarded_session
from providers.pixelbyte import PixelByte, provider_hosts
from studio.errors import InputRejected, OperatorMustAct, ProviderUnavailable, RemoteJobUnknown, UploadRefused
from studio.outgoing import PIECE_BYTES
from tests.stub_provider import KEY, Stub, a_client, break_off, refusal, stub_server

PICTURE = b"\xff\xd8" + b"p" * 300_000


@pytest.fixture
async def stub() -> AsyncIterator[Stub]:
    async with stub_server() as stub:
        yield stub


@pytest.fixture
async def client(stub: Stub) -> AsyncIterator[PixelByte]:
    async with guarded_session(provider_hosts(stub.url, [])) as session:
        yield a_client(session, stub.url)


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "picture.jpg"
    path.write_bytes(PICTURE)
    return path


def a_slot(stub: Stub, **changes: Any) -> tuple[int, Any]:
    slot = {
        "uploadUrl": f"{stub.url}/temp/a.jpg?sig=a%2Fb%3D",
        "fileUrl": f"{stub.url}/files/a.jpg",
        "maxSize": 10_485_760,
    }
    return 200, {"success": True, "data": slot | changes, "requestId": "req_1"}


def first_byte(total: int) -> web.Response:
    return web.Response(status=206, body=b"\xff", headers={"Content-Range": f"bytes 0-0/{total}"})


async def test_an_upload_that_leaves_no_doubt_takes_two_requests(
    client: PixelByte, stub: Stub, picture: Path
) -> None:
    stub.on("POST", "/v1/uploads/presign", a_slot(stub))
    stub.on("PUT", "/temp/a.jpg", web.Response(status=200))

    assert await client.upload(picture, content_type="image/jpeg")

    assert [asked.method for asked in stub.asked] == ["POST", "PUT"]


async def test_an_upload_whose_answer_is_lost_is_looked_for_before_it_is_repeated(
    client: PixelByte, stub: Stub, picture: Path
) -> None:
    stub.on("POST", "/v1/uploads/presign", a_slot(stub))
    stub.on("PUT", "/temp/a.jpg", break_off)
    stub.on("GET", "/files/a.jpg", first_byte(300_002))

    assert await client.upload(picture, content_type="image/jpeg")

    assert len(stub.asked_for("POST", "/v1/uploads/presign")) == 1
    assert stub.asked[-1].method == "GET"


async def test_a_file_is_looked_at_where_care_is_asked_for(
    client: PixelByte, stub: Stub, picture: Path
) -> None:
    stub.on("POST", "/v1/uploads/presign", a_slot(stub))
    stub.on("PUT", "/temp/a.jpg", web.Response(status=200))
    stub.on("GET", "/files/a.jpg", first_byte(300_002))

    url = await client.upload(picture, content_type="image/jpeg", careful=True)

    presign, put, look = stub.asked
    assert url == f"{stub.url}/files/a.jpg"
    assert presign.json == {"filename": "picture.jpg", "contentType": "image/jpeg"}
    assert put.body == PICTURE
    assert put.headers["Content-Type"] == "image/jpeg"
    assert put.headers["Content-Length"] == "300002"
    assert put.query == {"sig": "a/b="}
    assert look.headers["Range"] == "bytes=0-0"
    assert "Authorization" not in put.headers
    assert "Authorization" not in look.headers


@pytest.mark.parametrize("status", [403, 500, 302])
async def test_a_refused_upload_gets_a_second_address_and_no_third(
    client: PixelByte, stub: Stub, picture: Path, status: int
) -> None:
    stub.on("POST", "/v1/uploads/presign", a_slot(stub))
    stub.on("PUT", "/temp/a.jpg", web.Response(status=status, headers={"Location": "/temp/b.jpg"}))

    with pytest.raises(ProviderUnavailable) as raised:
        await client.upload(picture, content_type="image/jpeg")

    assert type(raised.value) is ProviderUnavailable
    puts = [asked.body == PICTURE for asked in stub.asked_for("PUT", "/temp/a.jpg")]
    # The last one is not the file: nothing else is taken either.
    assert puts == [True, True, False]
    assert len(stub.asked_for("POST", "/v1/uploads/presign")) == 3


async def test_a_file_that_alone_is_refused_is_told_from_a_storage_that_takes_nothing(
    client: PixelByte, stub: Stub, picture: Path
) -> None:
    stub.on("POST", "/v1/uploads/presign", a_slot(stub))
    stub.on("PUT", "/temp/a.jpg", *[web.Response(status=403)] * 2, web.Response(status=200))
    stub.on("GET", "/files/a.jpg", first_byte(64))

    with pytest.raises(UploadRefused):
        await client.upload(picture, content_type="image/jpeg")


async def test_an_upload_that_arrived_short_is_made_again(
    client: PixelByte, stub: Stub, picture: Path
) -> None:
    stub.on("POST", "/v1/uploads/presign", a_slot(stub))
    stub.on("PUT", "/temp/a.jpg", web.Response(status=202))
    short = [first_byte(12)] * 3
    stub.on("GET", "/files/a.jpg", *short, web.Response(status=404), first_byte(300_002))

    await client.upload(picture, content_type="image/jpeg")

    assert len(stub.asked_for("PUT", "/temp/a.jpg")) == 2
    assert len(stub.asked_for("GET", "/files/a.jpg")) == 5


@pytest.mark.parametrize("size", [PIECE_BYTES, PIECE_BYTES + 1, 3 * PIECE_BYTES + 5])
async def test_a_file_of_any_size_is_sent_whole_on_each_try(
    client: PixelByte, stub: Stub, tmp_path: Path, size: int
) -> None:
    content = random.Random(size).randbytes(size)
    path = tmp_path / "motion.mp4"
    path.write_bytes(content)
    stub.on("POST", "/v1/uploads/presign", a_slot(stub))
    stub.on("PUT", "/temp/a.jpg", web.Response(status=503), web.Response(status=200))
    stub.on("GET", "/files/a.jpg", first_byte(size))

    await client.upload(path, content_type="video/mp4")

    puts = stub.asked_for("PUT", "/temp/a.jpg")
    assert [(put.body == content, put.headers["Content-Length"]) for put in puts] == [(True, str(size))] * 2


async def test_a_file_that_is_read_without_ranges_counts_by_its_length(
    client: PixelByte, stub: Stub, picture: Path
) -> None:
    stub.on("POST", "/v1/uploads/presign", a_slot(stub))
    stub.on("PUT", "/temp/a.jpg", web.Response(status=204))
    stub.on("GET", "/files/a.jpg", web.Response(status=200, body=PICTURE))

    assert await client.upload(picture, content_type="image/jpeg", careful=True)


@pytest.mark.parametrize("changes", [{"maxSize": 300_001}, {}])
async def test_a_file_that_the_provider_finds_too_large_is_final(
    client: PixelByte, stub: Stub, picture: Path, changes: dict[str, int]
) -> None:
    stub.on("POST", "/v1/uploads/presign", a_slot(stub, **changes))
    stub.on("PUT", "/temp/a.jpg", web.Response(status=413))

    with pytest.raises(InputRejected):
        await client.upload(picture, content_type="image/jpeg")

    assert len(stub.asked_for("PUT", "/temp/a.jpg")) == (0 if changes else 1)


@pytest.mark.parametrize(
    "changes",
    [
        {"uploadUrl": "https://evil.example.org/x"},
        {"fileUrl": "https://169.254.169.254/latest"},
        {"uploadUrl": "http://storage.muvi.video/plain-http"},
        {"uploadUrl": "file:///etc/passwd"},
    ],
)
async def test_nothing_is_uploaded_to_a_host_that_is_not_allowed(
    client: PixelByte, stub: Stub, picture: Path, changes: dict[str, str]
) -> None:
    stub.on("POST", "/v1/uploads/presign", a_slot(stub, **changes))

    with pytest.raises(OperatorMustAct) as caught:
        await client.upload(picture, content_type="image/jpeg")

    assert "PIXELBYTE_OUTPUT_HOSTS" in caught.value.reason
    assert len(stub.asked) == 1


async def test_a_refused_type_is_final(client: PixelByte, stub: Stub, picture: Path) -> None:
    stub.on("POST", "/v1/uploads/presign", refusal(400, "INVALID_CONTENT_TYPE"))

    with pytest.raises(InputRejected):
        await client.upload(picture, content_type="image/jpeg")


async def test_neither_key_nor_signed_queries_are_logged(
    client: PixelByte,
    stub: Stub,
    picture: Path,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    stub.on("POST", "/v1/uploads/presign", a_slot(stub, uploadUrl=f"{stub.url}/temp/a.jpg?sig=topsecret"))
    stub.on("PUT", "/temp/a.jpg", web.Response(status=403))
    stub.on("GET", "/v1/jobs/job_1", refusal(404, "JOB_NOT_FOUND"))

    with pytest.raises(ProviderUnavailable):
        await client.upload(picture, content_type="image/jpeg")
    with pytest.raises(RemoteJobUnknown):
        await client.status("job_1")

    logged = capsys.readouterr().out + caplog.text
    assert "req_1" in logged
    assert KEY not in logged
    assert "topsecret" not in logged

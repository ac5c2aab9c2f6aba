"""The same questions to the sandbox and, where somebody asks for it, to the real provider's side.

`CONTRACT=1` with PIXELBYTE_API_URL and PIXELBYTE_API_KEY asks the other side as well, only what is free and
harmless; `CONTRACT=paid` also has it render one clip of 3 s, which costs money there.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from media.workshop import Workshop
from providers import wire
from providers.addresses import guarded_session
from providers.catalogue import differences, read_entry
from providers.envelope import Answer, read_answer
from providers.pixelbyte import MADE_UP_JOB_ID, PixelByte, provider_hosts
from providers.readers import read_page
from providers.refusals import submit_error
from providers.sandbox import Sandbox
from studio.errors import InputRejected, OperatorMustAct, RemoteJobUnknown
from studio.models import Orientation, ShotType
from studio.ports import RemoteState, RenderRequest
from tests.sandbox_world import clip, picture, shared

CONTRACT = os.environ.get("CONTRACT", "")
LONGEST_RENDER_SECONDS = 1800
OUTPUT_HOSTS = tuple(
    os.environ.get("PIXELBYTE_OUTPUT_HOSTS", "*.muvi.video,*.pixelbyte.app").replace(" ", "").split(",")
)


@dataclass(frozen=True)
class Side:
    """Whom we talk to."""

    session: aiohttp.ClientSession
    url: str
    key: str

    @property
    def client(self) -> PixelByte:
        return PixelByte(
            session=self.session,
            base_url=self.url,
            key=self.key,
            output_hosts=OUTPUT_HOSTS,
            clock=lambda: datetime.now(UTC),
        )

    async def ask(self, method: str, path: str, json: Any = None, **options: Any) -> Answer:
        """One call without our client's care, to see what is really answered."""
        headers = {"Authorization": f"Bearer {self.key}"}
        async with self.session.request(
            method, f"{self.url}/{path}", json=json, headers=headers, allow_redirects=False, **options
        ) as response:
            return read_answer(
                response.status, await response.read(), response.headers, now=datetime.now(UTC)
            )

    async def request(self) -> RenderRequest:
        """An order with both files at the provider."""
        return RenderRequest(
            image_url=await self.client.upload(picture(), content_type="image/jpeg"),
            video_url=await self.client.upload(clip(), content_type="video/mp4"),
            prompt="a calm forest",
            negative_prompt="",
            orientation=Orientation.VIDEO,
            keep_sound=True,
            shot_type=ShotType.CUSTOMIZE,
        )


@pytest.fixture(params=["sandbox", "configured"])
async def side(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Side]:
    async with AsyncExitStack() as stack:
        if request.param == "sandbox":
            sandbox = await stack.enter_async_context(Sandbox(tmp_path, seconds=0.3, options=shared()))
            url, key = sandbox.api_url, sandbox.key
        else:
            if CONTRACT not in ("1", "paid"):
                pytest.skip("CONTRACT=1 asks the provider at PIXELBYTE_API_URL, too")
            if request.node.get_closest_marker("paid") and CONTRACT != "paid":
                pytest.skip("costs money: CONTRACT=paid")
            url, key = os.environ["PIXELBYTE_API_URL"].rstrip("/"), os.environ["PIXELBYTE_API_KEY"]
        hosts = provider_hosts(url, OUTPUT_HOSTS)
        yield Side(await stack.enter_async_context(guarded_session(hosts)), url, key)


async def test_the_key_is_accepted(side: Side) -> None:
    await side.client.check_key()


async def test_a_key_that_nobody_made_is_for_the_operator(side: Side) -> None:
    with pytest.raises(OperatorMustAct):
        await replace(side, key="pb_no_such_key").client.check_key()


async def test_a_job_that_never_was_is_unknown(side: Side) -> None:
    with pytest.raises(RemoteJobUnknown):
        await side.client.status(MADE_UP_JOB_ID)


async def test_a_job_that_never_was_cannot_be_cancelled(side: Side) -> None:
    with pytest.raises(RemoteJobUnknown):
        await side.client.cancel(MADE_UP_JOB_ID)


async def test_the_list_can_be_read_and_pages_repeat_nothing(side: Side) -> None:
    first = await side.ask("GET", wire.LIST_PATH, params=wire.list_query(None))

    page = read_page(first)
    listed = []
    async for listing in side.client.recent():
        listed.append(listing.provider_job_id)
        if len(listed) == 150:
            break

    assert page is not None
    assert all(listing.created_at for listing in page.listings)
    assert len(listed) == len(set(listed))


async def test_an_uploaded_file_is_given_back_byte_for_byte(side: Side) -> None:
    url = await side.client.upload(picture(), content_type="image/jpeg")

    async with side.session.get(url, allow_redirects=False) as response:
        found = await response.read()

    assert response.status == 200
    assert found == picture().read_bytes()


async def test_an_upload_of_a_type_that_is_not_taken_is_refused(side: Side) -> None:
    answer = await side.ask(
        "POST", wire.PRESIGN_PATH, {"filename": "x.exe", "contentType": "application/x-msdownload"}
    )

    assert not answer.accepted


async def test_an_estimate_names_a_price_between_one_second_and_a_dollar(side: Side) -> None:
    price = await side.client.estimate(await side.request(), seconds=3.2)

    assert price is not None
    assert 10_000 <= price <= 1_000_000


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({"model": "kling-plus/no-such-model/none", "input": {}}, id="no such model"),
        pytest.param({"model": wire.MODEL, "input": {}}, id="nothing to render"),
    ],
)
async def test_a_submit_that_cannot_be_meant_is_refused_for_certain(side: Side, body: dict[str, Any]) -> None:
    answer = await side.ask("POST", wire.SUBMIT_PATH, body)

    assert not answer.accepted
    assert isinstance(submit_error(answer), InputRejected | OperatorMustAct)


async def test_the_published_entry_is_the_one_that_we_were_written_for(side: Side) -> None:
    entry = await read_entry(side.session, side.url)

    assert entry is not None
    assert differences(entry) == []


@pytest.mark.paid
async def test_a_clip_is_ordered_followed_and_fetched(side: Side, tmp_path: Path) -> None:
    client = side.client
    submission = await client.submit(await side.request())

    async with asyncio.timeout(LONGEST_RENDER_SECONDS):
        job = await client.status(submission.provider_job_id)
        while job.state in (RemoteState.PENDING, RemoteState.PROCESSING):
            await asyncio.sleep(0.1 if "127.0.0.1" in side.url else 10)
            job = await client.status(submission.provider_job_id)
    assert job.output_url is not None, job.failure
    await client.download(job.output_url, tmp_path / "clip.mp4")
    facts = await Workshop().verify_clip(tmp_path / "clip.mp4")

    assert submission.cost_usd_micros is not None
    assert facts.seconds == pytest.approx(3.2, abs=0.6)

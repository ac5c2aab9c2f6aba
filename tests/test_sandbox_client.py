"""The bot's own client and the sandbox understand each other."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from providers.addresses import guarded_session
from providers.catalogue import differences, read_entry
from providers.pixelbyte import PixelByte, provider_hosts
from providers.sandbox import Fate, Fault, Sandbox
from studio.errors import SubmitUnclear
from studio.models import Orientation, ShotType
from studio.ports import RemoteState, RenderRequest
from tests.sandbox_world import PATIENCE, clip, eventually, picture, shared


@asynccontextmanager
async def client_and_sandbox(folder: Path, seconds: float = 0.2) -> AsyncIterator[tuple[PixelByte, Sandbox]]:
    async with (
        Sandbox(folder, seconds=seconds, options=shared()) as sandbox,
        guarded_session(provider_hosts(sandbox.api_url, ())) as session,
    ):
        yield (
            PixelByte(
                session=session,
                base_url=sandbox.api_url,
                key=sandbox.key,
                output_hosts=(),
                clock=lambda: datetime.now(UTC),
                first_pause=0.01,
            ),
            sandbox,
        )


async def request_of(client: PixelByte) -> RenderRequest:
    return RenderRequest(
        image_url=await client.upload(picture(), content_type="image/jpeg"),
        video_url=await client.upload(clip(), content_type="video/mp4"),
        prompt="a calm forest",
        negative_prompt="",
        orientation=Orientation.VIDEO,
        keep_sound=True,
        shot_type=ShotType.CUSTOMIZE,
    )


async def test_a_clip_is_estimated_ordered_followed_and_fetched(tmp_path: Path) -> None:
    async with client_and_sandbox(tmp_path / "sandbox") as (client, sandbox):
        request = await request_of(client)
        estimate = await client.estimate(request, seconds=3.2)
        submission = await client.submit(request)
        await eventually(lambda: sandbox.jobs[0].finished)
        job = await client.status(submission.provider_job_id)
        listed = [line async for line in client.recent()]
        assert job.output_url is not None
        size = await client.download(job.output_url, tmp_path / "clip.mp4")

    assert estimate == submission.cost_usd_micros == 200_000
    assert job.state is RemoteState.COMPLETED
    assert [line.provider_job_id for line in listed] == [submission.provider_job_id]
    assert size == (tmp_path / "clip.mp4").stat().st_size > 1000


async def test_a_pending_job_is_cancelled_with_its_refund(tmp_path: Path) -> None:
    async with client_and_sandbox(tmp_path, seconds=PATIENCE * 10) as (client, sandbox):
        submission = await client.submit(await request_of(client))

        refund = await client.cancel(submission.provider_job_id)

        assert refund == 200_000
        assert sandbox.account.net == 0


async def test_a_broken_download_is_resumed(tmp_path: Path) -> None:
    async with client_and_sandbox(tmp_path / "sandbox") as (client, sandbox):
        submission = await client.submit(await request_of(client))
        await eventually(lambda: sandbox.jobs[0].finished)
        job = await client.status(submission.provider_job_id)
        assert job.output_url is not None
        sandbox.faults.add(Fault(on="output", cut=0.5))
        size = await client.download(job.output_url, tmp_path / "clip.mp4")

        assert len(sandbox.seen("output")) == 2
        assert size == (tmp_path / "clip.mp4").stat().st_size > 1000


async def test_a_ghost_job_makes_the_submit_unclear(tmp_path: Path) -> None:
    async with client_and_sandbox(tmp_path) as (client, sandbox):
        request = await request_of(client)
        sandbox.faults.add(Fault(on="submit", code="INTERNAL_ERROR", processed=True), Fate(seconds=1000))

        with pytest.raises(SubmitUnclear):
            await client.submit(request)

        assert len(sandbox.jobs) == len(sandbox.seen("submit")) == 1


async def test_the_published_entry_is_the_one_that_we_were_written_for(tmp_path: Path) -> None:
    async with (
        client_and_sandbox(tmp_path) as (_, sandbox),
        guarded_session(provider_hosts(sandbox.api_url, ())) as session,
    ):
        entry = await read_entry(session, sandbox.api_url)

    assert entry is not None
    assert entry.price_usd_micros == 50_000
    assert differences(entry) == []

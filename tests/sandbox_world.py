"""A customer of the sandbox over real HTTP, and the few small files that its tests send."""

from __future__ import annotations

import asyncio
import atexit
import functools
import io
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from providers.sandbox import Options, Sandbox
from tests import media_files

MODEL = "kling-plus/kling-3.0-pro/motion-control"
PATIENCE = 60.0
"""Seconds that something may take on a crowded machine before a test gives up."""


@functools.cache
def workshop() -> tempfile.TemporaryDirectory[str]:
    """Files of this test run: media, and the clips drawn from them, each drawn only once."""
    made = tempfile.TemporaryDirectory(prefix="sandbox-")
    atexit.register(made.cleanup)
    return made


@functools.cache
def picture() -> Path:
    return media_files.picture_jpeg(Path(workshop().name) / "picture.jpg", size=(400, 360))


@functools.cache
def clip() -> Path:
    return media_files.clip_mp4(Path(workshop().name) / "clip.mp4", seconds=3.2, size=(352, 352), fps=10)


@dataclass(frozen=True)
class Answer:
    status: int
    body: Any
    headers: Mapping[str, str]

    @property
    def code(self) -> str:
        return str(self.body["error"]["code"])


@dataclass
class Customer:
    """Calls the API as its documentation says."""

    session: aiohttp.ClientSession
    api_url: str
    key: str = "pb_sandbox"
    inputs: dict[str, str] = field(default_factory=dict)

    async def call(self, method: str, path: str, json: Any = None, **options: Any) -> Answer:
        url = path if path.startswith("http") else self.api_url + path
        headers = {"Authorization": f"Bearer {self.key}"} | options.pop("headers", {})
        async with self.session.request(method, url, json=json, headers=headers, **options) as response:
            is_json = response.content_type == "application/json"
            body = await response.json() if is_json else await response.read()
            return Answer(response.status, body, response.headers.copy())

    async def presign(self, content_type: str, filename: str = "file") -> dict[str, Any]:
        answer = await self.call(
            "POST", "/uploads/presign", {"filename": filename, "contentType": content_type}
        )
        assert answer.status == 200, answer.body
        found: dict[str, Any] = answer.body["data"]
        return found

    async def put(self, upload: Mapping[str, Any], content: bytes, content_type: str) -> Answer:
        return await self.call(
            "PUT", upload["uploadUrl"], data=io.BytesIO(content), headers={"Content-Type": content_type}
        )

    async def upload(self, path: Path, content_type: str) -> str:
        upload = await self.presign(content_type, path.name)
        answer = await self.put(upload, await asyncio.to_thread(path.read_bytes), content_type)
        assert answer.status == 200, answer.body
        return str(upload["fileUrl"])

    async def order(self, **changes: Any) -> dict[str, Any]:
        """A body for submit or estimate; `changes` go into its input, None removes."""
        if not self.inputs:
            self.inputs = {
                "image": await self.upload(picture(), "image/jpeg"),
                "video": await self.upload(clip(), "video/mp4"),
            }
        given = {name: value for name, value in {**self.inputs, **changes}.items() if value is not None}
        return {"model": MODEL, "input": given}

    async def submit(self, *, webhook: str | None = None, **changes: Any) -> Answer:
        body = await self.order(**changes)
        return await self.call("POST", "/jobs/submit", body | ({"webhookUrl": webhook} if webhook else {}))

    async def submitted(self, **changes: Any) -> str:
        answer = await self.submit(**changes)
        assert answer.status == 200, answer.body
        return str(answer.body["jobId"])

    async def status(self, job_id: str) -> Any:
        return (await self.call("GET", f"/jobs/{job_id}")).body

    async def until(self, job_id: str, *statuses: str) -> Any:
        """Ask until the job is in one of `statuses`, which are by default those of its end."""
        async with asyncio.timeout(PATIENCE):
            while True:
                job = await self.status(job_id)
                if job["status"] in (statuses or ("completed", "failed", "cancelled")):
                    return job
                await asyncio.sleep(0.05)


async def eventually(condition: Callable[[], bool]) -> None:
    """Wait until the condition holds, patiently."""
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110 - anybody's condition: nothing announces it
            await asyncio.sleep(0.02)


def shared(**options: Any) -> Options:
    """Options whose clips are drawn once for all tests."""
    return Options(renders=Path(workshop().name) / "renders", **options)


@asynccontextmanager
async def opened(
    folder: Path, *, seconds: float = 0.2, options: Options | None = None, **more: Any
) -> AsyncIterator[tuple[Sandbox, Customer]]:
    """A quick sandbox and its customer."""
    async with (
        Sandbox(folder, seconds=seconds, options=options or shared(), **more) as sandbox,
        customer_of(sandbox.api_url) as customer,
    ):
        yield sandbox, customer


@asynccontextmanager
async def customer_of(api_url: str) -> AsyncIterator[Customer]:
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(force_close=True), timeout=aiohttp.ClientTimeout(total=PATIENCE)
    ) as session:
        yield Customer(session, api_url)

"""The sandbox survives the end of its process, and takes no codec library into it."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import psutil

from tests import media_files
from tests.sandbox_world import customer_of, eventually, opened

ROOT = Path(__file__).parent.parent


@asynccontextmanager
async def alone(folder: Path, seconds: float) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    """The sandbox in a process of its own, with its address."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "providers.sandbox", "--folder", str(folder), "--seconds", str(seconds)),
        stdout=asyncio.subprocess.PIPE,
        cwd=ROOT,
    )
    assert process.stdout is not None
    try:
        line = await asyncio.wait_for(process.stdout.readline(), 60)
        yield process, json.loads(line)["api_url"]
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def test_a_sandbox_killed_in_the_middle_of_a_job_finishes_it_after_the_restart(tmp_path: Path) -> None:
    folder = tmp_path / "sandbox"

    async with alone(folder, 0.5) as (process, api_url), customer_of(api_url) as customer:
        job_id = await customer.submitted()
        await eventually(lambda: bool(psutil.Process(process.pid).children()))
        children = psutil.Process(process.pid).children()
        process.kill()
        await process.wait()
    await eventually(lambda: not any(child.is_running() for child in children))
    async with alone(folder, 0.5) as (process, api_url), customer_of(api_url) as customer:
        job = await customer.until(job_id)
        file = await customer.call("GET", job["output"])
        process.send_signal(signal.SIGTERM)
        code = await process.wait()

    assert job["status"] == "completed"
    assert job["output"].startswith(api_url.removesuffix("/v1"))
    assert file.body[4:8] == b"ftyp"
    assert code == 0


async def test_jobs_uploads_and_account_are_known_after_a_restart(tmp_path: Path) -> None:
    async with opened(tmp_path, seconds=1000) as (sandbox, customer):
        upload = await customer.upload(media_files.picture_png(tmp_path / "a.png"), "image/png")
        kept, cancelled = await customer.submitted(), await customer.submitted()
        await customer.call("POST", f"/jobs/{cancelled}/cancel")
        before = sandbox.jobs
    async with opened(tmp_path, seconds=1000) as (sandbox, customer):
        listed = await customer.call("GET", "/jobs")
        known = await customer.call("GET", f"/uploads/{upload.split('/')[-2]}")
        file = await customer.call("GET", known.body["data"]["fileUrl"])

        assert {job.id: job.status for job in sandbox.jobs} == {job.id: job.status for job in before}
        assert [job["jobId"] for job in listed.body["jobs"]] == [job.id for job in before]
        assert file.body == (tmp_path / "a.png").read_bytes()
        assert sandbox.account.charged == 400_000
        assert sandbox.account.refunds == {cancelled: 200_000}
        assert kept in sandbox.account.charges


async def test_hosting_the_sandbox_loads_no_codec(tmp_path: Path) -> None:
    script = (
        "import sys, providers.sandbox;"
        "print([name for name in ('av', 'numpy', 'PIL', 'discord', 'sqlalchemy') if name in sys.modules])"
    )

    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, stdout=asyncio.subprocess.PIPE, cwd=ROOT
    )
    output, _ = await process.communicate()

    assert output.strip() == b"[]"

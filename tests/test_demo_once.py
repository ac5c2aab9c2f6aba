"""`python bot.py demo`, as people call it: a process of its own."""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path

import aiohttp
import av
import pytest

from tests.drawn_scene import dance, portrait

ROOT = Path(__file__).parent.parent


async def once(*arguments: str | Path) -> tuple[int, str]:
    """Return the exit code and what was printed."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        ROOT / "bot.py",
        "demo",
        "--once",
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        printed, _ = await asyncio.wait_for(process.communicate(), 180)
    except TimeoutError:
        process.kill()
        await process.wait()
        raise
    assert process.returncode is not None
    return process.returncode, printed.decode()


async def test_the_clip_is_written_and_the_conversation_printed(tmp_path: Path) -> None:
    picture, video = portrait(tmp_path / "lena.jpg"), dance(tmp_path / "dance.mp4", seconds=3)
    out = tmp_path / "clip.mp4"

    code, printed = await once(picture, video, "--out", out, "--no-keep-sound", "--orientation", "video")

    with av.open(str(out)) as container:
        kinds = {stream.type for stream in container.streams}
        seconds = (container.duration or 0) / 1_000_000
    assert code == 0, printed
    assert kinds == {"video"}
    assert 2.5 < seconds < 3.5
    assert "keep_sound: False" in printed
    assert printed.index("Checking your files – now") < printed.index("Rendering – now")
    assert printed.index("Rendering – now") < printed.index("Your clip is ready")
    assert picture.exists()
    assert "Nothing was charged, this was a trial." in printed
    assert "$" not in printed


async def test_a_refusal_is_printed_and_fails(tmp_path: Path) -> None:
    picture, video = tmp_path / "lena.png", dance(tmp_path / "dance.mp4", seconds=3)
    picture.write_text("this is a text")
    out = tmp_path / "clip.mp4"

    code, printed = await once(picture, video, "--out", out)

    assert code == 1, printed
    assert "Nothing was charged" in printed
    assert not out.exists()


async def test_a_missing_file_is_named(tmp_path: Path) -> None:
    code, printed = await once(tmp_path / "nowhere.jpg", tmp_path / "b.mp4", "--out", tmp_path / "c.mp4")

    assert code == 2
    assert "nowhere.jpg" in printed


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_the_page_is_offered_until_the_demo_is_stopped(number: signal.Signals, tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, ROOT / "bot.py", "demo", "--port", "0", stdout=asyncio.subprocess.PIPE, cwd=tmp_path
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(60):
            address = (await process.stdout.readline()).split()[-1].decode()
            async with aiohttp.ClientSession() as session, session.get(address) as response:
                page = await response.text()
            process.send_signal(number)
            code = await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()

    assert "<title>" in page
    assert code == 0
    assert not any(tmp_path.glob("*"))

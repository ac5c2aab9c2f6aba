"""The workshop's children: their results, limits and ends, seen from the bot's side."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from PIL import Image

from media.errors import MediaRefused, Reason, WorkshopFailed
from media.facts import Change, Kind
from media.workshop import Workshop
from tests import media_files
from tests.media_files import Shelf

ROOT = Path(__file__).resolve().parent.parent
PATIENCE = 60.0
PROCESSORS = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Shelf:
    return Shelf(tmp_path_factory.getbasetemp() / "media-files")


@pytest.fixture
def endless(tmp_path: Path) -> Path:
    """A pipe that nobody writes to: whoever reads it waits for ever."""
    path = tmp_path / "endless.mp4"
    os.mkfifo(path)
    return path


def workers(parent: psutil.Process | None = None) -> list[psutil.Process]:
    """The living workers below `parent`, this process by default: forked, they look like their foreman."""
    children = (parent or psutil.Process()).children(recursive=True)
    foremen = {child.pid for child in children if is_ours(child)}
    return [child for child in children if is_ours(child) and child.ppid() in foremen]


def foremen() -> list[psutil.Process]:
    return [child for child in psutil.Process().children() if is_ours(child)]


def is_ours(process: psutil.Process) -> bool:
    try:
        return "media.foreman" in process.cmdline() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


async def eventually(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110  # processes of the system signal no event
            await asyncio.sleep(0.02)


async def test_a_picture_is_prepared_in_a_child(shelf: Shelf, tmp_path: Path) -> None:
    target, thumbnail = tmp_path / "ready.jpg", tmp_path / "thumbnail.jpg"

    prepared = await Workshop().prepare_picture(shelf("picture.heic"), target, thumbnail)

    assert (prepared.before.format, prepared.after.format) == ("HEIF", "JPEG")
    assert prepared.changes == (Change.CONVERTED,)
    assert prepared.after.size == target.stat().st_size
    with Image.open(thumbnail) as picture:
        assert picture.size == (320, 240)


async def test_a_clip_is_probed_prepared_fitted_and_verified_in_children(
    shelf: Shelf, tmp_path: Path
) -> None:
    workshop, source = Workshop(), shelf("hevc.mov")
    target, poster, small = tmp_path / "ready.mp4", tmp_path / "poster.jpg", tmp_path / "small.mp4"

    probed = await workshop.probe_clip(source)
    prepared = await workshop.prepare_clip(source, target, poster, longest=30)
    fitted = await workshop.fit_clip(target, small, max_bytes=target.stat().st_size // 2)
    verified = await workshop.verify_clip(small)

    assert prepared.before == probed
    assert prepared.reencoded
    assert fitted == verified
    assert small.stat().st_size <= target.stat().st_size // 2
    assert poster.exists()


async def test_a_file_is_recognised_without_a_child(shelf: Shelf) -> None:
    assert await Workshop().recognise(shelf("animation.gif")) is Kind.EITHER


async def test_a_refusal_comes_through_with_its_facts_and_leaves_nothing(
    shelf: Shelf, tmp_path: Path
) -> None:
    folder = tmp_path / "out"
    folder.mkdir()

    with pytest.raises(MediaRefused) as caught:
        await Workshop().prepare_clip(shelf("short.mp4"), folder / "a.mp4", folder / "a.jpg", longest=30)

    assert caught.value.reason is Reason.TOO_SHORT
    assert caught.value.facts == {"seconds": 2.0, "limit": 3.0}
    assert list(folder.iterdir()) == []


async def test_it_works_from_any_working_folder_with_relative_paths(
    shelf: Shelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "in.mp4").write_bytes(shelf("clip.mp4").read_bytes())
    monkeypatch.chdir(tmp_path)

    facts = await Workshop().probe_clip(Path("in.mp4"))

    assert facts.seconds == pytest.approx(4.0)


async def test_a_task_that_takes_too_long_is_ended_and_refused(endless: Path) -> None:
    with pytest.raises(MediaRefused) as caught:
        await Workshop(seconds=0.5).probe_clip(endless)

    assert caught.value.reason is Reason.TOO_COMPLEX
    assert workers() == []


async def test_a_task_that_wants_too_much_memory_is_refused(tmp_path: Path) -> None:
    source = tmp_path / "large.png"
    Image.new("RGB", (9900, 9900), "teal").save(source, compress_level=1)
    target = tmp_path / "ready.jpg"

    with pytest.raises(MediaRefused) as caught:
        await Workshop(memory_bytes=700 * 1024**2).prepare_picture(source, target, tmp_path / "thumbnail.jpg")

    assert caught.value.reason is Reason.TOO_COMPLEX
    assert not target.exists()


async def test_a_child_that_something_kills_counts_as_too_complex(endless: Path) -> None:
    task = asyncio.create_task(Workshop().probe_clip(endless))
    await eventually(lambda: workers())

    workers()[0].kill()

    with pytest.raises(MediaRefused) as caught:
        await task
    assert caught.value.reason is Reason.TOO_COMPLEX


async def test_a_codec_that_breaks_down_is_told_apart_from_a_file_that_is_too_much(endless: Path) -> None:
    task = asyncio.create_task(Workshop().probe_clip(endless))
    await eventually(lambda: workers())

    workers()[0].send_signal(signal.SIGSEGV)

    with pytest.raises(MediaRefused) as caught:
        await task
    assert caught.value.reason is Reason.CRASHED


async def test_a_cancelled_task_leaves_no_child_and_frees_its_slot(
    endless: Path, shelf: Shelf, tmp_path: Path
) -> None:
    workshop = Workshop(slots=1)
    folder = tmp_path / "out"
    folder.mkdir()
    task = asyncio.create_task(workshop.prepare_clip(endless, folder / "a.mp4", folder / "a.jpg", longest=30))
    await eventually(lambda: workers())

    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task
    assert workers() == []
    assert list(folder.iterdir()) == []
    assert (await workshop.probe_clip(shelf("clip.mp4"))).codec == "h264"


async def test_no_more_children_run_than_there_are_slots(endless: Path) -> None:
    workshop = Workshop(slots=2)
    tasks = [asyncio.create_task(workshop.probe_clip(endless)) for _ in range(5)]
    await eventually(lambda: len(workers()) == 2)

    await asyncio.sleep(0.5)
    running = len(workers())

    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert running == 2
    assert workers() == []


async def test_a_fault_of_our_own_is_told_apart_from_a_refusal(tmp_path: Path) -> None:
    with pytest.raises(WorkshopFailed) as caught:
        await Workshop().probe_clip(tmp_path / "was-never-there.mp4")

    assert caught.value.exit_code == 1
    assert "FileNotFoundError" in caught.value.tail


async def test_the_child_is_told_no_secrets_and_runs_with_less_priority(
    endless: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DISCORD_TOKEN", "very-secret")
    monkeypatch.setenv("PIXELBYTE_API_KEY", "very-secret")
    task = asyncio.create_task(Workshop().probe_clip(endless))
    await eventually(lambda: any(worker.nice() >= 10 for worker in workers()))

    (worker,) = workers()
    environment = worker.environ()
    limits = {
        name: worker.rlimit(getattr(psutil, f"RLIMIT_{name}"))[0]
        for name in ("AS", "CORE", "NOFILE", "FSIZE")
    }

    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert "very-secret" not in environment.values()
    assert limits == {"AS": 3 * 1024**3, "CORE": 0, "NOFILE": 64, "FSIZE": 512 * 1024**2}


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
async def test_the_child_goes_when_the_bot_goes(how: signal.Signals, endless: Path) -> None:
    code = (
        "import asyncio, pathlib, sys; from media.workshop import Workshop; "
        "asyncio.run(Workshop().probe_clip(pathlib.Path(sys.argv[1])))"
    )
    bot = subprocess.Popen(  # noqa: ASYNC220  # quick, and it must be killed from outside
        [sys.executable, "-c", code, str(endless)], cwd=ROOT
    )
    try:
        await eventually(lambda: workers(psutil.Process(bot.pid)))
        (worker,) = workers(psutil.Process(bot.pid))

        bot.send_signal(how)

        bot.wait(PATIENCE)
        await eventually(lambda: not is_ours(worker))
    finally:
        bot.kill()
        bot.wait(PATIENCE)


async def test_many_small_calls_leave_no_process_and_no_pipe_behind(shelf: Shelf) -> None:
    workshop, source = Workshop(slots=2), shelf("text.png")
    await asyncio.gather(workshop.probe_clip(source), return_exceptions=True)
    before = psutil.Process().num_fds()

    answers = await asyncio.gather(*(workshop.probe_clip(source) for _ in range(6)), return_exceptions=True)
    await eventually(lambda: psutil.Process().num_fds() <= before)

    assert [answer.reason for answer in answers if isinstance(answer, MediaRefused)] == [
        Reason.NOT_A_VIDEO
    ] * 6
    assert workers() == []


async def test_a_playlist_in_disguise_reaches_no_other_file(shelf: Shelf, tmp_path: Path) -> None:
    source = media_files.playlist_named_mp4(tmp_path / "list.mp4", reads=shelf("clip.mp4"))

    with pytest.raises(MediaRefused) as caught:
        await Workshop().probe_clip(source)

    assert caught.value.reason is Reason.NOT_A_VIDEO


async def test_children_share_the_processors_with_the_bot_by_their_priority(endless: Path) -> None:
    task = asyncio.create_task(Workshop().probe_clip(endless))
    await eventually(workers)

    (worker,) = workers()
    session, group = os.getsid(worker.pid), os.getpgid(worker.pid)

    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    # Linux weighs sessions before priorities (sched(7)); a group of their own keeps Ctrl-C from them.
    assert session == os.getsid(0)
    assert group != os.getpgid(0)


@pytest.mark.skipif(PROCESSORS < 2, reason="there is one processor, or this system binds nobody to them")
async def test_a_clip_is_fitted_on_all_processors_but_one_at_least(endless: Path, tmp_path: Path) -> None:
    fitting = Workshop().fit_clip(endless, tmp_path / "small.mp4", max_bytes=1)
    task = asyncio.create_task(fitting)
    await eventually(lambda: any(worker.nice() >= 10 for worker in workers()))

    def left() -> set[int]:
        return os.sched_getaffinity(0) - {cpu for worker in workers() for cpu in worker.cpu_affinity()}

    await eventually(left)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

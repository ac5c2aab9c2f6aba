"""`/animate` answers first, records the order, and refuses privately."""

from __future__ import annotations

import os
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from simcord.backend.errors import BackendError
from sqlalchemy import text

from cogs.animate import Animate
from studio.journal import Journal
from studio.models import JobState, Orientation, ShotType
from tests.bureau import PICTURE, VIDEO, Bureau, open_bureau


@pytest.fixture
async def bureau(tmp_path: Path) -> AsyncIterator[Bureau]:
    async with open_bureau(tmp_path) as bureau:
        yield bureau


async def test_the_answer_is_a_public_message_and_the_first_rest_call(bureau: Bureau) -> None:
    before = len(bureau.calls())

    result = await bureau.order()

    method, path = bureau.calls()[before]
    assert (method, path.rpartition("/")[2]) == ("POST", "callback")
    assert result.response is not None
    assert not result.response.ephemeral
    assert not result.deferred
    assert "Mira's clip is on its way" in result.response.content


async def test_an_order_is_recorded_with_everything_that_was_asked_for(bureau: Bureau) -> None:
    result = await bureau.order(
        prompt="a forest",
        negative_prompt="rain",
        orientation="image",
        keep_sound=False,
        shot_type="intelligent",
    )

    await bureau.world.eventually(lambda: bureau.bells.woken)
    job = await bureau.job()
    assert result.response is not None
    assert job.place.answer_id == result.response.id
    assert job.place.channel_id == bureau.world.clips.id
    assert (job.order.member.id, job.order.member.name) == (bureau.world.member.id, "Mira")
    assert (job.order.picture.filename, job.order.video.filename) == (PICTURE[0], VIDEO[0])
    assert job.order.video.size == len(VIDEO[1])
    wishes = job.order.wishes
    assert (wishes.prompt, wishes.negative_prompt) == ("a forest", "rain")
    assert wishes.orientation is Orientation.IMAGE
    assert wishes.keep_sound is False
    assert wishes.shot_type is ShotType.INTELLIGENT


async def test_what_is_not_asked_for_has_its_default(bureau: Bureau) -> None:
    job = await bureau.ordered()

    wishes = job.order.wishes
    assert (wishes.prompt, wishes.negative_prompt, wishes.orientation) == ("", "", None)
    assert wishes.keep_sound is True
    assert wishes.notify is True
    assert wishes.shot_type is ShotType.CUSTOMIZE


async def test_a_name_with_markup_neither_formats_nor_pings(bureau: Bureau) -> None:
    joker = bureau.world.add_member("joker", "**@everyone**")

    result = await bureau.order(member=joker)

    assert result.response is not None
    assert "**@everyone**" not in result.response.content
    assert result.response.message.mention_everyone is False


async def test_the_command_has_the_options_of_the_issue_and_is_for_servers_only(bureau: Bureau) -> None:
    command = bureau.world.commands(bureau.world.member, bureau.world.clips.id)[0]

    options = {option["name"]: option for option in command["options"]}
    assert command["name"] == "animate"
    assert [name for name, option in options.items() if option.get("required")] == []
    assert set(options) == {
        *("image", "video", "motion", "prompt", "negative_prompt", "orientation", "keep_sound", "shot_type"),
        "notify",
    }
    assert options["prompt"]["max_length"] == options["negative_prompt"]["max_length"] == 1000
    assert (command["integration_types"], command["contexts"]) == ([0], [0])


async def test_commands_are_published_again_only_when_they_changed(bureau: Bureau) -> None:
    await bureau.restart()

    published = [path for method, path in bureau.calls() if method == "PUT" and path.endswith("/commands")]
    assert len(published) == 1


async def test_file_options_offer_only_what_fits(bureau: Bureau) -> None:
    sent = published_commands(bureau)[-1]

    assert {"image", ".heic", ".jpg"} <= set(types_of(sent, "animate", "image"))
    assert {"video", ".mp4", ".mov", ".gif"} <= set(types_of(sent, "animate", "video"))
    assert {"video", ".mp4", ".mov"} <= set(types_of(sent, "library", "video"))
    assert all(len(types_of(sent, "animate", option)) <= 10 for option in ("image", "video"))


async def test_a_discord_that_does_not_know_file_types_gets_the_commands_without(bureau: Bureau) -> None:
    await on_a_discord_without_file_types(bureau)

    refused, taken = published_commands(bureau)[-2:]
    assert types_of(refused, "animate", "image")
    assert types_of(taken, "animate", "image") == types_of(taken, "library", "video") == []
    assert (await bureau.order()).acknowledged


async def on_a_discord_without_file_types(bureau: Bureau) -> None:
    bureau.world.env.inject_error("PUT", "/applications/*/commands", status=400, code=50035, times=1)
    bureau.notes.values.clear()
    await bureau.restart()


def published_commands(bureau: Bureau) -> list[list[dict[str, Any]]]:
    """What was sent each time, tried or taken."""
    calls = bureau.world.env.http_requests
    return [call.json for call in calls if call.method == "PUT" and call.path.endswith("/commands")]


def types_of(sent: list[dict[str, Any]], command: str, option: str) -> list[str]:
    """The file types of an option of the command, or of its first subcommand that has it."""
    options = next(one for one in sent if one["name"] == command)["options"]
    options = [*options, *(each for one in options for each in one.get("options", ()))]
    return next(each for each in options if each["name"] == option).get("file_types", [])


@pytest.mark.parametrize(
    ("option", "name", "sentence"),
    [
        ("image", "huge.jpg", "Your picture is 26 MB; I take up to 25 MB."),
        ("video", "huge.mp4", "Your video is 201 MB; I take up to 200 MB."),
    ],
)
async def test_a_file_above_the_cap_is_refused_privately(
    bureau: Bureau, tmp_path: Path, option: str, name: str, sentence: str
) -> None:
    files: dict[str, Any] = {option: (name, sparse(tmp_path, name))}
    result = await bureau.order(**files)

    assert_refused(result, sentence)


@pytest.mark.parametrize("option", ["prompt", "negative_prompt"])
@pytest.mark.parametrize(
    ("fits", "too_long"),
    [("a" * 1000, "a" * 999 + "😀"), ("😀" * 500, "😀" * 500 + "a"), ("👩🏽‍🚀" * 142, "👩🏽‍🚀" * 143)],
    ids=["letters", "emoji", "joined emoji"],
)
async def test_a_prompt_is_counted_as_the_renderer_may_count_it(
    bureau: Bureau, option: str, fits: str, too_long: str
) -> None:
    refused = await bureau.order(**{option: too_long})
    none = list(bureau.bells.woken)
    taken = await bureau.ordered(**{option: fits})

    assert_refused(refused, "prompt counts as 1001 characters; the renderer takes 1000")
    assert "Nothing was charged. Shorten" in refused.response.content
    assert none == []
    assert getattr(taken.order.wishes, option) == fits


async def test_a_large_video_given_as_the_picture_is_judged_as_the_video(
    bureau: Bureau, tmp_path: Path
) -> None:
    await on_a_discord_without_file_types(bureau)

    result = await bureau.order(image=("long.mp4", sparse(tmp_path, "long.mp4", 90)), video=PICTURE)

    assert result.response is not None
    assert not result.response.ephemeral


@pytest.mark.parametrize(
    ("denied", "named"),
    [
        (("attach_files",), "Attach Files"),
        (("read_message_history",), "Read Message History"),
        (("send_messages", "create_public_threads"), "Send Messages"),
        (("send_messages", "send_messages_in_threads"), "Send Messages"),
    ],
)
async def test_a_refusal_for_lack_of_a_permission_names_it(
    bureau: Bureau, denied: tuple[str, ...], named: str
) -> None:
    bureau.world.deny(bureau.world.clips, *denied)

    result = await bureau.order()

    assert_refused(result, f"“{named}”")


async def test_in_a_thread_the_permission_for_threads_is_needed(bureau: Bureau) -> None:
    thread = bureau.world.open_thread(bureau.world.clips, "chat", by=bureau.world.member)
    bureau.world.deny(bureau.world.clips, "send_messages_in_threads")

    result = await bureau.order(channel=thread)

    assert_refused(result, "“Send Messages in Threads”")


async def test_a_member_with_too_many_clips_is_refused_privately(tmp_path: Path) -> None:
    async with open_bureau(tmp_path, max_jobs_per_member=1) as bureau:
        await bureau.ordered()

        result = await bureau.order()

        assert_refused(result, "You already have 1 unfinished")


async def test_a_refusal_is_the_first_rest_call_and_nothing_is_recorded(bureau: Bureau) -> None:
    bureau.studio.accepting = False
    before = len(bureau.calls())

    result = await bureau.order()

    assert_refused(result, "I am restarting just now.")
    assert [path.rpartition("/")[2] for _, path in bureau.calls()[before:]] == ["callback"]
    with pytest.raises(ValueError, match="empty"):
        await bureau.job()


async def test_a_lost_interaction_leaves_no_order(bureau: Bureau) -> None:
    bureau.world.env.inject_error("POST", "/interactions/*/callback", status=404, code=10062)

    await order_unseen(bureau)

    job = await bureau.job()
    assert job.state is JobState.CANCELLED
    assert job.place.answer_id is None
    assert bureau.world.messages(bureau.world.clips.id) == []


async def test_an_answer_that_was_accepted_unnoticed_counts_as_given(bureau: Bureau) -> None:
    answer = bureau.world.discord.answer

    def lose_the_response(method: str, path: str, call: dict[str, Any]) -> Any:
        response = answer(method, path, call)
        if path.endswith("/callback"):
            raise BackendError(400, 40060, "Interaction has already been acknowledged.")
        return response

    bureau.world.discord.answer = lose_the_response  # type: ignore[method-assign]  # Discord misbehaves
    await bureau.order()

    await bureau.world.eventually(lambda: bureau.bells.woken)
    job = await bureau.job()
    assert job.state is JobState.RECEIVED
    assert job.place.answer_id == int(bureau.world.messages(bureau.world.clips.id)[0]["id"])


async def test_when_it_is_unclear_whether_the_answer_arrived_no_second_one_is_sent(bureau: Bureau) -> None:
    bureau.world.env.inject_error("POST", "/interactions/*/callback", status=503)

    await order_unseen(bureau)

    job = await bureau.job()
    assert job.state is JobState.RECEIVED
    assert job.place.answer_id is None
    assert sum(path.endswith("/callback") for _, path in bureau.calls()) == 1


async def test_an_answer_whose_order_could_not_be_recorded_takes_its_promise_back(bureau: Bureau) -> None:
    async with bureau.database.write() as connection:
        await connection.execute(text(DISK_FULL))

    await bureau.order()

    def answer() -> str:
        return str(bureau.world.messages(bureau.world.clips.id)[0]["content"])

    await bureau.world.eventually(lambda: "was not started" in answer())
    assert "Nothing was charged." in answer()
    assert bureau.bells.woken == []


async def test_an_order_whose_answer_was_taken_back_does_not_come_back(bureau: Bureau) -> None:
    async with bureau.database.write() as connection:
        await connection.execute(text(DISK_FULL))

    await order_unseen(bureau)

    bureau.studio.register._journal.empty()
    [journal] = bureau.folder.glob("orders-*")
    assert journal.read_bytes() == b""


async def test_an_order_that_cannot_be_noted_is_refused_privately_before_anything_is_promised(
    bureau: Bureau, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = Journal(Path("/dev/full"), os.open("/dev/full", os.O_WRONLY))
    monkeypatch.setattr(bureau.studio.register, "_journal", full)
    before = len(bureau.calls())

    result = await bureau.order()

    assert_refused(result, "I cannot write your order down just now.")
    assert [path.rpartition("/")[2] for _, path in bureau.calls()[before:]] == ["callback"]


async def test_a_recorded_order_is_not_kept_in_the_journal(bureau: Bureau) -> None:
    await bureau.ordered()

    bureau.studio.register._journal.empty()
    [journal] = bureau.folder.glob("orders-*")
    assert journal.read_bytes() == b""


async def test_an_unforeseen_error_is_told_with_the_reference_under_which_it_is_logged(
    bureau: Bureau, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bureau.studio, "_census", None)

    result = await bureau.order()

    assert result.response is not None
    assert result.response.ephemeral
    told = re.search(r"reference ([0-9A-F]{6})", result.response.content)
    assert told is not None
    assert told[1] in capsys.readouterr().out


async def test_an_order_that_cannot_be_recorded_for_an_unforeseen_reason_takes_its_answer_back(
    bureau: Bureau, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = replace(bureau.studio._equipment, database=cast(Any, None))
    monkeypatch.setattr(bureau.studio.register, "_equipment", broken)

    await bureau.order()
    await bureau.world.eventually(
        lambda: "on its way" not in bureau.world.history(bureau.world.clips.id)[0].content
    )

    assert "Nothing was charged" in bureau.world.history(bureau.world.clips.id)[0].content
    assert bureau.bells.woken == []


async def test_at_the_end_every_answer_is_waited_for(bureau: Bureau) -> None:
    animate = bureau.client.get_cog("Animate")
    assert isinstance(animate, Animate)
    await bureau.order()

    await animate.taking.finish_answers()

    assert (await bureau.job()).place.answer_id is not None


async def test_an_outdated_command_is_not_called_a_fault(bureau: Bureau) -> None:
    bureau.client.tree.remove_command("animate")

    result = await bureau.order()

    assert_refused(result, "This command has just been updated.")


DISK_FULL = """
CREATE TRIGGER disk_full BEFORE INSERT ON jobs BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END
"""


async def order_unseen(bureau: Bureau) -> None:
    """Order where the member will never see an answer."""
    bureau.world._answer_seconds = 0.2
    await bureau.order()
    animate = bureau.client.get_cog("Animate")
    assert isinstance(animate, Animate)
    await animate.taking.finish_answers()


def sparse(folder: Path, name: str, megabytes: int | None = None) -> Path:
    """A file that is large only by its size."""
    size = megabytes or {"huge.jpg": 26, "huge.mp4": 201}[name]
    path = folder / f"upload-{name}"
    with path.open("wb") as file:
        file.truncate(size * 1_000_000)
    return path


def assert_refused(result: Any, sentence: str) -> None:
    assert result.response is not None
    assert result.response.ephemeral
    assert sentence in result.response.content
    assert "Nothing was charged." in result.response.content

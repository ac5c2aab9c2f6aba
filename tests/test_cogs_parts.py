"""The small parts of the cogs: budget, addresses, permissions, cards and how Discord's errors are read."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import discord
import pytest
from discord.http import Route

from cogs import cards, endpoints
from cogs.budget import DISCORDS_LIMIT, LULL_SECONDS, MOST, Budget, Priority
from cogs.gate import missing_permission
from cogs.verdicts import CALL_ERRORS, Verdict, desk_errors, verdict
from studio.errors import DeskGone, DeskUnavailable
from studio.models import Job, JobState, Member, Notice, Order, Place, Progress, SourceFile, Stage, Wishes
from studio.recent import Recent

MOMENT = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Watch:
    """A monotonic clock that is moved by hand."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


# ── budget ──────────────────────────────────────────────────────────────────────────────────────


async def test_results_go_before_changes_when_there_is_not_enough_for_both() -> None:
    watch = Watch()
    budget = Budget(clock=watch)
    await exhaust(budget)
    order: list[str] = []

    async def ask(name: str, priority: Priority) -> None:
        await budget.spend(priority)
        order.append(name)

    waiting = [
        asyncio.create_task(ask("change", Priority.CHANGE)),
        asyncio.create_task(ask("result", Priority.RESULT)),
        asyncio.create_task(ask("second change", Priority.CHANGE)),
    ]
    await asyncio.sleep(0)
    watch.seconds += 60
    await asyncio.gather(*waiting)

    assert order == ["result", "change", "second change"]


async def test_ticks_are_dropped_under_load_and_never_wait() -> None:
    watch = Watch()
    budget = Budget(clock=watch)

    taken = [budget.spend_if_idle() for _ in range(30)]
    watch.seconds += 1.1

    assert 1 <= sum(taken) < MOST[Priority.CHANGE]
    assert taken == sorted(taken, reverse=True)
    assert budget.spend_if_idle()


@pytest.mark.parametrize("priority", [Priority.RESULT, Priority.CHANGE])
async def test_no_second_holds_more_requests_than_discord_allows(priority: Priority) -> None:
    watch = Watch()
    budget = Budget(clock=watch)
    moments: list[float] = []

    async def ask() -> None:
        await budget.spend(priority)
        moments.append(watch.seconds)

    asking = [asyncio.create_task(ask()) for _ in range(200)]
    while len(moments) < len(asking):
        await asyncio.sleep(0.001)
        watch.seconds += 0.01

    # As they may arrive: up to 40 ms closer together.
    busiest = max(sum(start <= other < start + 1.04 for other in moments) for start in moments)
    assert busiest == MOST[priority] <= DISCORDS_LIMIT


async def test_results_find_room_where_changes_find_none() -> None:
    budget = Budget(clock=Watch())
    for _ in range(MOST[Priority.CHANGE]):
        await budget.spend(Priority.CHANGE)
    change = asyncio.create_task(budget.spend(Priority.CHANGE))
    await asyncio.sleep(0)

    await asyncio.wait_for(budget.spend(Priority.RESULT), 10)

    assert not change.done()
    change.cancel()


async def test_a_change_lets_the_results_that_follow_a_result_go_first() -> None:
    watch = Watch()
    budget = Budget(clock=watch)
    await budget.spend(Priority.RESULT)
    change = asyncio.create_task(budget.spend(Priority.CHANGE))
    await asyncio.sleep(0)
    rested = change.done()

    watch.seconds += LULL_SECONDS

    await asyncio.wait_for(change, 10)
    assert not rested


async def test_somebody_who_gave_up_waiting_takes_nothing() -> None:
    watch = Watch()
    budget = Budget(clock=watch)
    await exhaust(budget)
    given_up = asyncio.create_task(budget.spend(Priority.RESULT))
    patient = asyncio.create_task(budget.spend(Priority.CHANGE))
    await asyncio.sleep(0)

    given_up.cancel()
    watch.seconds += 1.051

    await asyncio.wait_for(patient, 10)


async def exhaust(budget: Budget) -> None:
    for _ in range(MOST[Priority.RESULT]):
        await budget.spend(Priority.RESULT)


# ── endpoints ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("given", "base"),
    [
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080/api/v10"),
        ("http://127.0.0.1:8080/", "http://127.0.0.1:8080/api/v10"),
        ("http://proxy/api", "http://proxy/api/v10"),
        ("http://proxy/api/v10", "http://proxy/api/v10"),
        ("https://proxy/discord/api", "https://proxy/discord/api/v10"),
        ("https://proxy/some/where", "https://proxy/some/where"),
    ],
)
def test_the_address_of_a_rest_proxy_is_completed(
    given: str, base: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Route, "BASE", "https://discord.com/api/v10")

    endpoints.use_rest(given)

    assert Route("GET", "/gateway/bot").url == f"{base}/gateway/bot"


@pytest.mark.parametrize("asked", ["wss://gateway.discord.gg/?v=10", "wss://us-east1-b.discord.gg/?v=10"])
async def test_every_connection_goes_to_the_configured_gateway(asked: str) -> None:
    client = discord.Client(intents=discord.Intents.none())
    opened: list[tuple[str, dict[str, Any]]] = []

    async def ws_connect(url: str, **options: Any) -> None:
        opened.append((url, options))

    client.http.ws_connect = ws_connect  # type: ignore[method-assign,assignment]  # the network ends here
    endpoints.use_gateway(client, "ws://127.0.0.1:9000/gate")

    await client.http.ws_connect(asked, compress=0)

    assert opened == [("ws://127.0.0.1:9000/gate?v=10", {"compress": 0})]


# ── permissions ─────────────────────────────────────────────────────────────────────────────────

INVITED = discord.Permissions(309237763072)


@pytest.mark.parametrize(
    ("kind", "lacking", "named"),
    [
        (discord.ChannelType.text, {}, None),
        (discord.ChannelType.text, {"create_public_threads"}, None),
        (discord.ChannelType.text, {"send_messages"}, None),
        (discord.ChannelType.text, {"send_messages", "create_public_threads"}, "send_messages"),
        (discord.ChannelType.text, {"view_channel"}, "view_channel"),
        (discord.ChannelType.public_thread, {"send_messages"}, None),
        (discord.ChannelType.public_thread, {"send_messages_in_threads"}, "send_messages_in_threads"),
        (discord.ChannelType.voice, {"create_public_threads"}, "connect"),
        (discord.ChannelType.news, {"attach_files"}, "attach_files"),
    ],
)
def test_only_a_permission_without_which_nothing_can_be_posted_is_missing(
    kind: discord.ChannelType, lacking: set[str], named: str | None
) -> None:
    granted = discord.Permissions(INVITED.value)
    granted.update(**dict.fromkeys(lacking, False))

    missing = missing_permission(kind, granted)

    assert missing == named


def test_an_administrator_lacks_nothing() -> None:
    missing = missing_permission(discord.ChannelType.voice, discord.Permissions(administrator=True))

    assert missing is None


# ── Discord's errors ────────────────────────────────────────────────────────────────────────────


class Response:
    """As much of an HTTP response as discord.py's exceptions read."""

    def __init__(self, status: int) -> None:
        self.status = status
        self.reason = "reason"


def refusal(status: int, code: int = 0) -> discord.HTTPException:
    kinds = {403: discord.Forbidden, 404: discord.NotFound}
    kind = kinds.get(status, discord.DiscordServerError if status >= 500 else discord.HTTPException)
    return kind(Response(status), {"code": code, "message": "no"})


@pytest.mark.parametrize(
    ("error", "meaning"),
    [
        (refusal(404, 10062), Verdict.INTERACTION_GONE),
        (refusal(400, 40060), Verdict.ANSWERED_ALREADY),
        (refusal(404, 10003), Verdict.PLACE_GONE),
        (refusal(404, 10008), Verdict.MESSAGE_GONE),
        (refusal(403, 50013), Verdict.FORBIDDEN),
        (refusal(403), Verdict.FORBIDDEN),
        (refusal(413), Verdict.TOO_LARGE),
        (refusal(400, 50035), Verdict.INVALID),
        (refusal(500), Verdict.UNAVAILABLE),
        (refusal(503, 50013), Verdict.UNAVAILABLE),
        (refusal(429), Verdict.UNAVAILABLE),
        (discord.RateLimited(120), Verdict.UNAVAILABLE),
        (aiohttp.ServerDisconnectedError(), Verdict.UNAVAILABLE),
        (TimeoutError(), Verdict.UNAVAILABLE),
        (ConnectionResetError(), Verdict.UNAVAILABLE),
        (json.JSONDecodeError("Expecting value", "", 0), Verdict.UNAVAILABLE),
        (UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"), Verdict.UNAVAILABLE),
    ],
)
def test_each_error_has_one_meaning(error: Exception, meaning: Verdict) -> None:
    assert isinstance(error, CALL_ERRORS)
    assert verdict(error) is meaning


def test_a_long_rate_limit_is_waited_out_by_coming_back_later() -> None:
    with pytest.raises(DeskUnavailable) as raised, desk_errors():
        raise discord.RateLimited(120)

    assert raised.value.retry_after == 120


def test_a_message_that_is_wrong_is_not_tried_for_ever() -> None:
    with pytest.raises(DeskGone), desk_errors():
        raise refusal(400, 50035)


# ── cards ───────────────────────────────────────────────────────────────────────────────────────


def a_job(**changes: Any) -> Job:
    order = Order(
        job_id="0123456789abcdef",
        member=Member(7, "Mira"),
        place=Place(guild_id=1, channel_id=2, answer_id=3, thread_id=3, card_id=4),
        picture=SourceFile("https://x/p.jpg", "p.jpg", 1, "image/jpeg"),
        video=SourceFile("https://x/IMG_2033.MOV", "IMG_2033.MOV", 1, "video/quicktime"),
        wishes=Wishes(),
        ordered_at=MOMENT,
    )
    return replace(Job(order=order, state=JobState.RENDERING, version=1, state_since=MOMENT), **changes)


def a_progress(**changes: Any) -> Progress:
    return replace(Progress(stage=Stage.RENDERING, fraction=0.5, started_at=MOMENT), **changes)


async def test_the_fullest_card_stays_within_discords_limits() -> None:
    notices = tuple(Notice("notice_picture_converted", {"format": "heic"}) for _ in range(12))
    progress = a_progress(notices=notices, can_cancel=True, price_usd_micros=1_500_000, position=9)

    card = cards.status_card(a_job(), progress, pictures=("picture.jpg", "video.jpg"))

    assert card.total_children_count <= 40
    assert card.content_length() <= 4000
    assert card.is_finished()


@pytest.mark.parametrize(("fraction", "said"), [(0.0, "0 %"), (0.999, "99 %"), (1.0, "99 %"), (1.7, "99 %")])
def test_the_bar_never_claims_the_clip_early(fraction: float, said: str) -> None:
    card = cards.status_card(a_job(), a_progress(fraction=fraction))

    assert said in spoken(card)


def test_an_expected_finish_that_has_passed_is_not_promised() -> None:
    late = a_progress(expected_at=MOMENT + timedelta(seconds=60), elapsed_seconds=90)

    card = cards.status_card(a_job(), late)

    assert "<t:" not in spoken(card)


def test_once_rendered_no_finish_is_promised_any_more() -> None:
    card = cards.status_card(
        a_job(), a_progress(stage=Stage.FETCHING, expected_at=MOMENT + timedelta(seconds=60))
    )

    assert "<t:" not in spoken(card)


def test_a_wait_for_the_operator_is_said() -> None:
    card = cards.status_card(a_job(), a_progress(stage=Stage.QUEUED, waiting_for="waiting_for_operator"))

    assert "Waiting for the bot's operator" in spoken(card)


@pytest.mark.parametrize(
    ("filename", "name"),
    [
        ("IMG_2033.MOV", "Mira's clip"),
        ("20260301_120000.mp4", "Mira's clip"),
        ("happy_dance.mp4", "Mira's clip: happy dance"),
        ("踊ってみた動画.mp4", "Mira's clip: 踊ってみた動画"),
        (".mp4", "Mira's clip"),
    ],
)
def test_a_thread_is_named_after_the_clip_unless_a_camera_named_it(filename: str, name: str) -> None:
    job = a_job()
    video = replace(job.order.video, filename=filename)

    named = cards.thread_name(replace(job, order=replace(job.order, video=video)))

    assert named == name


def spoken(card: discord.ui.LayoutView) -> str:
    return "\n".join(
        item.content for item in card.walk_children() if isinstance(item, discord.ui.TextDisplay)
    )


def test_the_oldest_entry_is_forgotten_first() -> None:
    recent: Recent[str] = Recent(2)
    for key in ("a", "b", "a", "c"):
        recent[key] = key

    assert [recent.get(key) for key in ("a", "b", "c")] == ["a", None, "c"]


def test_a_thread_is_named_after_the_clip_also_when_the_files_are_the_wrong_way_round() -> None:
    order = a_job().order
    video = replace(order.video, filename="happy_dance.mp4", content_type="video/mp4")
    picture = replace(order.picture, filename="portrait.jpg", content_type="image/jpeg")

    named = cards.thread_name(replace(a_job(), order=replace(order, picture=video, video=picture)))

    assert named == "Mira's clip: happy dance"

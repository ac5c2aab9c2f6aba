"""Thousands of jobs under way, as the database, the provider and Discord know them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import insert

from providers.sandbox import catalogue
from providers.sandbox.records import JobRecord, Shelf
from studio.database import Database, attempts, jobs, ledger
from studio.ids import new_job_id
from studio.models import Inputs, JobState, Orientation, SourceFile, Wishes
from tests.wire_discord import WireDiscord

MEMBERS_OF_SERVER, JOBS_OF_MEMBER = 5, 2
CHARGE = 200_000
RENDER = timedelta(seconds=180)
AT_PROVIDER = frozenset({JobState.RENDERING, JobState.FETCHING})
UNPREPARED = frozenset({JobState.RECEIVED, JobState.PREPARING})


@dataclass(frozen=True, slots=True)
class Entrant:
    """One job of the crowd."""

    number: int
    job_id: str
    state: JobState
    at: datetime

    @property
    def render_id(self) -> str:
        return f"job_{self.number:024x}"

    @property
    def card_id(self) -> int:
        return 5 * 10**17 + self.number

    @property
    def thread_id(self) -> int:
        return 4 * 10**17 + self.number


def crowd(states: Sequence[JobState], now: datetime) -> list[Entrant]:
    """One job for each state, ordered within the last three minutes, oldest first."""
    step = RENDER / max(1, len(states))
    moments = [now - RENDER + number * step for number in range(len(states))]
    return [
        Entrant(number, new_job_id(at), state, at)
        for number, (state, at) in enumerate(zip(states, moments, strict=True))
    ]


async def fill(database: Database, people: Sequence[Entrant], now: datetime) -> None:
    """Write the jobs as the bot itself would have left them, with their attempts and charges."""
    at_provider = [one for one in people if one.state in AT_PROVIDER]
    async with database.write() as connection:
        await connection.execute(insert(jobs), [_row(one, now) for one in people])
        if at_provider:
            await connection.execute(insert(attempts), [_attempt(one) for one in at_provider])
            await connection.execute(insert(ledger), [_charge(one) for one in at_provider])


def _row(one: Entrant, now: datetime) -> dict[str, Any]:
    ordered = one.state in AT_PROVIDER
    member = one.number // JOBS_OF_MEMBER
    guild = 2002 + member // MEMBERS_OF_SERVER
    url = f"https://cdn.discordapp.com/attachments/{one.thread_id}/{one.card_id}"
    sources = {
        "picture": SourceFile(f"{url}/me.jpg", "me.jpg", 400_000, "image/jpeg"),
        "video": SourceFile(f"{url}/dance.mp4", "dance.mp4", 4_000_000, "video/mp4"),
    }
    folder = f"jobs/{one.job_id}/input"
    inputs = Inputs(
        picture_key=f"{folder}/picture.jpg",
        video_key=f"{folder}/motion.mp4",
        picture_thumbnail_key=f"{folder}/p.jpg",
        video_thumbnail_key=f"{folder}/v.jpg",
        seconds=3.2,
        has_sound=True,
        orientation=Orientation.VIDEO,
    )
    return {
        "id": one.job_id, "state": one.state, "version": 4, "created_at": one.at, "state_since": one.at,
        "guild_id": guild, "channel_id": 3003, "answer_id": one.thread_id, "thread_id": one.thread_id,
        "card_id": None if one.state is JobState.RECEIVED else one.card_id, "interaction_token": "token",
        "member_id": 10**17 + member, "member_name": f"member {member}",
        **{name: asdict(source) for name, source in sources.items()},
        "wishes": asdict(Wishes(prompt="dancing in a calm forest")),
        "inputs": None if one.state in UNPREPARED else asdict(inputs),
        "held_usd_micros": None if one.state in UNPREPARED else CHARGE,
        "cost_usd_micros": CHARGE if ordered else None,
        "provider_job_id": one.render_id if ordered else None,
        "submitted_at": one.at if ordered else None,
        "expected_at": one.at + RENDER if ordered else None,
        "wake_at": now + timedelta(hours=1) if one.state in (JobState.RENDERING, JobState.QUEUED) else None,
        "progress": 150, "tries": 0, "cancel": "none",
    }  # fmt: skip


def _attempt(one: Entrant) -> dict[str, Any]:
    return {
        "token": f"token-{one.number}", "job_id": one.job_id, "account": "pixelbyte", "state": "accepted",
        "created_at": one.at, "answered_at": one.at, "provider_job_id": one.render_id,
    }  # fmt: skip


def _charge(one: Entrant) -> dict[str, Any]:
    member = one.number // JOBS_OF_MEMBER
    return {
        "ref": f"{one.job_id}:charge:0", "at": one.at, "kind": "charge", "amount_usd_micros": CHARGE,
        "job_id": one.job_id, "guild_id": 2002 + member // MEMBERS_OF_SERVER, "member_id": 10**17 + member,
        "actor": "studio", "reason": "rendered by the provider",
    }  # fmt: skip


def tell_provider(
    folder: Path, people: Sequence[Entrant], *, clip: Path, ends: dict[int, datetime], never: datetime
) -> None:
    """Lay down what the sandbox remembers of the renders; `ends` by number, the others end at `never`."""
    shelf = Shelf(folder / "jobs", JobRecord)
    for one in people:
        if one.state in AT_PROVIDER:
            shelf.put(
                JobRecord(
                    id=one.render_id,
                    request_id="req",
                    model=catalogue.SLUG,
                    input={},
                    webhook_url=None,
                    created_at=one.at,
                    pending_until=one.at,
                    due_at=ends.get(one.number, never),
                    cost=CHARGE,
                    image=None,
                    video=None,
                    seconds=3.2,
                    status="processing",
                    clip_path=str(clip),
                )
            )


def tell_discord(discord: WireDiscord, people: Sequence[Entrant]) -> None:
    """Put every card into its thread."""
    for one in people:
        discord.messages[str(one.thread_id)][str(one.card_id)] = {
            "id": str(one.card_id), "channel_id": str(one.thread_id), "type": 0, "content": "", "embeds": [],
            "author": {"id": "1001", "username": "A", "discriminator": "0", "avatar": None, "bot": True},
            "attachments": [], "mentions": [], "mention_roles": [], "mention_everyone": False, "tts": False,
            "pinned": False, "edited_timestamp": None, "timestamp": "2026-01-01T00:00:00+00:00",
            "flags": 1 << 15, "components": [],
        }  # fmt: skip

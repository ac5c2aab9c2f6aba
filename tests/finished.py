"""Finished clips with everything that they leave behind, for tests of what is done with them."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

from sqlalchemy import update

from studio.database import jobs as rows
from studio.models import Inputs, Job, JobState, Orientation
from tests.bureau import Bureau, a_clip

NAMES = ("picture.jpg", "picture-thumbnail.jpg", "motion.mp4", "motion-thumbnail.jpg")


async def finished(bureau: Bureau, channel: Any = None, **options: Any) -> Job:
    """A clip that stands in its conversation, is delivered by the books, and whose files are in storage."""
    job = await bureau.opened(channel, **options)
    folder = f"jobs/{job.id}/input"
    inputs = Inputs(
        picture_key=f"{folder}/picture.jpg",
        video_key=f"{folder}/motion.mp4",
        picture_thumbnail_key=f"{folder}/picture-thumbnail.jpg",
        video_thumbnail_key=f"{folder}/motion-thumbnail.jpg",
        seconds=5,
        has_sound=True,
        orientation=Orientation.IMAGE,
    )
    clip = a_clip(key=f"jobs/{job.id}/clip.mp4")
    storage = bureau.equipment.storage
    async with storage.workspace() as room:
        (room / "clip.mp4").write_bytes(b"a clip")
        outcome_id = await bureau.desk.deliver(job, clip, room / "clip.mp4")
        await storage.put(clip.key, room / "clip.mp4")
        for name in NAMES:
            (room / name).write_bytes(name.encode())
            await storage.put(f"{folder}/{name}", room / name)
    now = bureau.equipment.clock()
    place = replace(job.place, outcome_id=outcome_id)
    values = {name: getattr(place, name) for name in ("outcome_id", "thread_id", "card_id", "answer_id")}
    ended = {"state": JobState.DELIVERED, "ended_at": now, "closed_at": now, "cost_usd_micros": 250_000}
    async with bureau.database.write() as connection:
        made = {"clip": asdict(clip), "inputs": asdict(inputs)}
        query = update(rows).where(rows.c.id == job.id)
        await connection.execute(query.values(**values, **ended, **made))
    # It takes no place among the unfinished any more.
    await bureau.studio._census.refresh()
    return await bureau.job(job.id)


def result_of(bureau: Bureau, job: Job) -> dict[str, Any]:
    """The message with the clip."""
    posts = bureau.posts(job.place.talk_id)
    return next(post for post in posts if int(post["id"]) == job.place.outcome_id)


async def press(bureau: Bureau, who: Any, job: Job, what: str) -> str:
    """Press a button of the clip's message and return what the presser is told privately."""
    answer = await bureau.world.click(who, result_of(bureau, job), f"v1:{what}:{job.id}")
    return await told(bureau, answer)


async def told(bureau: Bureau, answer: Any) -> str:
    """What an interaction was answered at last, if only the one who acted can see it."""

    def said() -> str | None:
        if answer.followups:
            assert answer.followups[-1].ephemeral
            return str(answer.followups[-1].content)
        response = answer.response
        if response is None or not response.content:
            return None
        assert response.ephemeral
        return str(response.content)

    return str(await bureau.world.eventually(said))

"""The commands `resume` and `explain`, in words for the operator; both work while the bot runs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from doctor.safekeeping import open_provider
from studio import explaining, resuming, schema
from studio.database import Database
from studio.errors import ProviderError, RemoteJobUnknown
from studio.explaining import Explained, NotExplained, Question
from studio.ports import Clock
from studio.settings import Settings

OUTCOMES = {
    Explained.RENDERING: "Order {job}: the render is its own now; the clip will be posted when it is done.",
    Explained.QUEUED: "Order {job} goes back into the queue and will be sent again at its turn.",
    Explained.CANCELLED: "Order {job} ends as cancelled, as its member wished; its hold is released.",
    Explained.LATE: (
        "Order {job} had been given up; it is charged for the render now, and the clip is posted when it "
        "comes, up to a day after the order."
    ),
    Explained.WRITTEN_OFF: "Order {job} stays given up; nothing is booked for it any more.",
}


async def resume(settings: Settings, *, clock: Clock) -> int:
    """End the provider's pause; return the exit code."""
    async with _database(settings) as database:
        pause = await resuming.resume(database, now=clock())
    if pause is None:
        print("Nothing was paused.")  # noqa: T201 - the command speaks to the operator
        return 0
    why = f"for the {pause.problem}" if pause.problem else "because the provider took nothing"
    print(  # noqa: T201 - as above
        f"The queue had been paused {why} since {pause.since:%Y-%m-%d %H:%M:%S} UTC. It goes on now; "
        "a running bot takes that up within seconds."
    )
    return 0


async def explain(settings: Settings, job_id: str | None, render: str | None, *, clock: Clock) -> int:
    """List the open questions, or answer one: `render` None = none of them; return the exit code."""
    async with _database(settings) as database:
        questions = await explaining.questions(database, now=clock())
        if job_id is None:
            print("\n".join(_asked(question) for question in questions) or "Every order is explained.")  # noqa: T201 - as above
            return 0
        try:
            if render is None:
                outcome = await explaining.disown(database, job_id, now=clock())
            else:
                listed = any(render in each.candidates for each in questions if each.job.id == job_id)
                if not listed:
                    await _look_up(settings, render, clock=clock)
                outcome = await explaining.adopt(database, job_id, render, now=clock())
        except NotExplained as error:
            print(f"{error} Nothing was changed.")  # noqa: T201 - as above
            return 1
    print(OUTCOMES[outcome].format(job=job_id))  # noqa: T201 - as above
    return 0


async def _look_up(settings: Settings, render: str, *, clock: Clock) -> None:
    """Make sure that there is such a render. Raises `NotExplained`."""
    if settings.provider == "sandbox":
        raise NotExplained(f"{render} is none of the candidates.")
    try:
        async with open_provider(settings, clock=clock) as provider:
            await provider.status(render)
    except RemoteJobUnknown as error:
        raise NotExplained(f"The provider knows no render {render}.") from error
    except ProviderError as error:
        raise NotExplained(f"The provider could not be asked about {render} ({error.reason}).") from error


def _asked(question: Question) -> str:
    job = question.job
    if job.state.ended:
        how = "given up; what the provider charges for the candidates is booked to you"
    elif question.is_disputed:
        how = "waits for you"
    else:
        how = "the bot is still searching by itself"
    lines = [
        f"{job.id}: ordered {job.order.ordered_at:%Y-%m-%d %H:%M:%S} UTC by {job.order.member.name} "
        f"(server {job.place.guild_id}), sent {question.attempt.created_at:%H:%M:%S}: {how}"
    ]
    lines += [f"    --render {candidate}" for candidate in question.candidates]
    return "\n".join(lines)


@asynccontextmanager
async def _database(settings: Settings) -> AsyncIterator[Database]:
    database = Database(settings.database_url)
    try:
        await schema.upgrade(database)
        yield database
    finally:
        await database.close()

"""`/privacy`'s buttons: a copy for whoever presses, everything of theirs deleted, also after a restart."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from simcord import MemberActor
from sqlalchemy import select, update

from studio.aliases import alias_of
from studio.database import jobs as rows
from studio.models import JobState
from studio.moderation.upkeep import Upkeep
from tests.bureau import Bureau, a_button, open_bureau


@pytest.fixture
async def bureau(tmp_path: Path) -> AsyncIterator[Bureau]:
    async with open_bureau(tmp_path) as bureau:
        yield bureau


async def asked(bureau: Bureau, who: MemberActor) -> Any:
    """The private answer to `/privacy`."""
    result = await bureau.world.slash(who, bureau.world.clips, "privacy")
    assert result.response is not None
    assert result.response.ephemeral
    return result.response.message


async def press(bureau: Bureau, who: MemberActor, message: Any, custom_id: str) -> Any:
    """Press a button; return the answer when it has come."""
    result = await bureau.world.click(who, message, custom_id)
    await bureau.world.eventually(lambda: result.response is not None and result.response.content)
    assert result.response.ephemeral
    return result.response


async def copy_of(bureau: Bureau, who: MemberActor, message: Any) -> dict[str, Any]:
    answer = await press(bureau, who, message, "v1:privacy:export")
    [file] = answer.message.attachments
    assert file.filename == "my-data.json"
    found: dict[str, Any] = json.loads(await file.read())
    return found


async def members(bureau: Bureau) -> list[int]:
    """Whose orders there are, in their order."""
    async with bureau.database.read() as connection:
        query = select(rows.c.member_id).order_by(rows.c.id)
        return list((await connection.execute(query)).scalars())


async def ended(bureau: Bureau, who: MemberActor, prompt: str) -> str:
    job = await bureau.ordered(member=who, prompt=prompt)
    now = bureau.equipment.clock()
    done = {"state": JobState.DELIVERED, "ended_at": now, "closed_at": now}
    async with bureau.database.write() as connection:
        await connection.execute(update(rows).where(rows.c.id == job.id).values(**done))
    return job.id


async def test_a_copy_is_of_whoever_presses_also_after_a_restart_and_as_often_as_they_like(
    bureau: Bureau,
) -> None:
    world = bureau.world
    mine, theirs = await ended(bureau, world.member, "a forest"), await ended(bureau, world.stranger, "a sea")
    message = await asked(bureau, world.member)
    await bureau.restart()

    first, second = [await copy_of(bureau, world.member, message) for _ in range(2)]
    by_another = await copy_of(bureau, world.stranger, await a_button(bureau, "v1:privacy:export"))

    assert first["member_id"] == str(world.member.id)
    assert [each["id"] for each in first["jobs"]] == [each["id"] for each in second["jobs"]] == [mine]
    assert [each["id"] for each in by_another["jobs"]] == [theirs]
    assert "a forest" not in json.dumps(by_another)


async def test_deleting_asks_once_more_and_then_deletes_what_is_the_pressers_alone(bureau: Bureau) -> None:
    world = bureau.world
    await ended(bureau, world.member, "a forest")
    await ended(bureau, world.stranger, "a sea")
    message = await asked(bureau, world.member)
    await bureau.restart()

    sure = await press(bureau, world.member, message, "v1:privacy:delete")
    untouched = await members(bureau)
    # A press that is not theirs deletes the other's own, and nothing of the member.
    seen = await a_button(bureau, "v1:privacy:forget")
    await press(bureau, world.stranger, seen, "v1:privacy:forget")
    after_another = await members(bureau)
    await bureau.restart()
    done = await press(bureau, world.member, sure.message, "v1:privacy:forget")
    again = await press(bureau, world.member, sure.message, "v1:privacy:forget")

    member, stranger = world.member.id, world.stranger.id
    assert "It cannot be undone." in sure.content
    assert untouched == [member, stranger]
    assert after_another == [member, alias_of(stranger)]
    assert await members(bureau) == [alias_of(member), alias_of(stranger)]
    assert "Everything about you is deleted." in done.content
    assert again.content == done.content


async def test_a_clip_that_is_being_made_is_forgotten_when_it_has_ended(bureau: Bureau) -> None:
    world = bureau.world
    job = await bureau.ordered()
    async with bureau.database.write() as connection:
        await connection.execute(update(rows).values(state=JobState.RENDERING))
    sure = await press(bureau, world.member, await asked(bureau, world.member), "v1:privacy:delete")

    told = await press(bureau, world.member, sure.message, "v1:privacy:forget")
    before = await members(bureau)
    now = bureau.equipment.clock()
    async with bureau.database.write() as connection:
        over = {"state": JobState.CANCELLED, "ended_at": now, "closed_at": now}
        await connection.execute(update(rows).values(**over))
    await Upkeep(replace(bureau.equipment), bureau.care).look()

    assert "Nearly everything about you is deleted." in told.content
    assert before == [job.order.member.id]
    assert await members(bureau) == [alias_of(job.order.member.id)]

"""“I agree” counts for the words that its member has read, and for no others."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from studio.moderation import consents
from studio.sharing.policy import Policy
from studio.sharing.tables import consents as words_given
from studio.sharing.tables import petitions
from tests.bureau import Bureau, open_bureau
from tests.ordering_world import pressed, states, taken


@pytest.fixture
async def bureau(tmp_path: Path) -> AsyncIterator[Bureau]:
    async with open_bureau(tmp_path, account="sandbox", max_jobs_per_member=5) as bureau:
        await bureau.rule(Policy(consent=True))
        yield bureau


async def turn_to(bureau: Bureau, account: str) -> None:
    """Restart the bot with another provider."""
    bureau.equipment = replace(bureau.equipment, terms=replace(bureau.equipment.terms, account=account))
    bureau.studio._equipment = bureau.equipment
    await bureau.restart()


async def asked(bureau: Bureau) -> Any:
    result = await bureau.order(prompt="a forest")
    await bureau.animate.taking.finish_answers()
    return result


async def given(bureau: Bureau) -> list[int]:
    async with bureau.database.read() as connection:
        return list((await connection.execute(select(words_given.c.version))).scalars())


async def test_a_word_on_a_trial_does_not_send_files_to_a_provider(bureau: Bureau) -> None:
    first = await asked(bureau)
    await turn_to(bureau, "pixelbyte")

    again = await pressed(bureau, first, "v1:agree:")
    await bureau.animate.taking.finish_answers()
    nothing_yet = (await given(bureau), await states(bureau))
    agreed = await pressed(bureau, again, "v1:agree:")
    job = await taken(bureau)

    assert "go to nobody" in first.response.content
    assert again.response.ephemeral
    assert "go to PixelByte," in again.response.content
    assert nothing_yet == ([], [])
    assert "on its way" in agreed.response.content
    assert job.order.wishes.prompt == "a forest"
    assert await given(bureau) == [consents.VERSION]


async def test_a_question_that_was_asked_again_makes_one_clip(bureau: Bureau) -> None:
    first = await asked(bureau)
    await turn_to(bureau, "pixelbyte")
    again = await pressed(bureau, first, "v1:agree:")
    await pressed(bureau, again, "v1:agree:")
    await taken(bureau)

    old = await pressed(bureau, first, "v1:agree:")

    assert "has been used" in old.response.content
    assert len(await states(bureau)) == 1


async def test_new_words_are_put_to_everybody_anew(bureau: Bureau, monkeypatch: pytest.MonkeyPatch) -> None:
    await turn_to(bureau, "pixelbyte")
    world = bureau.world
    await pressed(bureau, await asked(bureau), "v1:agree:")
    await taken(bureau)
    unanswered = await bureau.order(member=world.stranger)
    await bureau.animate.taking.finish_answers()
    before = consents.VERSION
    monkeypatch.setattr(consents, "VERSION", before + 1)

    who_agreed = await asked(bureau)
    who_was_asked = await pressed(bureau, unanswered, "v1:agree:", member=world.stranger)
    await pressed(bureau, who_agreed, "v1:agree:")
    await taken(bureau, 1)

    assert "likeness" in who_agreed.response.content
    assert "likeness" in who_was_asked.response.content
    assert await given(bureau) == [before, before + 1]


async def test_a_question_of_an_earlier_version_of_the_bot_is_asked_again(bureau: Bureau) -> None:
    first = await asked(bureau)
    async with bureau.database.write() as connection:
        payload = dict((await connection.execute(select(petitions.c.payload))).scalar_one())
        del payload["agrees_to"]
        await connection.execute(update(petitions).values(payload=payload))

    again = await pressed(bureau, first, "v1:agree:")

    assert "likeness" in again.response.content
    assert await given(bureau) == []

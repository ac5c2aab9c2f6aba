"""Run again and Change: another order of what a clip was made of, as it was or with something else in it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from cogs.cards import AGAIN_PREFIX, CHANGE_PREFIX
from cogs.controls import JOB_ID, Route, unknown_button
from cogs.ordering.orders import Orders
from cogs.taking import Interaction, Taking
from studio.errors import OrderRefused
from studio.front import Studio
from studio.moderation.petitions import Wanted
from studio.promptly import in_time
from studio.wishing.drafts import Draft


class Again:
    """Both are ordered, limited, answered and journalled as by `/animate`."""

    def __init__(self, studio: Studio, taking: Taking, orders: Orders) -> None:
        self._studio = studio
        self._taking = taking
        self._orders = orders
        self._pressed: set[str] = set()

    def routes(self) -> list[Route]:
        return [Route(AGAIN_PREFIX, self._run_again), Route(CHANGE_PREFIX, self._change)]

    async def _run_again(self, interaction: Interaction, job_id: str) -> None:
        if not JOB_ID.fullmatch(job_id) or interaction.guild_id is None:
            await unknown_button(interaction)
            return
        with self._one_at_a_time(job_id):
            wanted = await self._ingredients(interaction, job_id, alone=True)
            await self._taking.take(interaction, wanted)

    async def _change(self, interaction: Interaction, job_id: str) -> None:
        """Open the form with everything in it; what is left as it is stays."""
        if not JOB_ID.fullmatch(job_id) or interaction.guild_id is None:
            await unknown_button(interaction)
            return
        wanted = await self._ingredients(interaction, job_id)
        draft = Draft(
            picture=wanted.picture,
            video=wanted.video,
            wishes=wanted.wishes,
            replaceable=True,
            parent=wanted.parent,
        )
        await self._orders.open(interaction, draft)

    async def _ingredients(self, interaction: Interaction, job_id: str, *, alone: bool = False) -> Wanted:
        assert interaction.guild_id is not None
        versions = self._studio.results.versions
        whose = {"guild_id": interaction.guild_id, "member_id": interaction.user.id}
        return await in_time(versions.ingredients(job_id, **whose, alone=alone))

    @contextmanager
    def _one_at_a_time(self, job_id: str) -> Iterator[None]:
        """A thumb that slips must not order twice; until the first order is recorded only we know of it."""
        if job_id in self._pressed:
            raise OrderRefused("version_running")
        self._pressed.add(job_id)
        try:
            yield
        finally:
            self._pressed.discard(job_id)

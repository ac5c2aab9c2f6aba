"""Run again: a new order of the same picture, motion and words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from cogs.cards import AGAIN_PREFIX
from cogs.controls import JOB_ID, Route, unknown_button
from cogs.results.places import check_age
from cogs.taking import Interaction, Taking
from studio.errors import OrderRefused
from studio.front import Studio


class Again:
    """Ordered, limited, answered and journalled as by `/animate`."""

    def __init__(self, studio: Studio, taking: Taking) -> None:
        self._studio = studio
        self._taking = taking
        self._pressed: set[str] = set()

    def routes(self) -> list[Route]:
        return [Route(AGAIN_PREFIX, self._run_again)]

    async def _run_again(self, interaction: Interaction, job_id: str) -> None:
        if not JOB_ID.fullmatch(job_id) or interaction.guild_id is None:
            await unknown_button(interaction)
            return
        versions = self._studio.results.versions
        whose = {"guild_id": interaction.guild_id, "member_id": interaction.user.id}
        with self._one_at_a_time(job_id):
            job = await versions.own_clip(job_id, **whose)
            check_age(job, interaction.channel)
            await versions.check_not_running(job_id, **whose)
            wanted = await versions.ingredients(job)
            await self._taking.take(interaction, wanted)

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

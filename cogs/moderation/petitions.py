"""The buttons that let a refused order go on: "Ask a moderator" and "I agree"."""

from __future__ import annotations

from cogs.controls import JOB_ID, Route, unknown_button
from cogs.taking import Interaction, Taking
from cogs.ways_on import PETITION_PREFIXES
from studio.front import Studio
from studio.promptly import in_time


def routes_of(studio: Studio, taking: Taking) -> list[Route]:
    """Presses that only the member of the order may make, once, also after a restart."""

    async def press(interaction: Interaction, petition_id: str) -> None:
        if not JOB_ID.fullmatch(petition_id) or interaction.guild_id is None:
            await unknown_button(interaction)
            return
        whose = {"guild_id": interaction.guild_id, "member_id": interaction.user.id}
        petition = await in_time(
            taking.storing.read(petition_id, lambda: studio.petition(petition_id, **whose))
        )
        await taking.take(interaction, petition.wanted, petition)

    return [Route(prefix, press) for prefix in PETITION_PREFIXES.values()]

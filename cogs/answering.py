"""The public answer to an order, sent with nothing on its way that it does not need."""

from __future__ import annotations

import discord
from discord.http import MultipartParameters
from discord.webhook.async_ import async_context

from cogs.verdicts import Verdict, verdict

SILENT = discord.MessageFlags(suppress_notifications=True).value
NOBODY = discord.AllowedMentions.none().to_dict()


async def answer(interaction: discord.Interaction[discord.Client], text: str) -> int:
    """Send the answer, silent and with no mention that pings; return its message's id.

    It is what `interaction.response.send_message(text, silent=True)` comes to (discord.py 2.7.1:
    interactions.py:1060), without the questions that are asked there for every other kind of message: they
    are a tenth of what an order's answer waits for in our own code.
    """
    if interaction.response.is_done():
        raise discord.InteractionResponded(interaction)
    http, done = interaction._state.http, discord.InteractionResponseType.channel_message
    message = {"content": text, "flags": SILENT, "allowed_mentions": NOBODY}
    try:
        sent = await async_context.get().create_interaction_response(
            interaction.id,
            interaction.token,
            session=interaction._session,
            proxy=http.proxy,
            proxy_auth=http.proxy_auth,
            params=MultipartParameters({"type": done.value, "data": message}, None, None),
        )
    except discord.HTTPException as error:
        if verdict(error) is not Verdict.ANSWERED_ALREADY:
            raise
        # discord.py's own earlier try was accepted although its answer was lost (`discord.md`, section 4).
        return (await interaction.original_response()).id
    # What follows in this interaction asks whether it has been answered.
    interaction.response._response_type = done
    message_id = sent["interaction"].get("response_message_id")
    return (await interaction.original_response()).id if message_id is None else int(message_id)

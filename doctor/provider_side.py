"""Checks of the provider's side: the key, and the published model with its price."""

from __future__ import annotations

import aiohttp

from doctor.check import Check
from providers import wire
from providers.catalogue import differences, read_entry
from providers.pixelbyte import PixelByte
from studio.errors import OperatorMustAct, ProviderError
from studio.texts import money


async def check_key(provider: PixelByte) -> Check:
    """Ask for a job that cannot exist, which costs nothing."""
    subject = "Provider key"
    try:
        await provider.check_key()
    except OperatorMustAct as error:
        fix = "Make a new key in PixelByte's dashboard with the scopes submit_job and check_status."
        return Check(subject, False, f"is refused ({error.reason})", fix)
    except ProviderError as error:
        fix = "Check this machine's connection and PIXELBYTE_API_URL, or wait until the provider is back."
        return Check(subject, False, f"could not be tried ({error.reason})", fix)
    return Check(subject, True, "is accepted")


async def check_model(session: aiohttp.ClientSession, base_url: str) -> Check:
    """Compare the public catalogue with what the bot was written for."""
    subject = "Model and price"
    try:
        entry = await read_entry(session, base_url)
    except ProviderError as error:
        fix = "Try again later; the bot works without the catalogue."
        return Check(subject, False, f"the catalogue cannot be read ({error.reason})", fix)
    if entry is None:
        return Check(
            subject, False, f"{wire.MODEL} is not listed", "Ask PixelByte's support about the model."
        )
    changed = differences(entry)
    if changed:
        return Check(
            subject, False, " ".join(changed), "Look for a newer version of this bot before you go on."
        )
    return Check(subject, True, f"{wire.MODEL}, {money(wire.PRICE_USD_MICROS)} a second")

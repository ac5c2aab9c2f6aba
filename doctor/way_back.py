"""Check of the way back: whether a webhook that is sent to PUBLIC_URL arrives at this bot."""

from __future__ import annotations

import secrets

import aiohttp

from doctor.check import Check
from doctor.ear import listening
from doctor.trouble import in_words
from providers.server import WEBHOOK_PATH
from providers.signatures import SIGNATURE_HEADER, TIMESTAMP_HEADER, sign
from studio.ports import Clock
from studio.settings import Settings

WAY_BACK_SECONDS = 10.0


async def check_way_back(
    session: aiohttp.ClientSession, settings: Settings, *, clock: Clock, seconds: float = WAY_BACK_SECONDS
) -> Check:
    """Send a signed webhook that means nothing to PUBLIC_URL, as the provider would.

    It is answered by the running bot, or by a server that the doctor opens on the bot's port meanwhile.
    """
    subject = "Webhooks"
    if settings.public_url is None:
        return Check(subject, True, "not used (PUBLIC_URL is empty): the bot asks the provider by itself")
    if settings.provider == "sandbox":
        return Check(subject, True, "not needed: the sandbox is on this machine")
    async with listening(settings, clock) as ear:
        token = f"doctor_{secrets.token_hex(16)}"
        try:
            status = await _ring(session, settings, token=token, clock=clock, seconds=seconds)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            where = f"{settings.http_host}:{settings.http_port}"
            fix = f"Have your proxy or tunnel lead {settings.public_url}{WEBHOOK_PATH}… to {where}."
            return Check(subject, False, f"{settings.public_url} cannot be reached: {in_words(error)}", fix)
        return _judged(settings, status, heard=token in ear.heard, listening=ear.open)


async def _ring(
    session: aiohttp.ClientSession, settings: Settings, *, token: str, clock: Clock, seconds: float
) -> int:
    body, timestamp = b"{}", str(int(clock().timestamp()))
    signature = sign(body, timestamp=timestamp, secret=settings.pixelbyte_webhook_secret)
    async with session.post(
        f"{settings.public_url}{WEBHOOK_PATH}{token}",
        data=body,
        headers={TIMESTAMP_HEADER: timestamp, SIGNATURE_HEADER: signature},
        timeout=aiohttp.ClientTimeout(total=seconds),
        allow_redirects=False,
    ) as response:
        return response.status


def _judged(settings: Settings, status: int, *, heard: bool, listening: bool) -> Check:
    subject, where = "Webhooks", f"{settings.http_host}:{settings.http_port}"
    arrived = status == 204 and (heard or not listening)
    if arrived:
        return Check(subject, True, f"a signed one to {settings.public_url} arrives at this bot")
    if status == 204:
        fix = f"Have your proxy or tunnel lead it to {where} on this machine."
        return Check(subject, False, f"{settings.public_url} leads to another bot than this one", fix)
    if status == 401 and not listening:
        fix = (
            "Copy PIXELBYTE_WEBHOOK_SECRET again and restart the bot; another program may also have its port."
        )
        return Check(subject, False, "what listens there refuses our signature", fix)
    fix = f"Have your proxy or tunnel lead {settings.public_url}{WEBHOOK_PATH}… to {where}."
    return Check(subject, False, f"{settings.public_url} answers {status}, and not from this bot", fix)

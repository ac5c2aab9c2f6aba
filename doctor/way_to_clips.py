"""Check of the way to the clips: whether pages and files below PUBLIC_URL are answered by this bot."""

from __future__ import annotations

import secrets

import aiohttp

from doctor.check import Check
from doctor.ear import Ear, listening
from doctor.trouble import in_words
from doctor.way_back import WAY_BACK_SECONDS
from providers.watch import is_absence
from studio.links import FILES_PATH, WATCH_PATH
from studio.ports import Clock
from studio.settings import Settings

SUBJECT = "Links to clips"


async def check_way_to_clips(
    session: aiohttp.ClientSession, settings: Settings, *, clock: Clock, seconds: float = WAY_BACK_SECONDS
) -> Check:
    """Ask PUBLIC_URL for a page and for a file that never were, as whoever presses the button would."""
    if settings.public_url is None:
        return Check(
            SUBJECT, True, "not used (PUBLIC_URL is empty): buttons lead to the provider's own links"
        )
    token = f"doctor-{secrets.token_hex(16)}"
    async with listening(settings, clock) as ear:
        for path, below in ((WATCH_PATH, token), (FILES_PATH, f"{token}/clip.mp4")):
            problem = await _problem(session, settings.public_url, path, below, ear=ear, seconds=seconds)
            if problem is not None:
                return Check(SUBJECT, False, problem, _fix(settings, path))
    return Check(
        SUBJECT, True, f"{settings.public_url}{WATCH_PATH}… and {FILES_PATH}… are answered by this bot"
    )


async def _problem(
    session: aiohttp.ClientSession, public_url: str, path: str, below: str, *, ear: Ear, seconds: float
) -> str | None:
    """What is wrong with this way; None: nothing."""
    try:
        async with session.get(
            f"{public_url}{path}{below}",
            timeout=aiohttp.ClientTimeout(total=seconds),
            allow_redirects=False,
        ) as response:
            status, ours = response.status, is_absence(response.status, response.headers)
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        return f"{public_url}{path}… cannot be reached: {in_words(error)}"
    if ear.open and f"{path}{below}" in ear.heard:
        return None
    if not ours:
        return f"{public_url}{path}… answers {status}, and not from this bot"
    return f"{public_url}{path}… leads to another bot than this one" if ear.open else None


def _fix(settings: Settings, path: str) -> str:
    where = f"{settings.http_host}:{settings.http_port}"
    return (
        f"Have your proxy or tunnel lead {settings.public_url}{path}… to {where}, else the button "
        "under a clip leads nowhere. If PUBLIC_URL is new, restart the bot."
    )

"""The sandbox inside the bot's own process, kept beside its database, and settings that lead there."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from providers.sandbox import Sandbox
from studio.settings import Settings, SettingsError

# Used between two ends inside this process only.
_SECRET = "whsec_sandbox"  # noqa: S105 - guards nothing, but webhooks have to be signed


@asynccontextmanager
async def open_trial(settings: Settings, *, seconds: float) -> AsyncIterator[tuple[Sandbox, Settings]]:
    """Open a sandbox whose clips take `seconds`; give it and the settings for working with it.

    Raises `SettingsError` for a database that other processes could share: their sandbox would be another.
    """
    if not settings.database_url.startswith("sqlite:///"):
        problem = "PROVIDER=sandbox needs an SQLite database: it lives in one process, for this one alone."
        raise SettingsError([problem])
    folder = Path(settings.database_url.removeprefix("sqlite:///")).parent / "sandbox"
    async with Sandbox(folder, webhook_secret=_SECRET, seconds=seconds) as sandbox:
        towards = replace(
            settings,
            pixelbyte_api_url=sandbox.api_url,
            pixelbyte_api_key=sandbox.key,
            pixelbyte_webhook_secret=_SECRET,
        )
        yield sandbox, towards

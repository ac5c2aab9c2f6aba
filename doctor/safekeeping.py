"""The commands `backup` and `restore`, in words for the operator."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from datetime import datetime
from pathlib import Path

from providers.addresses import guarded_session
from providers.pixelbyte import PixelByte, provider_hosts
from studio import schema
from studio.backup import BackupFailed, Manifest, back_up, unpack
from studio.database import Database
from studio.errors import ProviderError
from studio.journal import Shelf
from studio.ports import Clock
from studio.restoring import Verdict, settle
from studio.settings import Settings
from studio.storage import open_storage


async def make_backup(settings: Settings, target: Path, *, clock: Clock) -> int:
    """Write a backup; return the exit code."""
    try:
        async with aclosing(open_storage(settings.storage_url, settings.cloud)) as storage:
            manifest = await back_up(settings.database_url, storage, target, now=clock())
    except BackupFailed as error:
        print(error)  # noqa: T201 - the command speaks to the operator
        return 1
    size = manifest.database.size + sum(entry.size for entry in manifest.files)
    print(f"{target}: the database and {len(manifest.files)} files, {size / 1e6:.1f} MB.")  # noqa: T201 - as above
    return 0


async def restore(settings: Settings, archive: Path | None, since: datetime | None, *, clock: Clock) -> int:
    """Bring a backup back and decide which orders go on; return the exit code.

    Without `archive`, the database has been brought back by other means, as it was at `since`.
    """
    try:
        if archive is not None:
            # Before anything opens the database, which would make an empty one.
            async with aclosing(open_storage(settings.storage_url, settings.cloud)) as storage:
                manifest = await unpack(archive, settings.database_url, storage)
            since = manifest.made_at
            print(_brought_back(manifest))  # noqa: T201 - the command speaks to the operator
        assert since is not None
        verdict = await _decide(settings, since, clock=clock)
    except BackupFailed as error:
        print(error)  # noqa: T201 - as above
        return 1
    except ProviderError as error:
        print(  # noqa: T201 - as above
            f"The provider's list of renders cannot be read ({error.reason}). Do not start the bot yet: "
            "orders could be sent twice. Try again with: "
            f"python bot.py restore --since {since.isoformat() if since else ''}"
        )
        return 1
    print(_told(verdict))  # noqa: T201 - as above
    return 0


async def _decide(settings: Settings, since: datetime, *, clock: Clock) -> Verdict:
    database = Database(settings.database_url)
    try:
        await schema.upgrade(database)
        # What is noted there was promised since the backup, and may have been sent to the provider.
        await asyncio.to_thread(Shelf.of(settings.database_url).discard)
        return await _settled(settings, database, since, clock=clock)
    finally:
        await database.close()


async def _settled(settings: Settings, database: Database, since: datetime, *, clock: Clock) -> Verdict:
    if settings.provider == "sandbox":
        return Verdict(0, 0, ())
    async with open_provider(settings, clock=clock) as provider:
        return await settle(database, provider.recent, made_at=since, now=clock())


@asynccontextmanager
async def open_provider(settings: Settings, *, clock: Clock) -> AsyncIterator[PixelByte]:
    """The configured provider, for a command that is not the bot."""
    hosts = provider_hosts(settings.pixelbyte_api_url, settings.pixelbyte_output_hosts)
    async with guarded_session(hosts) as session:
        yield PixelByte(
            session=session,
            base_url=settings.pixelbyte_api_url,
            key=settings.pixelbyte_api_key,
            output_hosts=settings.pixelbyte_output_hosts,
            clock=clock,
        )


def _brought_back(manifest: Manifest) -> str:
    return f"Database of {manifest.made_at:%Y-%m-%d %H:%M:%S} UTC and {len(manifest.files)} files are back."


def _told(verdict: Verdict) -> str:
    lines = [f"{verdict.going_on} waiting orders go on, {verdict.given_up} are ended as interrupted."]
    if verdict.strangers:
        lines.append(
            "The provider has renders that this database does not know; they were charged, and its ledger "
            f"and monthly budget lack them: {', '.join(verdict.strangers)}"
        )
    lines.append("The bot can be started.")
    return "\n".join(lines)

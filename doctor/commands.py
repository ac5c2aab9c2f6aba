"""The operator's own commands beside running the bot: what they are called, and who carries them out."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from studio.ports import Clock
from studio.settings import Settings

COMMANDS = ("doctor", "backup", "restore", "resume", "explain")


def add_commands(add: Callable[..., argparse.ArgumentParser]) -> None:
    """Describe the commands; `add` is `add_parser` of the command line."""
    add("doctor", help="check the configuration and everything that the bot needs")
    backup = add("backup", help="write database and files into one archive, also while the bot runs")
    backup.add_argument("file", type=Path, metavar="FILE.tar")
    restore = add("restore", help="bring a backup back, before the bot is started again")
    what = restore.add_mutually_exclusive_group(required=True)
    what.add_argument("file", type=Path, nargs="?", metavar="FILE.tar")
    what.add_argument(
        "--since",
        type=_moment,
        metavar="TIME",
        help="the database was brought back by other means, as it was then: 2026-01-31T12:00:00+00:00",
    )
    add("resume", help="let the queue go on that was held for balance, key or price; also while the bot runs")
    explain = add("explain", help="say which render belongs to an order whose submit was not answered")
    explain.add_argument("job", nargs="?", metavar="ORDER", help="without it, all open questions are listed")
    answer = explain.add_mutually_exclusive_group()
    answer.add_argument("--render", metavar="ID", help="this render is the order's own")
    answer.add_argument("--none", action="store_true", help="no render at the provider is the order's own")
    explain.set_defaults(usage_error=explain.error)


async def carry_out(parsed: argparse.Namespace, settings: Settings, *, clock: Clock) -> int:
    """Carry out one of `COMMANDS`; return the exit code."""
    # Loaded here: the codecs, which the running bot must not have in its memory.
    if parsed.command == "doctor":
        from doctor.examine import visit

        return await visit(settings, clock=clock)
    if parsed.command in ("resume", "explain"):
        from doctor.interventions import explain, resume

        if parsed.command == "resume":
            return await resume(settings, clock=clock)
        if (parsed.job is None) == (parsed.render is not None or parsed.none):
            parsed.usage_error("ORDER needs --render ID or --none, and the other way round")
        return await explain(settings, parsed.job, parsed.render, clock=clock)
    from doctor.safekeeping import make_backup, restore

    if parsed.command == "backup":
        return await make_backup(settings, parsed.file, clock=clock)
    return await restore(settings, parsed.file, parsed.since, clock=clock)


def _moment(value: str) -> datetime:
    moment = datetime.fromisoformat(value)
    if moment.tzinfo is None:
        raise argparse.ArgumentTypeError("needs a time zone, such as 2026-01-31T12:00:00+00:00")
    return moment

"""The command line of `bot.py`: which commands there are, and what they take."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from doctor.commands import add_commands
from studio.engine import Role


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Read the command line; exits with a sentence where it is wrong."""
    parser = argparse.ArgumentParser(prog="bot.py", description="Animates pictures in Discord.")
    commands = parser.add_subparsers(dest="command")
    running = commands.add_parser("run", help="run the bot (the default)")
    roles = [role.value for role in Role]
    running.add_argument("--role", choices=roles, default=Role.ALL.value, help="for several processes")
    add_commands(commands.add_parser)
    demo = commands.add_parser("demo", help="try it offline: no token, no key, no money")
    demo.add_argument(
        "--once", nargs=2, type=Path, metavar=("PICTURE", "VIDEO"), help="make one clip and exit"
    )
    demo.add_argument("--out", type=Path, metavar="CLIP.mp4", help="where --once writes the clip")
    demo.add_argument("--prompt", default=None)
    demo.add_argument("--orientation", choices=("video", "image"), default=None)
    demo.add_argument("--keep-sound", action=argparse.BooleanOptionalAction, default=None)
    demo.add_argument("--port", type=int, default=8321, help="port of the page (0 = any)")
    parsed = parser.parse_args(arguments)
    if parsed.command == "demo" and find_spec("simcord") is None:
        demo.error("more packages are needed: pip install -r requirements-demo.txt")
    if parsed.command == "demo" and (parsed.once is None) != (parsed.out is None):
        demo.error("--once needs --out, and the other way round")
    return parsed

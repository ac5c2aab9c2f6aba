"""The sandbox alone in a process: `python -m providers.sandbox --folder …` prints its address as JSON."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import signal
import sys
from pathlib import Path

from providers.sandbox.server import Options, Sandbox


def main() -> None:
    """Serve until SIGTERM or Ctrl-C."""
    parser = argparse.ArgumentParser(prog="python -m providers.sandbox", description=__doc__)
    parser.add_argument("--folder", type=Path, required=True, help="where jobs and files are kept")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--seconds", type=float, default=8.0, help="from submit to completion")
    parser.add_argument("--key", default="pb_sandbox")
    parser.add_argument("--webhook-secret", default="whsec_sandbox")
    asyncio.run(_serve(parser.parse_args()))


async def _serve(arguments: argparse.Namespace) -> None:
    sandbox = Sandbox(
        arguments.folder,
        key=arguments.key,
        webhook_secret=arguments.webhook_secret,
        seconds=arguments.seconds,
        options=Options(port=arguments.port),
    )
    ended = asyncio.Event()
    for name in ("SIGINT", "SIGTERM"):
        # Windows knows no signal handlers in the loop; there Ctrl-C raises by itself.
        with contextlib.suppress(NotImplementedError):
            asyncio.get_running_loop().add_signal_handler(getattr(signal, name), ended.set)
    async with sandbox:
        sys.stdout.write(json.dumps({"api_url": sandbox.api_url}) + "\n")
        sys.stdout.flush()
        await ended.wait()


if __name__ == "__main__":
    main()

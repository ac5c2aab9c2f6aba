"""The real bot as a child process, to be stopped, killed and started again."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from providers.sandbox import Sandbox
from tests.wire_discord import WireDiscord

ROOT = Path(__file__).parent.parent
PROGRAM = (str(ROOT / "bot.py"),)
TOKEN = "a-very-secret-token"
KEY = "pb_a_very_secret_key"


def free_port() -> int:
    """A port of loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class BotProcess:
    """`python bot.py` against a Discord and a provider of the test's own; all state is in `folder`."""

    def __init__(self, folder: Path, discord: WireDiscord, sandbox: Sandbox, **settings: str) -> None:
        self._discord = discord
        self._log = folder / "bot.log"
        self.environment = {
            "PATH": os.environ["PATH"],
            "DISCORD_TOKEN": TOKEN,
            "DISCORD_API_URL": discord.url,
            "DISCORD_GATEWAY_URL": discord.url.replace("http", "ws") + "/gateway/",
            "PIXELBYTE_API_URL": sandbox.api_url,
            "PIXELBYTE_API_KEY": sandbox.key,
            "DATABASE_URL": f"sqlite:///{folder / 'bot.db'}",
            "STORAGE_URL": (folder / "files").as_uri(),
            "HTTP_PORT": "0",
            "POLL_INTERVAL_SECONDS": "0.5",
            "RECONCILE_SECONDS": "3",
            **settings,
        }
        self.folder = folder
        self.process: asyncio.subprocess.Process | None = None
        self.commands_log = ""

    @property
    def log(self) -> str:
        return self._log.read_text() if self._log.exists() else ""

    async def start(self, **settings: str) -> None:
        """Start the bot and wait until it is connected to the gateway."""
        await self.launch(**settings)
        process = self.process
        assert process is not None
        await self._discord.until(lambda: self._discord.sockets or process.returncode is not None)
        assert process.returncode is None, self.log

    async def launch(self, *, program: Sequence[str] = PROGRAM, **settings: str) -> None:
        """Start the bot with some settings of this run alone, and wait for nothing."""
        self._discord.sockets.clear()
        with self._log.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                sys.executable,
                *program,
                cwd=self.folder,
                env=self.environment | settings,
                stdout=log,
                stderr=log,
            )

    async def command(self, *arguments: str) -> tuple[int, str]:
        """Run one of the operator's commands beside the bot; return its exit code and what it printed."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            str(ROOT / "bot.py"),
            *arguments,
            cwd=self.folder,
            env=self.environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        printed, said = await asyncio.wait_for(process.communicate(), 60)
        self.commands_log += said.decode()
        assert process.returncode is not None
        return process.returncode, printed.decode()

    async def kill(self) -> None:
        """Kill the process, if there is one."""
        if self.process is None:
            return
        if self.process.returncode is None:
            self.process.kill()
        await self.process.wait()

    async def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send the signal and return the exit code."""
        assert self.process is not None
        self.process.send_signal(number)
        return await asyncio.wait_for(self.process.wait(), 30)


@asynccontextmanager
async def running_bot(
    folder: Path, discord: WireDiscord, sandbox: Sandbox, **settings: str
) -> AsyncIterator[BotProcess]:
    bot = BotProcess(folder, discord, sandbox, **settings)
    try:
        await bot.start()
        yield bot
    finally:
        await bot.kill()

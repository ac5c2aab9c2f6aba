"""The foreman's process as the bot sees it: called when there is work, sent home when there is none."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Coroutine
from pathlib import Path

from media.errors import WorkshopFailed
from media.messages import Report, Request, order_line

ROOT = Path(__file__).resolve().parent.parent

_LONGEST_REPORT = 1024 * 1024
_FAREWELL_SECONDS = 5.0
_PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "TMPDIR", "SYSTEMROOT")


class Shift:
    """Has tasks carried out by workers of one foreman, which stays for `warm_seconds` after the last one."""

    def __init__(self, *, warm_seconds: float) -> None:
        self._warm_seconds = warm_seconds
        self._foreman: _Foreman | None = None
        self._leaving: asyncio.TimerHandle | None = None
        self._errands: set[asyncio.Task[None]] = set()
        self._coming = asyncio.Lock()

    async def carry_out(self, request: Request, *, seconds: float) -> Report:
        """Return how the worker ended. TimeoutError after `seconds`, `WorkshopFailed` when the foreman dies.

        Nothing is left running, whatever happens, a cancellation included.
        """
        foreman = await self._called()
        foreman.at_work += 1
        try:
            return await foreman.carry_out(request, seconds=seconds)
        finally:
            foreman.at_work -= 1
            if self._warm_seconds > 0:
                self._rest(foreman)
            elif not foreman.at_work:
                # Nobody else may be given a foreman that is about to leave.
                self._foreman = None
                await foreman.leave()

    def warm_up(self) -> None:
        if self._warm_seconds > 0 and (self._foreman is None or self._foreman.is_gone):
            self._in_background(self._warm())

    async def close(self) -> None:
        if self._leaving is not None:
            self._leaving.cancel()
        async with self._coming:
            foreman, self._foreman = self._foreman, None
        if foreman is not None:
            await foreman.leave()
        await asyncio.gather(*self._errands)

    async def _warm(self) -> None:
        # If it cannot come, the task that needs it will say so.
        with contextlib.suppress(OSError):
            self._rest(await self._called())

    async def _called(self) -> _Foreman:
        async with self._coming:
            if self._leaving is not None:
                self._leaving.cancel()
            if self._foreman is None or self._foreman.is_gone:
                self._foreman = await _Foreman.start()
            return self._foreman

    def _rest(self, foreman: _Foreman) -> None:
        if self._leaving is not None:
            self._leaving.cancel()
        if not foreman.at_work:
            loop = asyncio.get_running_loop()
            self._leaving = loop.call_later(self._warm_seconds, self._send_home, foreman)

    def _send_home(self, foreman: _Foreman) -> None:
        if foreman is self._foreman and not foreman.at_work:
            self._foreman = None
            self._in_background(foreman.leave())

    def _in_background(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._errands.add(task)
        task.add_done_callback(self._errands.discard)


class _Foreman:
    """One foreman process; `at_work` counts those who use it now."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._numbers = itertools.count()
        self._waiting: dict[int, asyncio.Future[Report]] = {}
        self._listening = asyncio.create_task(self._listen())
        self.at_work = 0
        self.is_gone = False

    @classmethod
    async def start(cls) -> _Foreman:
        """The child gets no secrets: decoding is the one place where a stranger's bytes could take over."""
        environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        environment |= {"MALLOC_ARENA_MAX": "2", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "media.foreman",
            str(os.getpid()),
            stdin=PIPE,
            stdout=PIPE,
            cwd=ROOT,
            env=environment,
            # No session of its own: Linux shares processors among sessions first (sched(7), autogroups), and
            # a worker's low priority would only hold against other workers.
            process_group=0,
            limit=_LONGEST_REPORT,
        )
        return cls(process)

    async def carry_out(self, request: Request, *, seconds: float) -> Report:
        number = next(self._numbers)
        ended: asyncio.Future[Report] = asyncio.get_running_loop().create_future()
        self._waiting[number] = ended
        try:
            self._say(number, request)
            async with asyncio.timeout(seconds):
                return await asyncio.shield(ended)
        finally:
            if not ended.done():
                await self._put_down(number, ended)
            self._waiting.pop(number, None)

    async def leave(self) -> None:
        """Go home, together with whatever still runs."""
        self.is_gone = True
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            await asyncio.wait_for(self._process.wait(), _FAREWELL_SECONDS)
        except TimeoutError:
            self._kill()
        await self._listening

    def _say(self, number: int, request: Request | None) -> None:
        assert self._process.stdin is not None
        # A foreman that is gone is noticed where its reports are read.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self._process.stdin.write(order_line(number, request))

    async def _put_down(self, number: int, ended: asyncio.Future[Report]) -> None:
        self._say(number, None)
        done, _ = await asyncio.wait([ended], timeout=_FAREWELL_SECONDS)
        if not done:
            self._kill()
            await asyncio.wait([ended])
        # Fetched, so that nobody complains that it never was.
        ended.exception()

    async def _listen(self) -> None:
        assert self._process.stdout is not None
        while line := await self._process.stdout.readline():
            report = Report.from_line(line)
            if (ended := self._waiting.get(report.number)) and not ended.done():
                ended.set_result(report)
        self.is_gone = True
        code = await self._process.wait()
        for ended in self._waiting.values():
            if not ended.done():
                ended.set_exception(WorkshopFailed("foreman", code, "the foreman is gone"))

    def _kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)

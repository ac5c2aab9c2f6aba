"""The process that loads the codecs once and forks a worker for each task: `python -m media.foreman`.

It opens no file of anybody's itself, so a worker starts from memory that nothing hostile has touched. Orders
come as lines of JSON on stdin, whose end means that the bot is gone; reports leave as lines on stdout.
"""

from __future__ import annotations

import ctypes
import gc
import os
import selectors
import signal
import sys
from dataclasses import dataclass, field
from typing import NoReturn

from media import tasks, worker
from media.messages import Report, Request, read_order

_ANSWER_BYTES = 64 * 1024
_TAIL_BYTES = 8 * 1024
_MOST_FILES = 1024
_PR_SET_PDEATHSIG = 1  # prctl(2)


@dataclass(slots=True)
class _Worker:
    """One running worker: its process, and what it has said so far on each of its open pipes."""

    number: int
    pid: int
    answer: bytes = b""
    tail: bytes = b""
    open_pipes: set[int] = field(default_factory=set)


class Foreman:
    """Forks, listens, buries and reports; a single thread, or forking would not be safe."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._workers: dict[int, _Worker] = {}
        self._unread = b""
        # Held by us alone: the workers read its end when we are gone, on every system.
        self._leash, self._leash_end = os.pipe()

    def serve(self) -> None:
        """Work until stdin ends."""
        self._selector.register(0, selectors.EVENT_READ)
        while True:
            for key, _ in self._selector.select():
                if key.fd != 0:
                    self._listen(key.fd, key.data)
                elif not self._take_orders():
                    return

    def _take_orders(self) -> bool:
        piece = os.read(0, 64 * 1024)
        *lines, self._unread = (self._unread + piece).split(b"\n")
        for line in lines:
            number, request = read_order(line)
            if request is not None:
                self._fork(number, request)
            elif number in self._workers:
                os.kill(self._workers[number].pid, signal.SIGKILL)
        return bool(piece)

    def _fork(self, number: int, request: Request) -> None:
        answer, answer_end = os.pipe()
        words, words_end = os.pipe()
        pid = os.fork()
        if pid == 0:
            _become_worker(self._leash, words_end, answer_end, request)
        os.close(answer_end)
        os.close(words_end)
        one = self._workers[number] = _Worker(number, pid, open_pipes={answer, words})
        self._selector.register(answer, selectors.EVENT_READ, (one, True))
        self._selector.register(words, selectors.EVENT_READ, (one, False))

    def _listen(self, pipe: int, source: tuple[_Worker, bool]) -> None:
        one, is_answer = source
        piece = os.read(pipe, 64 * 1024)
        if is_answer:
            one.answer = (one.answer + piece)[-_ANSWER_BYTES:]
        else:
            one.tail = (one.tail + piece)[-_TAIL_BYTES:]
        if piece:
            return
        self._selector.unregister(pipe)
        os.close(pipe)
        one.open_pipes.discard(pipe)
        if not one.open_pipes:
            self._bury(one)

    def _bury(self, one: _Worker) -> None:
        _, status = os.waitpid(one.pid, 0)
        del self._workers[one.number]
        report = Report(
            number=one.number,
            exit_code=os.waitstatus_to_exitcode(status),
            answer=one.answer.decode("utf-8", "replace"),
            tail=one.tail.decode("utf-8", "replace"),
        )
        line = report.to_line()
        while line:
            line = line[os.write(1, line) :]


def _become_worker(leash: int, words: int, answer: int, request: Request) -> NoReturn:
    """In the child: keep nothing of the foreman's but its codecs, and do the one task."""
    os.dup2(leash, 0)
    # Some codecs print to stdout: that belongs to stderr.
    os.dup2(words, 1)
    os.dup2(words, 2)
    os.dup2(answer, worker.ANSWER)
    os.closerange(worker.ANSWER + 1, _MOST_FILES)
    worker.carry_out(request, foreman=os.getppid())


def main(bot: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != bot:  # it was gone before the line above could help
        return
    tasks.be_quiet()
    # What is there now stays: no collection in a worker needs to copy its pages.
    gc.collect()
    gc.freeze()
    Foreman().serve()


if __name__ == "__main__":
    main(int(sys.argv[1]))
    # The workers end with the leash; without the interpreter's tidying, nothing waits for codecs.
    os._exit(0)

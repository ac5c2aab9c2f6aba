"""What a forked worker does: the one task, under limits, on a stranger's file."""

from __future__ import annotations

import ctypes
import errno
import os
import resource
import signal
import sys
import threading
import traceback
import warnings
from collections.abc import Sequence
from typing import NoReturn

from media.errors import MediaRefused, Reason
from media.messages import DISK_IS_FULL, FULL_DISK, Request, refusal_line, result_line, results_line
from media.tasks import carry_out as carry_out_task

ANSWER = 3
"""The file descriptor that the answer is written to; 0 ends when the foreman does."""

_NICENESS = 10
_OPEN_FILES = 64
_MOST_PROCESSORS = 4
_URGENT = frozenset({"verify_clip", "verify_clips"})
"""Short tasks that a finished clip waits for: they keep the bot's own priority."""

_UNHURRIED = frozenset({"fit_clip"})
"""Long tasks that nobody watches: they leave a processor to the bot, whose answers would wait for theirs."""

_PR_SET_PDEATHSIG = 1  # prctl(2)


def carry_out(request: Request, *, foreman: int) -> NoReturn:
    """Do the task, answer and leave; an exit code other than 0 is our fault, told on stderr."""
    code = 1
    try:
        _die_with(foreman)
        _limit(request)
        os.write(ANSWER, _answer(request))
        code = 0
    except OSError as error:
        traceback.print_exc()
        if error.errno in DISK_IS_FULL:
            code = FULL_DISK + error.errno
    except BaseException:  # noqa: BLE001 - the outermost step of this process: nothing may go back to the foreman's code
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        # Without the interpreter's tidying, which threads of FFmpeg 7.1 were seen to block for ever.
        os._exit(code)


def _die_with(foreman: int) -> None:
    """Never outlive the foreman, and so never the bot, however it ended."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != foreman:  # it was gone before the line above could help
        os._exit(1)
    threading.Thread(target=_leave_at_end_of_leash, daemon=True).start()


def _leave_at_end_of_leash() -> None:
    while os.read(0, 1024):
        continue
    os._exit(1)


def _limit(request: Request) -> None:
    for kind, most in (
        (resource.RLIMIT_AS, request.memory_bytes),
        (resource.RLIMIT_CPU, request.cpu_seconds),
        (resource.RLIMIT_FSIZE, request.file_bytes),
        (resource.RLIMIT_NOFILE, _OPEN_FILES),
        (resource.RLIMIT_CORE, 0),
    ):
        hard = resource.getrlimit(kind)[1]
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(kind, (most, most))
    if request.task not in _URGENT:
        os.nice(_NICENESS)
    if hasattr(os, "sched_setaffinity"):
        # Every codec counts the processors and starts as many threads, each with stack and frames of its own.
        available = sorted(os.sched_getaffinity(0))
        first = os.getpid() % len(available)
        most = len(available) - 1 if request.task in _UNHURRIED else len(available)
        chosen = (available[first:] + available[:first])[: max(1, min(most, _MOST_PROCESSORS))]
        os.sched_setaffinity(0, chosen)


def _answer(request: Request) -> bytes:
    warnings.simplefilter("ignore")  # decoders grumble about odd files; what matters is raised
    try:
        made = carry_out_task(request.task, request.arguments)
        return results_line(made) if isinstance(made, Sequence) else result_line(made)
    except MediaRefused as refusal:
        return refusal_line(refusal)
    except MemoryError:
        return refusal_line(MediaRefused(Reason.TOO_COMPLEX, limit_bytes=request.memory_bytes))
    except OSError as error:
        if error.errno != errno.EFBIG:
            raise
        return refusal_line(MediaRefused(Reason.TOO_COMPLEX, limit_bytes=request.file_bytes))

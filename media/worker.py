"""The child process in which strangers' files are decoded: `python -m media.worker`, one request, one answer.

The request comes as one line of JSON on stdin, which stays open: its end means that the bot is gone, and the
worker goes too. The answer is one line on stdout. An exit code other than 0 is our fault, told on stderr.
"""

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
from types import TracebackType
from typing import NoReturn

from media.errors import MediaRefused, Reason
from media.messages import Request, refusal_line, result_line

_NICENESS = 10
_OPEN_FILES = 64
_MOST_PROCESSORS = 4
_PR_SET_PDEATHSIG = 1  # prctl(2)


def main() -> int:
    answer_fd = _take_stdout()
    request = Request.from_line(sys.stdin.buffer.readline())
    _die_with(request.parent)
    _limit(request)
    os.write(answer_fd, _answer(request))
    return 0


def _take_stdout() -> int:
    """Keep stdout for the answer: some codecs print there."""
    answer_fd = os.dup(1)
    os.dup2(2, 1)
    return answer_fd


def _die_with(parent: int) -> None:
    """Never outlive the bot, however it ended."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it was gone before the line above could help
        os._exit(1)
    threading.Thread(target=_leave_at_end_of_stdin, daemon=True).start()


def _leave_at_end_of_stdin() -> None:
    while os.read(0, 1024):
        continue
    os._exit(1)


def _limit(request: Request) -> None:
    """Set before the codecs are loaded, so that their threads and tables count as well."""
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
    os.nice(_NICENESS)
    if hasattr(os, "sched_setaffinity"):
        # Every codec counts the processors and starts as many threads, each with stack and frames of its own.
        available = sorted(os.sched_getaffinity(0))
        first = os.getpid() % len(available)
        os.sched_setaffinity(0, (available[first:] + available[:first])[:_MOST_PROCESSORS])


def _answer(request: Request) -> bytes:
    warnings.simplefilter("ignore")  # decoders grumble about odd files; what matters is raised
    try:
        from media.tasks import carry_out  # loads the codecs, hence only now that the limits hold

        return result_line(carry_out(request.task, request.arguments))
    except MediaRefused as refusal:
        return refusal_line(refusal)
    except MemoryError:
        return refusal_line(MediaRefused(Reason.TOO_COMPLEX, limit_bytes=request.memory_bytes))
    except OSError as error:
        if error.errno != errno.EFBIG:
            raise
        return refusal_line(MediaRefused(Reason.TOO_COMPLEX, limit_bytes=request.file_bytes))


def _fail(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    traceback.print_exception(kind, error, trace)
    _leave(1)


def _leave(code: int) -> NoReturn:
    """Without the interpreter's tidying, which threads of FFmpeg 7.1 were seen to block for ever."""
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    sys.excepthook = _fail
    _leave(main())

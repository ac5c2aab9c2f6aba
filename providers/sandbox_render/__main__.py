"""The child process: one order as a JSON line on stdin, one JSON answer on stdout, then it is gone.

`{"do": "probe", …}` answers with what the two files are, `{"do": "render", …}` writes the clip.
The parent keeps stdin open for as long as it wants the answer; when the pipe closes, the child ends at once.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from typing import Any

from providers.sandbox_render.clip import draw
from providers.sandbox_render.probe import probe

MEMORY_LIMIT = 3 << 30
CPU_SECONDS_LIMIT = 600


def main() -> None:
    """Carry out the one order; any exception ends the process with its traceback on stderr."""
    order = json.loads(sys.stdin.readline())
    _limit_ourselves()
    threading.Thread(target=_end_with_parent, daemon=True).start()
    answer = _carry_out(order)
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()
    # The watching thread sits in a read that nothing interrupts; an ordinary exit would wait for its lock.
    os._exit(0)


def _carry_out(order: dict[str, Any]) -> dict[str, Any]:
    if order["do"] == "probe":
        return probe(order["image"], order["video"])
    return draw(
        order["image"],
        order["video"],
        order["clip"],
        keep_sound=order["keep_sound"],
        shape_of=order["shape_of"],
    )


def _end_with_parent() -> None:
    """A killed parent cannot tell its children; the closed pipe does, on every system."""
    sys.stdin.read()
    os._exit(3)


def _limit_ourselves() -> None:
    if sys.platform == "win32":
        return
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_LIMIT, MEMORY_LIMIT))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS_LIMIT, CPU_SECONDS_LIMIT))


if __name__ == "__main__":
    main()

"""A 60 MB 1080p result of 30 s re-encoded to 10 MB, and what the bot's answers notice of it meanwhile.

`python -m tests.bench.bench_fit [--orders 150]`. First the fitting alone; then the answers of `bench_ack`,
in turn without and with a fitting going on all the time, in the same run. Takes four minutes. Needs Linux.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import resource
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np

from media.workshop import Workshop
from studio import logs
from studio.fitting import FIT_SHARE
from tests.bench.bench_ack import WARM_UP, measure
from tests.bench.figures import Figure, tell
from tests.bench.footprint import MB, Footprint
from tests.media_files import Recipe, write_clip

SECONDS, BYTES = 30.0, 60_000_000
LIMIT = int(10 * 1024 * 1024 * FIT_SHARE)
ROUNDS = 3


def make_source(folder: Path) -> Path:
    """Noise of the camera's kind, encoded at the bit rate that gives the size."""
    bits = int(BYTES * 8 / SECONDS * 0.985)
    options = {"preset": "ultrafast", "b": str(bits), "minrate": str(bits), "maxrate": str(bits)}
    options |= {"bufsize": str(bits), "nal-hrd": "cbr"}
    recipe = Recipe(seconds=SECONDS, size=(1080, 1920), fps=30, options=options)
    return write_clip(folder / "result.mp4", recipe)


async def fit_again_and_again(source: Path) -> None:
    while True:
        await Workshop().fit_clip(source, source.with_name("meanwhile.mp4"), max_bytes=LIMIT)


def loudness(path: Path) -> float:
    with av.open(str(path)) as container:
        return float(max(np.abs(frame.to_ndarray()).max() for frame in container.decode(audio=0)))


class Scales:
    """Weighs the processes below this one while they live, by the kernel's high-water marks.

    `getrusage` cannot: a process begins with the mark of the one that it was started from.
    """

    def __init__(self) -> None:
        self.peak = 0

    async def watch(self) -> None:
        while True:
            for pid in _below(os.getpid()):
                # One that has ended meanwhile was weighed a moment ago.
                with contextlib.suppress(OSError, KeyError):
                    self.peak = max(self.peak, Footprint(pid).peak())
            await asyncio.sleep(0.1)


def _below(pid: int) -> Iterator[int]:
    for children in Path("/proc", str(pid), "task").glob("*/children"):
        with contextlib.suppress(OSError):
            for child in map(int, children.read_text().split()):
                yield child
                yield from _below(child)


async def fit_once(source: Path) -> list[Figure]:
    target, scales = source.with_name("fitted.mp4"), Scales()
    weighing = asyncio.create_task(scales.watch())
    began = time.perf_counter()
    facts = await Workshop().fit_clip(source, target, max_bytes=LIMIT)
    taken = time.perf_counter() - began
    weighing.cancel()
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    body = target.read_bytes()
    assert body.index(b"moov") < body.index(b"mdat")
    assert facts.has_sound
    assert loudness(target) > 0
    assert min(facts.width, facts.height) >= 480
    return [
        Figure("fitting 60 MB to 10 MB", taken, "s", 45),
        Figure("the same: CPU, all cores together", used.ru_utime + used.ru_stime, "s"),
        Figure("the same: memory of the worker at most", scales.peak / MB, "MB", 400),
        Figure("the same: size of the result", target.stat().st_size / MB, "MB", LIMIT / MB),
        Figure("the same: short side of the result", min(facts.width, facts.height), "px"),
    ]


async def answers(orders: int) -> list[float]:
    """Milliseconds from the gateway's message to the answer on the wire."""
    watch = await measure(orders, None)
    return [stamp.wall * 1000 for stamp in watch.answers["ours"][WARM_UP:]]


async def answers_meanwhile(source: Path, orders: int) -> list[float]:
    fitting = asyncio.create_task(fit_again_and_again(source))
    try:
        return await answers(orders)
    finally:
        fitting.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await fitting


def p99(walls: list[float]) -> float:
    return statistics.quantiles(walls, n=100)[98]


async def run(source: Path, orders: int) -> list[Figure]:
    figures = await fit_once(source)
    idle: list[float] = []
    busy: list[float] = []
    # In turn, so that whatever else the machine does falls on both alike.
    for _ in range(ROUNDS):
        idle += await answers(orders)
        busy += await answers_meanwhile(source, orders)
    return [
        *figures,
        Figure("answers, idle: p99", p99(idle), "ms"),
        Figure("answers while fitting: p99", p99(busy), "ms"),
        Figure("answers while fitting ÷ idle: p99", p99(busy) / p99(idle), "×", 1.5),
        Figure("answers: medians, idle", statistics.median(idle), "ms"),
        Figure("answers: medians, while fitting", statistics.median(busy), "ms"),
    ]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--orders", type=int, default=150)
    options = parser.parse_args()
    logs.configure(as_json=False)
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as folder:
        source = make_source(Path(folder))
        size = source.stat().st_size
        figures = asyncio.run(run(source, options.orders))
    tell(figures, source_bytes=size, orders_each=options.orders * ROUNDS, load_before=round(load, 2))


if __name__ == "__main__":
    main()

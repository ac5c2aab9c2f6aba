"""How long a 30 s 1080p30 HEVC MOV takes to be normalised, against its own length.

`python tests/bench/bench_media_normalise.py [--hdr] [--runs 3]` prints one line of JSON.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import resource
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from media.workshop import Workshop
from tests.media_files import X265, Recipe, write_clip

SECONDS = 30.0


def make_source(folder: Path, *, hdr: bool) -> Path:
    extra = {"pixel_format": "yuv420p10le", "colours": (9, 18, 9)} if hdr else {}
    options = {**X265, "crf": "24"}
    recipe = Recipe(seconds=SECONDS, size=(1920, 1080), fps=30, codec="libx265", options=options, **extra)
    return write_clip(folder / "phone.mov", recipe)


async def measure(source: Path, runs: int) -> list[float]:
    taken = []
    for _ in range(runs):
        began = time.perf_counter()
        prepared = await Workshop().prepare_clip(
            source, source.with_name("ready.mp4"), source.with_name("poster.jpg"), longest=SECONDS
        )
        taken.append(time.perf_counter() - began)
        assert prepared.reencoded
    return taken


def _cpu_of_children() -> float:
    """Says more than the clock where other work shares the cores."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hdr", action="store_true", help="10-bit HLG, as iPhones film")
    parser.add_argument("--runs", type=int, default=3)
    wishes = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        source = make_source(Path(folder), hdr=wishes.hdr)
        load = os.getloadavg()[0]
        taken = asyncio.run(measure(source, wishes.runs))
        figures = {
            "bench": "media_normalise",
            "source": "1080p30 HEVC MOV" + (", 10-bit HLG" if wishes.hdr else ""),
            "source_seconds": SECONDS,
            "source_bytes": source.stat().st_size,
            "seconds": [round(seconds, 1) for seconds in taken],
            "median_seconds": round(statistics.median(taken), 1),
            "share_of_length": round(statistics.median(taken) / SECONDS, 2),
            "cpu_seconds_a_run": round(_cpu_of_children() / wishes.runs, 1),
            "result_bytes": source.with_name("ready.mp4").stat().st_size,
            "cores": os.cpu_count(),
            "load_before": round(load, 2),
        }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()

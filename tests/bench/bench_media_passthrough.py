"""What a conforming 60 MB video costs: whether it is encoded again, and memory of the calling process.

`python tests/bench/bench_media_passthrough.py` prints one line of JSON.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from media.workshop import Workshop  # noqa: E402  # run as a script, the root is not on the path

MEGABYTES = 60
MAKE = """
import sys
from pathlib import Path
from tests.media_files import Recipe, write_clip
rate = "17000k"
options = {"preset": "ultrafast", "b": rate, "minrate": rate, "maxrate": rate, "bufsize": rate}
options |= {"x264-params": "nal-hrd=cbr", "g": "60"}
write_clip(Path(sys.argv[1]), Recipe(seconds=29.5, size=(1280, 720), fps=24, options=options))
"""


class Watch:
    """Samples the resident memory of this process in a thread of its own."""

    def __init__(self) -> None:
        self._process = psutil.Process()
        self._running = True
        self.before = self.most = self._process.memory_info().rss
        self._thread = threading.Thread(target=self._sample)
        self._thread.start()

    def _sample(self) -> None:
        while self._running:
            self.most = max(self.most, self._process.memory_info().rss)
            time.sleep(0.005)

    def stop(self) -> int:
        self._running = False
        self._thread.join()
        return self.most - self.before


def digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


async def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        source, target = Path(name) / "source.mp4", Path(name) / "ready.mp4"
        subprocess.run([sys.executable, "-c", MAKE, str(source)], cwd=ROOT, check=True)  # noqa: ASYNC221  # before all
        workshop = Workshop()
        await workshop.recognise(source)
        watch, began = Watch(), time.perf_counter()
        await workshop.probe_clip(source)
        prepared = await workshop.prepare_clip(source, target, Path(name) / "poster.jpg", longest=30)
        seconds, extra = time.perf_counter() - began, watch.stop()
        figures = {
            "bench": "media_passthrough",
            "source_megabytes": round(source.stat().st_size / 1e6, 1),
            "reencoded": prepared.reencoded,
            "identical_bytes": digest(source) == digest(target),
            "seconds": round(seconds, 2),
            "extra_rss_megabytes": round(extra / 1e6, 1),
            "rss_before_megabytes": round(watch.before / 1e6, 1),
        }
    assert figures["source_megabytes"] >= MEGABYTES
    print(json.dumps(figures))


if __name__ == "__main__":
    asyncio.run(main())

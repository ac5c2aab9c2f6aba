"""The memory of one process as the kernel counts it, with the highest point since it was last asked."""

from __future__ import annotations

from pathlib import Path

MB = 1_000_000


class Footprint:
    """Resident memory of a process without its children, in bytes. Needs Linux and the same user."""

    def __init__(self, pid: int) -> None:
        self._folder = Path("/proc", str(pid))

    def now(self) -> int:
        return self._read("VmRSS")

    def peak(self) -> int:
        return self._read("VmHWM")

    def forget_peak(self) -> None:
        # proc_pid_clear_refs(5): "5" resets the high-water mark to the present.
        (self._folder / "clear_refs").write_text("5")

    def _read(self, name: str) -> int:
        for line in (self._folder / "status").read_text().splitlines():
            if line.startswith(f"{name}:"):
                return int(line.split()[1]) * 1024
        raise KeyError(name)

"""How much CPU a process and its children have used so far."""

from __future__ import annotations

from dataclasses import dataclass

import psutil


@dataclass(frozen=True, slots=True)
class Used:
    """Seconds of CPU of a process itself, and of its children, those that live included."""

    own: float
    children: float

    @classmethod
    def by(cls, pid: int) -> Used:
        process = psutil.Process(pid)
        times = process.cpu_times()
        children = times.children_user + times.children_system
        for child in process.children(recursive=True):
            living = child.cpu_times()
            children += living.user + living.system + living.children_user + living.children_system
        return cls(times.user + times.system, children)

    def __sub__(self, other: Used) -> Used:
        return Used(self.own - other.own, self.children - other.children)

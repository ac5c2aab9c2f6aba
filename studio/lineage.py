"""Where a clip comes from that is another version of an earlier one."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Parent:
    """The earlier clip, and where its message stood; it may be gone by now, and so may its job."""

    job_id: str
    channel_id: int
    message_id: int

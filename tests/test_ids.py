"""Job ids sort by time and are safe wherever they are written."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta

from studio.ids import new_job_id

NOW = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)


def test_job_ids_sort_by_time() -> None:
    moments = [NOW + timedelta(milliseconds=1 << step) for step in range(36)]

    ids = [new_job_id(moment) for moment in moments]

    assert ids == sorted(ids)


def test_a_job_id_is_base32_of_its_moment_and_of_chance() -> None:
    first, second = new_job_id(NOW), new_job_id(NOW)

    raw = base64.b32hexdecode(first.upper())
    assert int.from_bytes(raw[:6], "big") == NOW.timestamp() * 1000
    assert first != second
    assert len(first) == 16

"""The sandbox's folder stays small, and nothing that is still needed is thrown away."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from providers.sandbox.records import JobRecord, Shelf, UploadRecord
from providers.sandbox.tidy import tidy_files, tidy_records
from tests.builders import FixedClock


def file(path: Path, *, minutes_ago: float) -> Path:
    path.write_bytes(b"x")
    moment = time.time() - minutes_ago * 60
    os.utime(path, (moment, moment))
    return path


def a_job(clock: FixedClock, job_id: str, **changes: object) -> JobRecord:
    job = JobRecord(
        id=job_id,
        request_id="req_1",
        model="a/b/c",
        input={},
        webhook_url=None,
        created_at=clock(),
        pending_until=clock(),
        due_at=clock(),
        cost=5,
        image="1",
        video="2",
        seconds=3.0,
    )
    return replace(job, **changes)  # type: ignore[arg-type]  # the tests name real fields


def test_files_older_than_an_hour_go_unless_they_are_needed(tmp_path: Path) -> None:
    fresh = file(tmp_path / "fresh.mp4", minutes_ago=59)
    stale = file(tmp_path / "stale.mp4", minutes_ago=61)
    needed = file(tmp_path / "needed.mp4.jpg", minutes_ago=61)
    record = file(tmp_path / "record.json", minutes_ago=61)

    tidy_files(tmp_path, {"needed"})

    assert [path.exists() for path in (fresh, stale, needed, record)] == [True, False, True, True]


def test_old_records_go_but_never_those_of_running_jobs(tmp_path: Path, clock: FixedClock) -> None:
    jobs, uploads = Shelf(tmp_path / "jobs", JobRecord), Shelf(tmp_path / "uploads", UploadRecord)
    jobs.put(a_job(clock, "job_done", status="completed", completed_at=clock()))
    jobs.put(a_job(clock, "job_runs"))
    upload = UploadRecord(
        id="file_1",
        token="t",
        filename="a.png",
        content_type="image/png",
        created_at=clock(),
        put_until=clock(),
        expires_at=clock(),
        max_size=1,
    )
    uploads.put(upload)

    tidy_records(jobs, uploads, clock() + timedelta(days=1))
    after_a_day = len(jobs), len(uploads)
    tidy_records(jobs, uploads, clock() + timedelta(days=31))

    assert after_a_day == (2, 1)
    assert [job.id for job in Shelf(tmp_path / "jobs", JobRecord)] == ["job_runs"]
    assert len(Shelf(tmp_path / "uploads", UploadRecord)) == 0


def test_a_record_reads_back_as_it_was(tmp_path: Path, clock: FixedClock) -> None:
    job = a_job(clock, "job_1", output_after=float("inf"), completed_at=clock(), input={"prompt": "é 😀"})
    Shelf(tmp_path, JobRecord).put(job)

    assert Shelf(tmp_path, JobRecord).get("job_1") == job

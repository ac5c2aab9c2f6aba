"""On Discord a clip that comes late follows the message that gave it up, and is posted once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from studio.models import Ending
from tests.bureau import a_clip, failed, open_bureau, placed


async def test_a_late_clip_is_posted_once_below_the_report(tmp_path: Path) -> None:
    file = tmp_path / "clip.mp4"
    file.write_bytes(b"0" * 1000)
    async with open_bureau(tmp_path) as bureau:
        job = failed(await bureau.opened(), "took_too_long")
        report_id = await bureau.desk.report(job, Ending("took_too_long", {}, 250_000))
        given_up = placed(job, replace(job.place, outcome_id=report_id))

        first = await bureau.desk.deliver(given_up, a_clip(), file)
        again = await bureau.desk.deliver(given_up, a_clip(), file)

        said = [message for message in bureau.posts(job.place.talk_id) if not message["flags"] & (1 << 15)]
        assert first == again != report_id
        assert [int(message["id"]) for message in said] == [report_id, first]
        assert said[1]["attachments"]

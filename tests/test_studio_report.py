"""`/studio report`: who used what, in words, as a chart, and as a file that is safe to open."""

from __future__ import annotations

import csv
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import BytesIO, StringIO
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from PIL import Image
from simcord import InteractionResult

from cogs.moderation.usage import bars_of
from studio.aliases import alias_of
from studio.models import Job, Member
from studio.sharing import tallies
from studio.sharing.quotas import Usage
from studio.sharing.usage import THIRTY_DAYS, MemberUsage, sheet, span_named
from tests.bureau import Bureau, open_bureau


@pytest.fixture
async def bureau(tmp_path: Path) -> AsyncIterator[Bureau]:
    async with open_bureau(tmp_path) as bureau:
        yield bureau


async def report(bureau: Bureau, **options: str) -> InteractionResult:
    world = bureau.world
    result = await world.slash(world.moderator, world.clips, "studio report", **options)
    await world.eventually(lambda: result.response is not None and result.response.content)
    return result


async def used_by(bureau: Bureau, job: Job, member_id: int, usd_micros: int, *, days_ago: int = 0) -> None:
    """Book what another member's clip would have cost."""
    moment = job.order.ordered_at - timedelta(days=days_ago)
    order = replace(job.order, member=Member(member_id, "x"), ordered_at=moment)
    async with bureau.database.write() as connection:
        await tallies.book(connection, replace(job, order=order), clips=1, usd_micros=usd_micros)


def rows_of(file: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(StringIO(file.decode("utf-8-sig"), newline="")))


async def test_members_are_told_privately_the_dearest_first_with_a_chart_and_a_file(bureau: Bureau) -> None:
    job = await bureau.ordered()
    await used_by(bureau, job, 77, 2_500_000)
    await used_by(bureau, job, alias_of(78), 50_000)

    result = await report(bureau)

    assert result.response is not None
    assert result.response.ephemeral
    said = result.response.content
    assert "Altogether: clips 3, $2.70" in said
    member = job.order.member
    assert f"1. <@77> · clips 1 · $2.50\n2. <@{member.id}> · clips 1 · $0.15\n3. A deleted member" in said
    chart, file = result.response.message.attachments
    picture = Image.open(BytesIO(await chart.read()))
    assert (picture.format, picture.width) == ("PNG", 780)
    assert f"77: clips 1 · $2.50; {member.name}: clips 1 · $0.15" in (chart.description or "")
    assert file.filename.endswith(".csv")
    assert [tuple(row.values()) for row in rows_of(await file.read())] == [
        ("77", "", "1", "2.5"),
        (str(member.id), member.name, "1", "0.15"),
        ("", "", "1", "0.05"),
    ]


async def test_what_was_used_before_the_period_or_elsewhere_is_left_out(bureau: Bureau) -> None:
    job = await bureau.ordered()
    await used_by(bureau, job, 77, 1_000_000, days_ago=8)
    await used_by(bureau, job, 78, 1_000_000, days_ago=31)
    await used_by(bureau, replace(job, order=replace(job.order, place=replace(job.place, guild_id=7))), 79, 5)

    week = await report(bureau, period="week")
    month = await report(bureau, period="thirty_days")

    assert week.response is not None
    assert month.response is not None
    assert "clips 1, $0.15" in week.response.content
    assert "clips 2, $1.15" in month.response.content


async def test_where_nothing_was_used_it_says_so_without_files(bureau: Bureau) -> None:
    result = await report(bureau, period="day")

    assert result.response is not None
    assert "Nobody has used anything here since <t:" in result.response.content
    assert result.response.message.attachments == []


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@sum", '=HYPERLINK("http://x","y")'])
def test_a_name_that_a_spreadsheet_would_run_is_only_text_there(name: str) -> None:
    (row,) = rows_of(sheet([MemberUsage(1, name, Usage(2, 250_000))]))

    assert row["member"] == f"'{name}"


@pytest.mark.parametrize("name", ['a "quoted", name', "comma, comma", "naïve 日本", "a=b"])
def test_any_other_name_comes_back_as_it_was(name: str) -> None:
    (row,) = rows_of(sheet([MemberUsage(1, name, Usage(2, 250_001))]))

    assert row == {"member_id": "1", "member": name, "clips": "2", "usd": "0.250001"}


def test_bars_compare_clips_where_nothing_cost_and_long_names_are_cut() -> None:
    members = [MemberUsage(number, "n" * 40, Usage(number, 0)) for number in (4, 2)]

    bars = bars_of(members)

    assert [bar.fraction for bar in bars] == [1.0, 0.5]
    assert {bar.label for bar in bars} == {"n" * 19 + "…"}


def test_a_month_begins_in_the_servers_own_zone_and_thirty_days_end_now() -> None:
    now = datetime(2026, 11, 22, 12, tzinfo=UTC)

    month = span_named("month", now, ZoneInfo("America/New_York"))
    rolling = span_named(THIRTY_DAYS, now, ZoneInfo("America/New_York"))

    assert month.start == datetime(2026, 11, 1, 4, tzinfo=UTC)
    assert rolling.start == datetime(2026, 10, 23, 12, tzinfo=UTC)
    assert rolling.start < now < rolling.end

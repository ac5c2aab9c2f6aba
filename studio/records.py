"""Rows of the jobs table made into values, and values made into columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from sqlalchemy import RowMapping

from studio.lineage import Parent
from studio.models import (
    Cancel,
    Clip,
    Ending,
    Inputs,
    Job,
    JobState,
    Member,
    Notice,
    Order,
    Orientation,
    Place,
    ShotType,
    SourceFile,
    Wishes,
)


def column_value(value: Any) -> Any:
    """What a field of `Job` is stored as."""
    return asdict(value) if isinstance(value, Inputs | Clip | Ending) else value


def parent_columns(parent: Parent | None) -> dict[str, Any]:
    """What an order's parent is stored as."""
    if parent is None:
        return {}
    return {
        "parent_id": parent.job_id,
        "parent_channel_id": parent.channel_id,
        "parent_message_id": parent.message_id,
    }


def to_job(row: RowMapping) -> Job:
    """Read a whole row."""
    return Job(
        order=_order(row),
        state=JobState(row["state"]),
        version=row["version"],
        state_since=row["state_since"],
        wake_at=row["wake_at"],
        inputs=_inputs(row["inputs"]),
        held_usd_micros=row["held_usd_micros"],
        cost_usd_micros=row["cost_usd_micros"],
        provider_job_id=row["provider_job_id"],
        submitted_at=row["submitted_at"],
        expected_at=row["expected_at"],
        rendered_at=row["rendered_at"],
        source_url=row["source_url"],
        clip=None if row["clip"] is None else Clip(**row["clip"]),
        ending=None if row["ending"] is None else Ending(**row["ending"]),
        progress=row["progress"],
        tries=row["tries"],
        cancel=Cancel(row["cancel"]),
        closed_at=row["closed_at"],
        counts=row["counts"],
        removed_at=row["removed_at"],
        purged_at=row["purged_at"],
    )


def to_wishes(document: Mapping[str, Any]) -> Wishes:
    """Read wishes that were stored as JSON, also by an older version."""
    orientation = document["orientation"]
    changed = {
        "orientation": None if orientation is None else Orientation(orientation),
        "shot_type": ShotType(document["shot_type"]),
        "left_out": tuple(document.get("left_out", ())),
        "as_last_time": tuple(document.get("as_last_time", ())),
    }
    return Wishes(**{**document, **changed})


def _order(row: RowMapping) -> Order:
    return Order(
        job_id=row["id"],
        member=Member(row["member_id"], row["member_name"], tuple(row["role_ids"])),
        place=Place(
            guild_id=row["guild_id"],
            channel_id=row["channel_id"],
            answer_id=row["answer_id"],
            thread_id=row["thread_id"],
            card_id=row["card_id"],
            outcome_id=row["outcome_id"],
            outcome_channel_id=row["outcome_channel_id"],
            interaction_token=row["interaction_token"],
        ),
        picture=SourceFile(**row["picture"]),
        video=SourceFile(**row["video"]),
        wishes=to_wishes(row["wishes"]),
        ordered_at=row["created_at"],
        overruled=row["overruled"],
        priority=row["priority"],
        parent=_parent(row),
    )


def _parent(row: RowMapping) -> Parent | None:
    if row["parent_id"] is None:
        return None
    return Parent(row["parent_id"], row["parent_channel_id"], row["parent_message_id"])


def _inputs(value: Mapping[str, Any] | None) -> Inputs | None:
    if value is None:
        return None
    return Inputs(
        **{
            **value,
            "orientation": Orientation(value["orientation"]),
            "notices": tuple(Notice(**notice) for notice in value["notices"]),
        }
    )

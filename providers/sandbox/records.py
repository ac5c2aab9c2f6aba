"""What the sandbox remembers: jobs and uploads, each a small JSON file, so that a restart knows them all."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from pathlib import Path
from typing import Any, Generic, TypeVar

FINISHED = frozenset({"completed", "failed", "cancelled"})


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRecord:
    """One submitted job. Money is in usd_micros; `clip_key` names the clip among the renders.

    `image` and `video` are the fetched inputs' names among the contents (None: could not be fetched).
    `webhook_state` is `none`, `pending`, `sent` or `failed`.
    """

    id: str
    request_id: str
    model: str
    input: dict[str, Any]
    webhook_url: str | None
    created_at: datetime
    pending_until: datetime
    due_at: datetime
    cost: int
    image: str | None
    video: str | None
    seconds: float | None
    status: str = "pending"
    completed_at: datetime | None = None
    refunded: int = 0
    failure_code: str | None = None
    failure_message: str = ""
    clip_key: str | None = None
    clip_path: str | None = None
    stuck: str = ""
    output_after: float = 0.0
    webhook_state: str = "none"

    @property
    def finished(self) -> bool:
        return self.status in FINISHED


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadRecord:
    """One presigned upload; its bytes lie beside it once `size` is known."""

    id: str
    token: str
    filename: str
    content_type: str
    created_at: datetime
    put_until: datetime
    expires_at: datetime
    max_size: int
    size: int | None = None


R = TypeVar("R", JobRecord, UploadRecord)
_MOMENTS = frozenset({"created_at", "pending_until", "due_at", "completed_at", "put_until", "expires_at"})


class Shelf(Generic[R]):
    """Records by id, in memory and as files; a record is written whole or not at all.

    Writing a kilobyte to the page cache takes less time than handing it to a thread would.
    """

    def __init__(self, folder: Path, kind: type[R]) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        names = {field.name for field in fields(kind)}
        self._records: dict[str, R] = {}
        for path in folder.glob("*.json"):
            values = {name: value for name, value in json.loads(path.read_text()).items() if name in names}
            for name in _MOMENTS & values.keys():
                if values[name] is not None:
                    values[name] = datetime.fromisoformat(values[name])
            record = kind(**values)
            self._records[record.id] = record

    def put(self, record: R) -> None:
        values = asdict(record)
        for name in _MOMENTS & values.keys():
            if values[name] is not None:
                values[name] = values[name].isoformat()
        path = self._folder / f"{record.id}.json"
        whole = path.with_suffix(".part")
        whole.write_text(json.dumps(values))
        whole.replace(path)
        self._records[record.id] = record

    def get(self, record_id: str) -> R | None:
        return self._records.get(record_id)

    def remove(self, record_id: str) -> None:
        self._records.pop(record_id, None)
        (self._folder / f"{record_id}.json").unlink(missing_ok=True)

    def newest_first(self) -> list[R]:
        return sorted(self._records.values(), key=lambda record: (record.created_at, record.id), reverse=True)

    def __iter__(self) -> Iterator[R]:
        return iter(list(self._records.values()))

    def __len__(self) -> int:
        return len(self._records)

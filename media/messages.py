"""What workshop, foreman and workers say to each other, in lines of JSON."""

from __future__ import annotations

import errno
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from media.errors import MediaRefused, Reason
from media.facts import Change, ClipFacts, PictureFacts, PreparedClip, PreparedPicture, Sight

FULL_DISK = 100
"""A worker's exit code says with this on top which of these errors it met: no file's fault, and it passes."""

DISK_IS_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS})

Result = ClipFacts | PictureFacts | PreparedClip | PreparedPicture | Sight


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One task with its arguments and limits."""

    task: str
    arguments: Mapping[str, Any]
    memory_bytes: int
    cpu_seconds: int
    file_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """How the worker with this number ended: its answer, and the end of what it wrote to stderr."""

    number: int
    exit_code: int
    answer: str
    tail: str

    def to_line(self) -> bytes:
        return json.dumps(asdict(self)).encode() + b"\n"

    @classmethod
    def from_line(cls, line: bytes) -> Report:
        return cls(**json.loads(line))


def order_line(number: int, request: Request | None) -> bytes:
    """Have a worker with this number do what is requested; None: have it killed."""
    return json.dumps([number, request and asdict(request)]).encode() + b"\n"


def read_order(line: bytes) -> tuple[int, Request | None]:
    number, request = json.loads(line)
    return number, request and Request(**request)


def result_line(result: Result) -> bytes:
    return json.dumps({"result": asdict(result)}).encode()


def results_line(results: Sequence[Result | None]) -> bytes:
    """Several results, None for what came to nothing."""
    return json.dumps({"results": [result and asdict(result) for result in results]}).encode()


def refusal_line(refusal: MediaRefused) -> bytes:
    return json.dumps({"refusal": refusal.reason, "facts": refusal.facts}).encode()


def read_answer(line: str) -> Result:
    """Return the result or raise the refusal; raises `ValueError` for what is no whole answer."""
    answer = json.loads(line)
    if "refusal" in answer:
        raise MediaRefused(Reason(answer["refusal"]), **answer["facts"])
    return _result(answer["result"])


def read_answers(line: str) -> list[Result | None]:
    """The same for several results."""
    return [result and _result(result) for result in json.loads(line)["results"]]


def _result(result: Mapping[str, Any]) -> Result:
    if "score" in result:
        return Sight(**result)
    if "before" not in result:
        return ClipFacts(**result) if "codec" in result else PictureFacts(**result)
    changes = tuple(Change(change) for change in result["changes"])
    if "reencoded" in result:
        return PreparedClip(
            before=ClipFacts(**result["before"]),
            after=ClipFacts(**result["after"]),
            changes=changes,
            reencoded=result["reencoded"],
        )
    return PreparedPicture(
        before=PictureFacts(**result["before"]), after=PictureFacts(**result["after"]), changes=changes
    )

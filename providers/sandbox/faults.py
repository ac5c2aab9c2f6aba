"""What the sandbox does wrong on request: declarations, and the book that says when each one is due.

Three kinds, each used `times` times (None: for ever) after `skip` uses passed unharmed:

    Fault   one answer over HTTP: errors, broken bodies, resets, silence, odd downloads
    Fate    how a submitted job goes: failure, stuck, cost, late output, a twin
    Ring    how a job's webhook goes: none, several, wrongly signed, too early

Those of one endpoint are used in the order in which they were added, so a list of faults makes a sequence.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar


class Reset(StrEnum):
    """When the connection is torn down without an answer."""

    BEFORE = "before"
    """before the request's body is read"""
    DURING = "during"
    """in the middle of the request's body"""
    AFTER = "after"
    """after the body was read; with `processed` the request was carried out"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A wrong answer of one endpoint.

    `on`: submit · estimate · status · list · cancel · presign · put · upload · file · output · poster ·
    catalogue, or `*`. `only`: a job or upload id.
    `processed` carries the request out although it is answered wrongly (a ghost job).
    An error needs `code` (its status is known) or `status` alone (a proxy's HTML); `body` is sent as it is.
    `merge` and `drop` change the keys of a good answer, `change` receives the whole body and returns
    another (bytes are sent as they are). `wrapped` switches the envelope.
    Files: `cut` ends the connection after that fraction (with `stall`: sends nothing more), `chunked`
    leaves out Content-Length, `ranges` False ignores Range, `bytes_per_second` slows down.
    """

    on: str
    times: int | None = 1
    skip: int = 0
    only: str = ""
    processed: bool = False
    delay: float = 0.0
    hang: bool = False
    reset: Reset | None = None
    status: int | None = None
    code: str = ""
    message: str = "On request."
    details: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    content_type: str = ""
    merge: Mapping[str, Any] = field(default_factory=dict)
    drop: tuple[str, ...] = ()
    change: Callable[[Any], Any] | None = None
    wrapped: bool | None = None
    cut: float | None = None
    stall: bool = False
    chunked: bool = False
    ranges: bool = True
    bytes_per_second: int | None = None

    @property
    def carries_out(self) -> bool:
        """Whether the request has its effect."""
        if self.processed:
            return True
        replaced = self.code or self.body is not None or self.status is not None
        return not (replaced or self.hang or self.reset)

    @property
    def spoils_file(self) -> bool:
        return self.cut is not None or self.chunked or not self.ranges or self.bytes_per_second is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fate:
    """How the next submitted job goes.

    `failure` is the code and message that it fails with; `stuck` names the status that it never leaves;
    `straight` skips `processing`; `seconds` and `cost` (usd_micros) replace the usual ones; `output_after` is
    for how many seconds the completed job shows no output (`math.inf`: never); `twin` creates a second job;
    `clip` is a file that is given out instead of the rendered one.
    """

    times: int | None = 1
    skip: int = 0
    failure: tuple[str, str] | None = None
    stuck: str = ""
    straight: bool = False
    seconds: float | None = None
    cost: int | None = None
    output_after: float = 0.0
    twin: bool = False
    clip: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ring:
    """How the webhook of the next job goes; a repeat of a delivery goes like its first try.

    `early` sends one `completed` before the submit is answered, besides the usual one.
    `merge` changes keys before signing, `encode` writes the payload otherwise, `body` replaces it;
    `respell` changes the finished signature; `headers` replaces (None:
    removes) headers after signing; `age` makes the stamp that many seconds old (negative: in the future),
    `stamp` replaces it as it is, both before signing; `secret` replaces ours.
    """

    times: int | None = 1
    skip: int = 0
    silent: bool = False
    copies: int = 1
    early: bool = False
    secret: str | None = None
    age: float = 0.0
    stamp: str | None = None
    merge: Mapping[str, Any] = field(default_factory=dict)
    encode: Callable[[Mapping[str, Any]], bytes] | None = None
    body: bytes | None = None
    respell: Callable[[str], str] | None = None
    headers: Mapping[str, str | None] = field(default_factory=dict)


Declaration = Fault | Fate | Ring
T = TypeVar("T", Fault, Fate, Ring)


class Faults:
    """The book of what is still to go wrong."""

    def __init__(self) -> None:
        self._lines: list[_Line] = []

    def add(self, *declarations: Declaration) -> None:
        self._lines += [_Line(declaration) for declaration in declarations]

    def clear(self) -> None:
        self._lines.clear()

    @property
    def waiting(self) -> tuple[Declaration, ...]:
        """Those that are not used up yet."""
        return tuple(line.declaration for line in self._lines)

    def fault(self, on: str, subject: str) -> Fault | None:
        """Use up the fault that is due for this request, if any."""
        return self._take(
            Fault, lambda fault: fault.on in {on, "*"} and (not fault.only or fault.only == subject)
        )

    def fate(self) -> Fate:
        return self._take(Fate, lambda _: True) or Fate()

    def ring(self, *, early: bool) -> Ring:
        return self._take(Ring, lambda ring: ring.early is early) or Ring()

    def _take(self, kind: type[T], fits: Callable[[T], bool]) -> T | None:
        for line in self._lines:
            declaration = line.declaration
            if isinstance(declaration, kind) and fits(declaration):
                if line.passes():
                    return None
                if line.used_up():
                    self._lines.remove(line)
                return declaration
        return None


class _Line:
    """One declaration and how often it was met and used."""

    def __init__(self, declaration: Declaration) -> None:
        self.declaration = declaration
        self._to_skip = declaration.skip
        self._left = declaration.times

    def passes(self) -> bool:
        if self._to_skip:
            self._to_skip -= 1
            return True
        return False

    def used_up(self) -> bool:
        if self._left is None:
            return False
        self._left -= 1
        return self._left <= 0

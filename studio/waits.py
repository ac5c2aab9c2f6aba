"""How long the studio waits for the provider before it does something else."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Waits:
    """All in seconds.

    `slow`              a render that takes longer is called slow on its card
    `give_up_render`    the member is not kept waiting longer for a render
    `give_up_fetching`  … nor for a finished render's file
    `late`              how long after its submit a render that was given up is still taken
    `late_look`         the first pause between two looks at one that was given up; it doubles, up to an hour
    `missing`           how long the provider may not know a job that it accepted
    `empty`             how long a completed render may show no result
    `upload`            the first pause after a file that did not get to the provider alone; it doubles
    `unshown`           until an answer is shown again that Discord did not take, before a price is asked anew
    `probe`             the first rest of the queue after a problem that the operator must mend; it doubles
    `longest_probe`     … up to this
    `price`             the first rest of the queue after a charge above what was held
    `slot`              after how long a slot that the provider refused is tried again
    """

    slow: float = 600.0
    give_up_render: float = 3600.0
    give_up_fetching: float = 3600.0
    late: float = 86_400.0
    late_look: float = 60.0
    missing: float = 600.0
    empty: float = 120.0
    upload: float = 3.0
    unshown: float = 30.0
    probe: float = 60.0
    longest_probe: float = 900.0
    price: float = 3600.0
    slot: float = 300.0

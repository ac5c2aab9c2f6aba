"""The named points between two statements at which a test may have the process killed.

`ANIMATE_CRASH_AT=name` ends the process, as SIGKILL would, when it passes that point; `name:3` when it does
so for the third time.
"""

from __future__ import annotations

import os

POINTS = (
    # taking an order
    "register.promised",
    "animate.answered",
    "register.recorded",
    "animate.recorded",
    "front.answer_noted",
    "front.cancel_recorded",
    "front.abandoned",
    "register.refused",
    "taking.withdrawn",
    "recovery.recorded",
    # received
    "desk.thread_started",
    "intake.conversation_opened",
    # preparing
    "intake.sources_stored",
    "intake.inputs_stored",
    "intake.inputs_recorded",
    "intake.sources_deleted",
    "intake.illustrated",
    "intake.held",
    # pending_approval
    "asking.posted",
    "asking.posted_recorded",
    "hearing.answered",
    "asking.answer_shown",
    # queued, submitting, unknown
    "work.slots_given",
    "ordering.picture_uploaded",
    "ordering.uploaded",
    "ordering.estimated",
    "ordering.hold_raised",
    "ordering.attempt_opened",
    "ordering.submitted",
    "ordering.attempt_accepted",
    "ordering.charge_settled",
    "ordering.attempt_doubted",
    "ordering.candidates_read",
    "ordering.attempt_abandoned",
    "ordering.attempt_refused",
    "ordering.queue_paused",
    "reconciling.attempt_disputed",
    "reconciling.disputed",
    "reconciling.given_up",
    "doorbell.render_set_aside",
    "twins.booked",
    "twins.refunded",
    # rendering
    "rendering.status_read",
    "rendering.cancel_answered",
    "rendering.cancel_refused",
    "rendering.refunded_for_another_try",
    "rendering.held_for_another_try",
    # fetching, delivering
    "delivery.downloaded",
    "delivery.verified",
    "delivery.clip_stored",
    "delivery.posted",
    # every end
    "endings.hold_released",
    "endings.refunded",
    "delivery.reported",
    "delivery.report_recorded",
    "delivery.report_corrected",
    "lateness.render_taken",
    "lateness.refund_entered",
    "desk.card_concluded",
    "delivery.concluded",
    "delivery.files_deleted",
    "delivery.purged",
    # after each step's transaction
    "work.rested",
    "work.closed",
    "work.moved_to_preparing",
    "work.moved_to_pending_approval",
    "work.moved_to_queued",
    "work.moved_to_submitting",
    "work.moved_to_unknown",
    "work.moved_to_rendering",
    "work.moved_to_fetching",
    "work.moved_to_delivering",
    "work.moved_to_delivered",
    "work.moved_to_failed",
    "work.moved_to_cancelled",
    "work.moved_to_refused",
    "work.moved_to_expired",
)

EXIT_CODE = 137
"""What a shell calls a process that was killed by SIGKILL."""


class _Fuse:
    """Counts the passages of the one armed point."""

    def __init__(self, wanted: str) -> None:
        self._name, _, number = wanted.partition(":")
        if self._name not in POINTS:
            raise ValueError(f"ANIMATE_CRASH_AT names no crash point: {self._name}")
        self._left = int(number or 1)

    def burn(self, name: str) -> None:
        if name == self._name:
            self._left -= 1
            if self._left <= 0:
                # No clean-up of any kind: not even buffers are written.
                os._exit(EXIT_CODE)


_wanted = os.environ.get("ANIMATE_CRASH_AT")
_fuse = _Fuse(_wanted) if _wanted else None


def passing(name: str) -> None:
    """Tell that the named point is being passed; nothing happens unless a test has armed it."""
    if _fuse is not None:
        _fuse.burn(name)

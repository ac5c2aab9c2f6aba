"""What a finished clip lacks of what was ordered: it is taken all the same, and said."""

from __future__ import annotations

from studio.models import Clip, Job, Notice

SHORTER_SECONDS, SHORTER_SHARE = 0.5, 0.05
"""How much shorter than the video a clip may be before that is worth a word: providers count frames."""


def remarks_on(job: Job, clip: Clip) -> tuple[Notice, ...]:
    """Return what the member should know; the size in pixels stands below every clip anyway."""
    inputs = job.inputs
    if inputs is None:
        return ()
    remarks = []
    if inputs.seconds - clip.seconds > max(SHORTER_SECONDS, inputs.seconds * SHORTER_SHARE):
        facts = {"seconds": clip.seconds, "asked": inputs.seconds}
        remarks.append(Notice("notice_result_shorter", facts))
    if inputs.has_sound and job.order.wishes.keep_sound and not clip.has_sound:
        remarks.append(Notice("notice_result_silent"))
    return tuple(remarks)

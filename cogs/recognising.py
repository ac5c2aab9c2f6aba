"""Which of our messages is a job's own, as far as the message itself proves it."""

from __future__ import annotations

from enum import Enum

import discord

from cogs.cards import AGAIN_PREFIX
from cogs.moderation.request_cards import custom_ids
from studio.models import Job

WRITTEN = frozenset({discord.MessageType.default, discord.MessageType.reply})


class Sought(Enum):
    """What an earlier try may have posted."""

    CARD = "card"
    CLIP = "clip"
    REPORT = "report"


def shows_clip(message: discord.Message, job: Job) -> bool:
    """Whether it has the button that no other message has."""
    return f"{AGAIN_PREFIX}{job.id}" in custom_ids(message.components)


def is_it(message: discord.Message, job: Job, sought: Sought, *, own_thread: bool) -> bool:
    """Whether the message is what is sought of this job.

    Others' messages may stand in the job's own thread, too: orders that were made there, clips that were
    brought back. A message that the job knows already told of an earlier end: that it was given up.
    """
    place = job.place
    if message.type not in WRITTEN or message.id == place.outcome_id:
        return False
    if message.flags.components_v2 is not (sought is Sought.CARD):
        return False
    if shows_clip(message, job):
        # A clip that got through also spares its job a report.
        return sought is not Sought.CARD
    ids = set(custom_ids(message.components))
    if sought is Sought.CLIP or not all(custom_id.endswith(job.id) for custom_id in ids):
        return False
    if sought is Sought.REPORT and (message.attachments or message.interaction_metadata is not None):
        return False
    reference = message.reference.message_id if message.reference else None
    return reference == place.answer_id or (own_thread and reference is None)

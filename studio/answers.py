"""The messages of questions that were answered: they show how, once each."""

from __future__ import annotations

from collections.abc import Sequence

import structlog

from studio.crashpoints import passing
from studio.equipment import Equipment
from studio.errors import DeskError, DeskUnavailable
from studio.models import Job
from studio.moderation import approvals
from studio.moderation.questions import Question, Standing

log = structlog.get_logger(__name__)


async def show_answers(equipment: Equipment, job: Job, questions: Sequence[Question]) -> bool:
    """Have the messages show their answers; False when one could not be reached just now."""
    reached = True
    for question in questions:
        if question.state is Standing.OPEN or question.message_id is None:
            continue
        try:
            await equipment.desk.show_answer(job, question)
        except DeskUnavailable:
            reached = False
            continue
        except DeskError as error:
            log.info("question_not_settled", job_id=job.id, error=error.code)
        passing("asking.answer_shown")
        async with equipment.database.write() as connection:
            await approvals.settled(connection, question)
    return reached

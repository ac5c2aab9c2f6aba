"""What a refusal means for the job: PixelByte's codes and statuses become the leaves of `studio.errors`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from providers.envelope import Answer, as_object, as_text
from studio.errors import (
    CancelTooLate,
    InputRejected,
    OperatorMustAct,
    OperatorProblem,
    ProviderBusy,
    ProviderError,
    ProviderUnavailable,
    RemoteJobUnknown,
    SubmitUnclear,
)

_OPERATOR_CODES: Mapping[str, OperatorProblem] = {
    **dict.fromkeys(
        (
            "UNAUTHORIZED",
            "INVALID_API_KEY",
            "API_KEY_INACTIVE",
            "API_KEY_EXPIRED",
            "INVALID_SESSION",
            "INVALID_WORKER_SECRET",
            "USER_NOT_FOUND",
        ),
        OperatorProblem.KEY,
    ),
    "INSUFFICIENT_BALANCE": OperatorProblem.BALANCE,
    **dict.fromkeys(
        ("IP_NOT_WHITELISTED", "OPERATION_NOT_ALLOWED", "USER_BANNED", "USER_INACTIVE", "FORBIDDEN"),
        OperatorProblem.ACCESS,
    ),
    **dict.fromkeys(
        (
            "MODEL_ACCESS_DENIED",
            "MODEL_NOT_FOUND",
            "MODEL_VERSION_NOT_FOUND",
            "MODEL_VERSION_NOT_ACTIVE",
            "INVALID_MODEL_SLUG",
        ),
        OperatorProblem.MODEL,
    ),
}

_OPERATOR_STATUSES: Mapping[int, OperatorProblem] = {
    401: OperatorProblem.KEY,
    402: OperatorProblem.BALANCE,
    403: OperatorProblem.ACCESS,
    405: OperatorProblem.ACCESS,
    407: OperatorProblem.ACCESS,
}

_OPERATOR_WORDS: tuple[tuple[OperatorProblem, re.Pattern[str]], ...] = (
    (
        OperatorProblem.BALANCE,
        re.compile(r"insufficient (?:balance|funds|credits?)|balance is too low|top up"),
    ),
    (
        OperatorProblem.KEY,
        re.compile(r"(?:invalid|expired|inactive|missing|unknown) api key|api key (?:is|has)\b"),
    ),
    (OperatorProblem.ACCESS, re.compile(r"not whitelisted|account (?:is|was) (?:banned|suspended|inactive)")),
    (
        OperatorProblem.MODEL,
        re.compile(r"model (?:is |was )?(?:not found|not available|deprecated|disabled)"),
    ),
)
_CONTENT_WORDS = re.compile(
    r"content polic|policy violation|moderat|risk control|nsfw|nudity|celebrit|photorealistic"
    r"|(?:prohibited|inappropriate|unsafe|harmful|explicit|sensitive) (?:content|image|video|prompt|input)"
)
_BUSY_WORDS = re.compile(
    r"too many (?:concurrent |parallel )?(?:requests|jobs|tasks)|rate limit|concurren\w+ limit"
)
"""What an unknown code of a refusal (400 to 499) may say in words; a status alone would blame the member."""

_FULL_WORDS = re.compile(r"concurren|parallel")

_CONTENT_CODES = frozenset({"INVALID_INPUT", "VALIDATION_ERROR", "INVALID_CONTENT_TYPE"})
_BROKEN_CODES = frozenset({"INTERNAL_ERROR", "CONFIG_ERROR", "PUBSUB_PUBLISH_FAILED"})

_SURE_REDIRECTS = frozenset({301, 307, 308})
"""Answers that say "elsewhere" before anything is done; after a POST, 302 and 303 may also mean "done"."""


class WebhookRefused(InputRejected):
    """Only the webhook's address was refused, so the order may be given once more without it."""


def submit_error(answer: Answer) -> ProviderError:
    """Class the refusal of a submit; `SubmitUnclear` for everything after which the job may exist (C20)."""
    unclear = SubmitUnclear(answer.reason, request_id=answer.request_id)
    if answer.status >= 500 or answer.status in (408, 425, 499) or answer.code in _BROKEN_CODES:
        return unclear
    if 300 <= answer.status < 400:
        return _redirected(answer) if answer.status in _SURE_REDIRECTS else unclear
    if answer.status < 300 and answer.fields and _names_a_job(answer.fields):
        return unclear
    if answer.code == "INVALID_WEBHOOK_URL":
        return WebhookRefused(answer.reason, request_id=answer.request_id)
    known = _by_code(answer)
    if known is not None:
        return known
    if answer.status < 400:
        return unclear
    return (
        _by_words(answer)
        or _by_status(answer)
        or (_guessed(answer, OperatorProblem.MODEL) if answer.status == 404 else _rejected(answer))
    )


def call_error(answer: Answer) -> ProviderError:
    """Class the refusal of a call that may be repeated and is not about one job."""
    if 300 <= answer.status < 400:
        return _redirected(answer)
    if answer.status >= 500 or answer.code in _BROKEN_CODES:
        return _unavailable(answer)
    return (
        _by_code(answer)
        or _by_words(answer)
        or _by_status(answer)
        or (_rejected(answer) if answer.status in (400, 409, 413, 415, 422) else _unavailable(answer))
    )


def job_error(answer: Answer) -> ProviderError:
    """Class the refusal of a call about one job, status or cancel.

    A 404 that is not JSON is a proxy's or a wrong address's, and says nothing about the job. Another
    account's job is as good as unknown: it must not hold up the queue of the account that we have.
    """
    if answer.code == "JOB_CANNOT_BE_CANCELLED":
        return CancelTooLate(answer.reason, request_id=answer.request_id)
    unknown = answer.code in {"JOB_NOT_FOUND", "NOT_FOUND", "UNAUTHORIZED_ACCESS"}
    if answer.status < 500 and (unknown or (answer.status in (404, 410) and _no_code_we_know(answer))):
        return RemoteJobUnknown(answer.reason, request_id=answer.request_id)
    error = call_error(answer)
    # The job's own input is not judged here any more: a refusal says nothing about the job.
    return _unavailable(answer) if isinstance(error, InputRejected) else error


def _names_a_job(fields: Mapping[str, Any]) -> bool:
    return any(as_text(fields.get(name)) for name in ("jobId", "job_id"))


def _no_code_we_know(answer: Answer) -> bool:
    return bool(answer.fields) and _by_code(answer) is None


def _by_code(answer: Answer) -> ProviderError | None:
    code = (answer.code or "").upper()
    if code in _OPERATOR_CODES:
        return _operator(answer, _OPERATOR_CODES[code])
    if code in _CONTENT_CODES:
        return _rejected(answer)
    return _busy(answer) if code == "CONCURRENT_JOBS_EXCEEDED" else None


def _by_words(answer: Answer) -> ProviderError | None:
    if not 400 <= answer.status < 500:
        return None
    words = _words(answer)
    for problem, pattern in _OPERATOR_WORDS:
        if pattern.search(words):
            return _operator(answer, problem)
    if _BUSY_WORDS.search(words):
        return _busy(answer)
    if answer.status not in (401, 402, 429) and _CONTENT_WORDS.search(words):
        return InputRejected(answer.reason, code="render_moderated", request_id=answer.request_id)
    return None


def _words(answer: Answer) -> str:
    return re.sub(r"[\s_]+", " ", f"{answer.code or ''} {answer.message}").casefold()


def _by_status(answer: Answer) -> ProviderError | None:
    if answer.status in _OPERATOR_STATUSES:
        return _guessed(answer, _OPERATOR_STATUSES[answer.status])
    return _busy(answer) if answer.status == 429 else None


def _operator(answer: Answer, problem: OperatorProblem) -> OperatorMustAct:
    return OperatorMustAct(answer.reason, problem=problem, request_id=answer.request_id)


def _guessed(answer: Answer, problem: OperatorProblem) -> OperatorMustAct:
    return OperatorMustAct(answer.reason, problem=problem, guessed=True, request_id=answer.request_id)


def _redirected(answer: Answer) -> OperatorMustAct:
    """The key never follows a redirect (C12), so somebody has to correct PIXELBYTE_API_URL."""
    return _operator(answer, OperatorProblem.ACCESS)


def _busy(answer: Answer) -> ProviderBusy:
    """The provider takes no more renders, or no more questions; a 429 that names nothing may be either."""
    full = answer.code is None or _FULL_WORDS.search(_words(answer)) is not None
    return ProviderBusy(
        answer.reason, retry_after=answer.retry_after, full=full, request_id=answer.request_id
    )


def _unavailable(answer: Answer) -> ProviderUnavailable:
    return ProviderUnavailable(answer.reason, request_id=answer.request_id)


def _rejected(answer: Answer) -> InputRejected:
    field = rejected_field(answer.details)
    facts = {} if field is None else {"field": field}
    return InputRejected(answer.reason, request_id=answer.request_id, **facts)


def rejected_field(details: Any, *, depth: int = 4) -> str | None:
    """Find the name of the refused field in `details`, whose form is documented nowhere."""
    if depth == 0:
        return None
    if isinstance(details, list):
        names = (rejected_field(part, depth=depth - 1) for part in details[:20])
        return next((name for name in names if name is not None), None)
    fields = as_object(details)
    for key in ("field", "path", "param", "property"):
        value = fields.get(key)
        if isinstance(value, list):
            value = ".".join(part for part in value[:5] if isinstance(part, str))
        name = as_text(value, longest=80) if isinstance(value, str) else None
        if name is not None:
            return name.removeprefix("input.")
    for key in ("errors", "issues", "fields"):
        nested = fields.get(key)
        if isinstance(nested, list):
            return rejected_field(nested, depth=depth - 1)
        if isinstance(nested, dict) and nested:
            return as_text(next(iter(nested)), longest=80)
    return None

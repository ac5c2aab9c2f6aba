"""The errors of the studio, drawn as a tree; each carries a text code, its facts and whether money moved.

    StudioError
    ├── OrderRefused              not taken at all: told privately, before anything is accepted
    │   ├── LimitReached          a share, cap or budget is used up; moderators may be asked for some of them
    │   ├── ConsentNeeded         the member has not yet given their word on likenesses
    │   └── NotYours              it is somebody else's: the try is logged
    ├── InputRefused              a file cannot be used: the member can fix it
    ├── FetchFailed               a file could not be fetched (attachment or result)
    │   ├── FetchForbidden        the address or a redirect is one that we never follow
    │   ├── FetchTooLarge         more bytes than the cap
    │   └── FetchInterrupted      network trouble; trying again may help
    ├── ProviderError             the renderer said no, or nothing
    │   ├── InputRejected         our request was refused for its content: final, nothing was created
    │   ├── ProviderBusy          wait `retry_after` seconds; nothing was created
    │   ├── ProviderUnavailable   could not be reached or failed; the call may be repeated
    │   │   └── UploadRefused     this file does not get there although others do; nothing was created
    │   ├── OperatorMustAct       balance, key, access or model: hold the queue, tell the operator once
    │   ├── SubmitUnclear         a submit may or may not have been accepted: reconcile, never repeat
    │   ├── RemoteJobUnknown      the provider does not know this job id
    │   └── CancelTooLate         the provider no longer lets this job be cancelled
    └── DeskError                 Discord did not take a message
        ├── DeskGone              the place is gone or closed to us for good
        ├── DeskUnavailable       Discord is down or slow; try again after `retry_after` seconds
        └── ClipTooLarge          the upload limit here is below the clip's size

The sentence that a user reads is made from code and facts by `studio.texts.say`.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from studio import texts


class StudioError(Exception):
    """Base of everything that we foresee.

    `code` names the text, `facts` fill it; `charged` says whether money was taken and stays taken.
    """

    default_code = "internal"

    def __init__(self, code: str | None = None, /, *, charged: bool = False, **facts: Any) -> None:
        self.code = code or self.default_code
        self.facts = facts
        self.charged = charged
        super().__init__(self.code, facts)

    @property
    def sentence(self) -> str:
        """What the member reads."""
        return texts.say(self.code, **self.facts)


class OrderRefused(StudioError):
    """The order is not taken; shown only to the member, nothing was created or charged."""


class LimitReached(OrderRefused):
    """`can_ask`: the server's moderators may let this order pass the limit."""

    def __init__(self, code: str, /, *, can_ask: bool = False, **facts: Any) -> None:
        super().__init__(code, **facts)
        self.can_ask = can_ask


class ConsentNeeded(OrderRefused):
    """The order goes on when its member agrees to what the sentence says."""

    default_code = "consent_needed"


class NotYours(OrderRefused):
    """Only somebody else may do that with theirs."""

    default_code = "result_not_yours"


class InputRefused(StudioError):
    """A picture or video cannot be used; the sentence says why and how to fix it."""


class FetchFailed(StudioError):
    default_code = "fetch_failed"


class FetchForbidden(FetchFailed):
    """The address is on no allowed host, is private, or answered with a redirect."""

    default_code = "fetch_forbidden"


class FetchTooLarge(FetchFailed):
    """More than `limit` bytes."""

    default_code = "fetch_too_large"


class FetchInterrupted(FetchFailed):
    """The transfer broke or never began; `status` is the HTTP status if there was one."""

    default_code = "fetch_interrupted"

    def __init__(self, code: str | None = None, /, *, status: int | None = None, **facts: Any) -> None:
        super().__init__(code, **facts)
        self.status = status


class ProviderError(StudioError):
    """`reason` is the provider's own code and message, for the log and never for the member."""

    default_code = "provider_failed"

    def __init__(
        self,
        reason: str = "",
        /,
        *,
        code: str | None = None,
        request_id: str | None = None,
        **facts: Any,
    ) -> None:
        super().__init__(code, **facts)
        self.reason = reason
        self.request_id = request_id
        self.args = (self.code, reason, request_id)

    @property
    def quotable(self) -> str:
        """The reason with the id by which the provider's support finds the request, for the operator."""
        return f"{self.reason} (request {self.request_id})" if self.request_id else self.reason


class InputRejected(ProviderError):
    default_code = "provider_rejected_input"


class ProviderBusy(ProviderError):
    """`retry_after` is in seconds, already clamped to 1–300; `full`: for too many renders, not questions."""

    default_code = "provider_busy"

    def __init__(
        self, reason: str = "", /, *, retry_after: float = 30.0, full: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(reason, **kwargs)
        self.retry_after = retry_after
        self.full = full


class ProviderUnavailable(ProviderError):
    default_code = "provider_unavailable"


class UploadRefused(ProviderUnavailable):
    default_code = "upload_refused"


class OperatorProblem(StrEnum):
    BALANCE = "balance"
    KEY = "key"
    ACCESS = "access"
    MODEL = "model"
    PRICE = "price"


class OperatorMustAct(ProviderError):
    """`guessed`: only the status says so, so it may be about this one order after all."""

    default_code = "waiting_for_operator"

    def __init__(
        self, reason: str = "", /, *, problem: OperatorProblem, guessed: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(reason, **kwargs)
        self.problem = problem
        self.guessed = guessed


class SubmitUnclear(ProviderError):
    default_code = "submit_unclear"


class RemoteJobUnknown(ProviderError):
    default_code = "provider_lost_job"


class CancelTooLate(ProviderError):
    default_code = "cancel_too_late"


class DeskError(StudioError):
    default_code = "discord_failed"


class DeskGone(DeskError):
    default_code = "discord_gone"


class DeskUnavailable(DeskError):
    default_code = "discord_unavailable"

    def __init__(self, code: str | None = None, /, *, retry_after: float = 15.0, **facts: Any) -> None:
        super().__init__(code, **facts)
        self.retry_after = retry_after


class ClipTooLarge(DeskError):
    """`limit` is the number of bytes that the place is believed to take."""

    default_code = "clip_too_large"

    def __init__(self, *, limit: int) -> None:
        super().__init__(limit=limit)
        self.limit = limit

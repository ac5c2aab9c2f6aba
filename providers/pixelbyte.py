"""PixelByte's jobs API as the studio's `Provider`; the sandbox looks the same from here."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from pathlib import Path

import aiohttp
import structlog

from providers import wire
from providers.addresses import HostRules, listed_hosts, own_host
from providers.calls import Calls
from providers.downloads import Downloads
from providers.envelope import Answer
from providers.readers import (
    Page,
    read_estimate,
    read_job,
    read_job_id,
    read_known_state,
    read_page,
    read_refund,
    read_submission,
)
from providers.refusals import WebhookRefused, call_error, job_error, submit_error
from providers.uploads import Uploads
from studio.errors import (
    CancelTooLate,
    InputRejected,
    OperatorMustAct,
    ProviderUnavailable,
    RemoteJobUnknown,
    SubmitUnclear,
)
from studio.fingerprints import Fingerprints
from studio.ports import Clock, RemoteJob, RemoteListing, RemoteState, RenderRequest, Submission

log = structlog.get_logger(__name__)

MOST_PAGES = 500
MOST_EMPTY_PAGES = 5
"""In succession: who looks for our model only within each page may have such."""

MADE_UP_JOB_ID = "job_00000000000000000000000000000000"


def provider_hosts(base_url: str, output_hosts: Iterable[str]) -> HostRules:
    """The hosts that files go to and come from: those listed, and the API's own on any port."""
    return listed_hosts(output_hosts) | own_host(base_url, any_port=True)


class PixelByte:
    """The client of one account.

    `session` comes from `guarded_session(provider_hosts(…), …)`; it is not closed here. `output_hosts` are
    entries such as `*.muvi.video`. `first_pause` is the first pause between tries, in seconds.
    """

    def __init__(
        self,
        *,
        session: aiohttp.ClientSession,
        base_url: str,
        key: str,
        output_hosts: Iterable[str],
        clock: Clock,
        first_pause: float = 0.5,
    ) -> None:
        listed = tuple(output_hosts)
        self._hosts = provider_hosts(base_url, listed)
        self._calls = Calls(session=session, base_url=base_url, key=key, clock=clock, first_pause=first_pause)
        self._uploads = Uploads(
            calls=self._calls, session=session, hosts=self._hosts, first_pause=first_pause
        )
        self._downloads = Downloads(
            session=session,
            hosts=self._hosts,
            redirect_hosts=listed_hosts(listed) | own_host(base_url, any_port=False),
            first_pause=first_pause,
        )

    async def estimate(self, request: RenderRequest, *, seconds: float) -> int | None:
        """Return the provider's own figure for this input, which may or may not mind the clip's length.

        None when it states no usable one: the estimate's form is disputed (C13), so what it refuses for its
        content, or with a code that nobody knows, is left for the submit to judge.
        """
        try:
            answer = await self._calls.repeatable(
                "POST", wire.ESTIMATE_PATH, body=wire.estimate_body(request), classify=call_error
            )
        except (InputRejected, OperatorMustAct) as error:
            if isinstance(error, OperatorMustAct) and not error.guessed:
                raise
            log.warning("estimate_refused", reason=error.reason, request_id=error.request_id)
            return None
        price = read_estimate(answer)
        log.info("estimated", usd_micros=price, seconds=seconds, request_id=answer.request_id)
        return price

    async def upload(self, path: Path, *, content_type: str, careful: bool = False) -> str:
        return await self._uploads.upload(path, content_type, careful=careful)

    async def submit(self, request: RenderRequest) -> Submission:
        """Order the render with one POST, or two if the first is refused for nothing but its webhook."""
        try:
            return await self._submit_once(request, webhook=True)
        except WebhookRefused as error:
            log.warning("webhook_refused", reason=error.reason, request_id=error.request_id)
        return await self._submit_once(request, webhook=False)

    async def status(self, provider_job_id: str) -> RemoteJob:
        """Read one render; a failure that comes with HTTP 500 is one all the same (F31)."""
        answer = await self._calls.repeatable(
            "GET",
            wire.job_path(provider_job_id),
            classify=job_error,
            usable=lambda answer: answer.accepted or _is_about(answer, provider_job_id),
        )
        job = read_job(answer, provider_job_id, allowed=self._hosts.permits)
        if job is None:
            raise ProviderUnavailable(f"{answer.reason}: no status", request_id=answer.request_id)
        return job

    async def recent(self) -> AsyncIterator[RemoteListing]:
        """Iterate over our model's renders as listed, each once; the filter that is asked for may be ignored.

        A list that breaks off ends quietly as long as it ran newest first, since only older renders are
        missing then; otherwise raises `ProviderUnavailable`, so that nobody takes it for the whole.
        """
        seen = Fingerprints()
        cursors: set[str] = set()
        cursor: str | None = None
        order = _Order()
        empty = 0
        for _ in range(MOST_PAGES):
            try:
                page = await self._page(cursor)
            except InputRejected as error:
                if cursor is None:
                    raise
                order.broken_off(error.reason)
                return
            known = len(seen)
            for listing in page.listings:
                if seen.add(listing.provider_job_id):
                    order.note(listing)
                    if not wire.is_another_model(listing.model):
                        yield listing
            if not page.more:
                return
            if page.cursor is None or page.cursor in cursors:
                order.broken_off("no further cursor")
                return
            empty = 0 if page.listings else empty + 1
            if (page.listings and len(seen) == known) or empty > MOST_EMPTY_PAGES:
                order.broken_off("nothing new on a further page")
                return
            cursors.add(page.cursor)
            cursor = page.cursor
        order.broken_off("too many pages")

    async def cancel(self, provider_job_id: str) -> int | None:
        """Cancel once; whether a cancel without an answer worked, the status will say."""
        answer = await self._calls.once("POST", wire.cancel_path(provider_job_id))
        if not answer.accepted:
            raise job_error(answer)
        state = read_known_state(answer.fields.get("status"))
        if state is RemoteState.PENDING:
            raise ProviderUnavailable(f"{answer.reason}: still pending", request_id=answer.request_id)
        if state not in (None, RemoteState.CANCELLED):
            raise CancelTooLate(answer.reason, request_id=answer.request_id)
        return read_refund(answer)

    async def download(self, url: str, target: Path) -> int:
        return await self._downloads.download(url, target)

    async def check_key(self) -> None:
        """Ask for a job that cannot exist: an account that may ask is told so.

        Raises `OperatorMustAct` for a key that does not work, the other leaves when nothing can be said.
        """
        try:
            await self.status(MADE_UP_JOB_ID)
        except RemoteJobUnknown:
            return

    async def _submit_once(self, request: RenderRequest, *, webhook: bool) -> Submission:
        answer = await self._calls.submit(wire.SUBMIT_PATH, wire.submit_body(request, webhook=webhook))
        if not answer.accepted:
            raise submit_error(answer)
        submission = read_submission(answer)
        if submission is None:
            raise SubmitUnclear(f"{answer.reason}: no job id", request_id=answer.request_id)
        log.info(
            "submitted",
            provider_job_id=submission.provider_job_id,
            request_id=submission.request_id,
            cost_usd_micros=submission.cost_usd_micros,
        )
        return submission

    async def _page(self, cursor: str | None) -> Page:
        answer = await self._calls.repeatable(
            "GET", wire.LIST_PATH, query=wire.list_query(cursor), classify=call_error
        )
        page = read_page(answer)
        if page is None:
            raise ProviderUnavailable(f"{answer.reason}: no list", request_id=answer.request_id)
        return page


class _Order:
    """Watches whether a list runs newest first, which PixelByte states nowhere."""

    def __init__(self) -> None:
        self._newest_first = True
        self._last: RemoteListing | None = None

    def note(self, listing: RemoteListing) -> None:
        before = self._last.created_at if self._last else None
        if before is not None and (listing.created_at is None or listing.created_at > before):
            self._newest_first = False
        self._last = listing

    def broken_off(self, reason: str) -> None:
        log.warning("provider_list_broken_off", reason=reason, newest_first=self._newest_first)
        if not self._newest_first:
            raise ProviderUnavailable(f"the list of jobs broke off: {reason}")


def _is_about(answer: Answer, provider_job_id: str) -> bool:
    """Whether an error answer carries the job itself, not just a word that looks like a state.

    The job's own `error` makes a failed one look like an error envelope.
    """
    if read_known_state(answer.fields.get("status")) is None:
        return False
    named = read_job_id(answer.fields)
    return named == provider_job_id or (named is None and answer.status < 300 and not answer.denied)

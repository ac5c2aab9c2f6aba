"""One call to PixelByte's API over HTTP: key, rate, time-outs, size cap, repetition where that is safe."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import aiohttp
import stamina
import structlog
from yarl import URL

from providers.envelope import Answer, read_answer
from providers.pace import Pace
from providers.readers import read_job_id
from studio.errors import ProviderError, ProviderUnavailable, SubmitUnclear
from studio.ports import Clock

log = structlog.get_logger(__name__)

MOST_ANSWER_BYTES = 1024 * 1024
CALL_TIMEOUT = aiohttp.ClientTimeout(total=30, sock_connect=10)
SUBMIT_TIMEOUT = aiohttp.ClientTimeout(total=90, sock_connect=10)
"""A submit is waited for longer: giving up on one costs minutes of looking for its job."""

NOT_SENT = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError)
"""What aiohttp raises while it is still connecting; on a fresh connection nothing of the request has left."""

SLOTS_FULL = "CONCURRENT_JOBS_EXCEEDED"
"""The one 429 that is not about how often we ask."""

Classify = Callable[[Answer], ProviderError]


class Calls:
    """The API's side of the wire. Knows how to ask, not what for.

    Not a redirect is followed, so the key goes to the configured host alone.
    """

    def __init__(
        self,
        *,
        session: aiohttp.ClientSession,
        base_url: str,
        key: str,
        clock: Clock,
        first_pause: float = 0.5,
    ) -> None:
        self._session = session
        self._base = URL(base_url.rstrip("/") + "/")
        self._headers = {"Authorization": f"Bearer {key}", "Accept": "application/json"}
        self._clock = clock
        self._first_pause = first_pause
        self._pace = Pace()

    async def repeatable(
        self,
        method: str,
        path: str,
        *,
        classify: Classify,
        body: Mapping[str, Any] | None = None,
        query: Mapping[str, str] | None = None,
        usable: Callable[[Answer], bool] = lambda answer: answer.accepted,
    ) -> Answer:
        """Ask, up to four times while the provider cannot answer, and return an answer that is `usable`.

        Raises what `classify` makes of any other answer; `ProviderUnavailable` when there was none.
        """
        async for attempt in stamina.retry_context(
            on=ProviderUnavailable,
            attempts=4,
            timeout=60,
            wait_initial=self._first_pause,
            wait_max=8,
            wait_jitter=self._first_pause,
        ):
            with attempt:
                answer = await self.once(method, path, body=body, query=query)
                if not usable(answer):
                    raise classify(answer)
        return answer

    async def once(
        self,
        method: str,
        path: str,
        *,
        body: Mapping[str, Any] | None = None,
        query: Mapping[str, str] | None = None,
    ) -> Answer:
        """Ask once and return whatever was answered.

        Raises `ProviderUnavailable` when nothing was, `ProviderBusy` while the provider is not to be asked.
        """
        await self._pace.turn(ordering=method == "POST")
        try:
            return await self._exchange(method, path, json=body, params=query, timeout=CALL_TIMEOUT)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            log.warning("provider_not_reached", method=method, path=path, error=type(error).__name__)
            raise ProviderUnavailable(f"{method} {path}: {type(error).__name__}") from error

    async def submit(self, path: str, body: Mapping[str, Any]) -> Answer:
        """Ask exactly once, on a connection of its own.

        Raises `ProviderUnavailable` only if no byte of the request can have left, else `SubmitUnclear`.
        """
        # Everything before it was let through just now: what the provider says to this counts.
        await self._pace.turn(ordering=True, anyway=True)
        try:
            # A server name of its own gives the call a connection of its own in aiohttp's pool: on a kept
            # one that the server closes just then, nobody could tell whether the order had arrived.
            return await self._exchange(
                "POST",
                path,
                json=body,
                timeout=SUBMIT_TIMEOUT,
                server_hostname=self._base.host,
                headers={**self._headers, "Connection": "close"},
            )
        except NOT_SENT as error:
            log.warning("provider_not_reached", method="POST", path=path, error=type(error).__name__)
            raise ProviderUnavailable(f"POST {path}: {type(error).__name__}") from error
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            log.warning("submit_unanswered", path=path, error=type(error).__name__)
            raise SubmitUnclear(f"POST {path}: {type(error).__name__}") from error

    async def _exchange(self, method: str, path: str, **options: Any) -> Answer:
        options.setdefault("headers", self._headers)
        url = URL(str(self._base) + path, encoded=True)
        async with self._session.request(method, url, allow_redirects=False, **options) as response:
            raw = await read_capped(response)
            answer = read_answer(response.status, raw, response.headers, now=self._clock())
        if answer.status == 429 and answer.code != SLOTS_FULL:
            self._pace.rest(answer.retry_after)
        _log_answer(method, path, answer)
        return answer


async def read_capped(response: aiohttp.ClientResponse) -> bytes:
    """Read a body of at most 1 MiB; a longer one is cut there and so is no JSON any more."""
    pieces: list[bytes] = []
    size = 0
    async for piece in response.content.iter_chunked(64 * 1024):
        pieces.append(piece)
        size += len(piece)
        if size > MOST_ANSWER_BYTES:
            response.close()
            return b""
    return b"".join(pieces)


def _log_answer(method: str, path: str, answer: Answer) -> None:
    report = log.debug if answer.accepted else log.warning
    report(
        "provider_answered",
        method=method,
        path=path,
        status=answer.status,
        code=answer.code,
        request_id=answer.request_id,
        job_id=read_job_id(answer.fields),
    )

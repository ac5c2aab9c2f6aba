"""Handing input files to PixelByte's temporary storage, and making sure of it where there is doubt."""

from __future__ import annotations

import asyncio
import io
from io import BufferedIOBase
from pathlib import Path

import aiohttp
import structlog

from providers import wire
from providers.addresses import HostRules, is_private_refusal, parse, require_guard
from providers.calls import Calls
from providers.pieces import as_payload
from providers.readers import UploadSlot, read_upload_slot
from providers.refusals import call_error
from studio.errors import (
    FetchForbidden,
    InputRejected,
    OperatorMustAct,
    OperatorProblem,
    ProviderUnavailable,
    UploadRefused,
)
from studio.outgoing import Outgoing, open_outgoing

log = structlog.get_logger(__name__)

TRIES = 2
LOOKS = 3
CLEAN = frozenset({200, 201, 204})
"""What a PUT is answered with when the whole file was taken; 202 promises it for later."""

TRIAL = bytes(64)
"""What is uploaded to see whether the storage takes anything at all."""

LOOK_TIMEOUT = aiohttp.ClientTimeout(total=20, sock_connect=10)
SLOWEST_BYTES_PER_SECOND = 100_000


class Uploads:
    """Presign, PUT, and a look at the file (a ranged GET) unless there is no doubt that it is there.

    There is doubt after an unusual answer, after none, on the second try, and when the caller says so because
    the provider could not read an earlier upload. Otherwise each job would cost two requests more, for what a
    plain 200 to the whole body says already. A slot that does not work out is given up for a second one, not
    for a third; whether that is for the file or for the storage, an upload of a few bytes then says.
    """

    def __init__(
        self, *, calls: Calls, session: aiohttp.ClientSession, hosts: HostRules, first_pause: float = 0.5
    ) -> None:
        self._calls = calls
        self._session = require_guard(session)
        self._hosts = hosts
        self._first_pause = first_pause

    async def upload(self, path: Path, content_type: str, *, careful: bool = False) -> str:
        """Upload a file and return the URL under which the provider can read it; `careful`: look in any case.

        Raises `InputRejected` for a file that the provider finds too large, `OperatorMustAct` for a host that
        is not allowed, `UploadRefused` after two tries if the storage takes other files, else
        `ProviderUnavailable`. OSError when the file itself cannot be read.
        """
        file, size = await asyncio.to_thread(open_outgoing, path)
        try:
            return await self._persist(file, size, content_type, careful=careful)
        finally:
            if isinstance(file, Outgoing):
                await asyncio.to_thread(file.close)

    async def _persist(self, file: BufferedIOBase, size: int, content_type: str, *, careful: bool) -> str:
        problem = ""
        for number in range(1, TRIES + 1):
            slot = await self._presign(content_type)
            self._check(slot, size)
            status = await self._send(slot, file, content_type, size)
            if status in CLEAN and number == 1 and not careful:
                return slot.file_url
            problem = status if isinstance(status, str) else f"PUT: HTTP {status}"
            if isinstance(status, str) or 200 <= status < 300:
                problem = await self._look(slot, size, looks=1 if isinstance(status, str) else LOOKS)
            if not problem:
                return slot.file_url
            log.warning("upload_failed", tries=number, problem=problem, content_type=content_type, size=size)
        if await self._takes_others(content_type):
            raise UploadRefused(f"upload: {problem}, while another file was taken")
        raise ProviderUnavailable(f"upload: {problem}")

    async def _takes_others(self, content_type: str) -> bool:
        """Whether a few bytes of the same type arrive: then only that one file is refused."""
        slot = await self._presign(content_type)
        self._check(slot, len(TRIAL))
        try:
            status = await self._send(slot, io.BytesIO(TRIAL), content_type, len(TRIAL))
        except InputRejected:
            return False
        arrived = isinstance(status, int) and 200 <= status < 300
        return arrived and not await self._look(slot, len(TRIAL), looks=LOOKS)

    async def _presign(self, content_type: str) -> UploadSlot:
        answer = await self._calls.repeatable(
            "POST", wire.PRESIGN_PATH, body=wire.presign_body(content_type), classify=call_error
        )
        slot = read_upload_slot(answer)
        if slot is None:
            raise ProviderUnavailable("presign names no addresses", request_id=answer.request_id)
        return slot

    def _check(self, slot: UploadSlot, size: int) -> None:
        for address in (slot.upload_url, slot.file_url):
            try:
                self._hosts.check(parse(address))
            except FetchForbidden as error:
                raise _not_allowed(address) from error
        if slot.max_bytes is not None and size > slot.max_bytes:
            raise InputRejected(f"upload of {size} bytes, at most {slot.max_bytes} are taken")

    async def _send(self, slot: UploadSlot, file: BufferedIOBase, content_type: str, size: int) -> int | str:
        """Send the file; returns the answer's status, or in words why there is none."""
        file.seek(0)
        timeout = aiohttp.ClientTimeout(total=60 + size / SLOWEST_BYTES_PER_SECOND, sock_connect=10)
        try:
            async with self._session.put(
                parse(slot.upload_url),
                data=as_payload(file),
                headers={"Content-Type": content_type},
                allow_redirects=False,
                timeout=timeout,
            ) as response:
                status = response.status
        except (aiohttp.ClientError, TimeoutError) as error:
            if is_private_refusal(error):
                raise _not_allowed(slot.upload_url) from error
            return f"PUT: {type(error).__name__}"
        if status == 413:
            raise InputRejected(f"upload of {size} bytes: HTTP 413")
        return status

    async def _look(self, slot: UploadSlot, size: int, *, looks: int) -> str:
        """Ask for the first byte, since the upload's own status cannot tell whether it is there (C22)."""
        problem = ""
        for number in range(looks):
            await asyncio.sleep(0 if number == 0 else self._first_pause * 2**number)
            try:
                async with self._session.get(
                    parse(slot.file_url),
                    headers={"Range": "bytes=0-0", "Accept-Encoding": "identity"},
                    allow_redirects=False,
                    timeout=LOOK_TIMEOUT,
                ) as response:
                    found = _whole_size(response)
                    problem = (
                        ""
                        if found in (size, -1)
                        else f"look: HTTP {response.status}, {found} of {size} bytes"
                    )
                    response.close()
            except (aiohttp.ClientError, TimeoutError) as error:
                if is_private_refusal(error):
                    raise _not_allowed(slot.file_url) from error
                problem = f"look: {type(error).__name__}"
            if not problem:
                break
        return problem


def _whole_size(response: aiohttp.ClientResponse) -> int | None:
    """The size of the whole file: None if it cannot be read there, -1 if that is all we learn."""
    if response.status == 206:
        total = response.headers.get("Content-Range", "").rpartition("/")[2]
        return int(total) if total.isascii() and total.isdigit() else -1
    if response.status == 200:
        return -1 if response.content_length is None else response.content_length
    return None


def _not_allowed(address: str) -> OperatorMustAct:
    try:
        host = parse(address).host
    except FetchForbidden:
        host = "no readable host"
    return OperatorMustAct(
        f"uploads go to {host}, which PIXELBYTE_OUTPUT_HOSTS does not allow", problem=OperatorProblem.ACCESS
    )

"""How aiohttp sends the studio's large files: in large pieces, since each costs a trip to another thread."""

from __future__ import annotations

import asyncio
from io import BufferedIOBase

from aiohttp.abc import AbstractStreamWriter
from aiohttp.payload import IOBasePayload, Order, Payload, get_payload, payload_type

from studio.outgoing import PIECE_BYTES, Outgoing


@payload_type(Outgoing, order=Order.try_first)
class OutgoingPayload(IOBasePayload):
    """Sends the file from its start, however often, and leaves it open."""

    _value: Outgoing

    async def write_with_length(self, writer: AbstractStreamWriter, content_length: int | None) -> None:
        left = content_length
        at = 0
        while left is None or left > 0:
            piece = await asyncio.to_thread(self._piece, at)
            if not piece:
                return
            piece = piece[:left]
            await writer.write(piece)
            at += len(piece)
            left = None if left is None else left - len(piece)

    def _close(self) -> None:
        """Nothing: whoever opened the file may send it once more."""

    def _piece(self, at: int) -> bytes:
        self._value.seek(at)
        return self._value.read(PIECE_BYTES)


def as_payload(file: BufferedIOBase) -> Payload:
    return get_payload(file)

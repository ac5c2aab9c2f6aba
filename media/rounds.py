"""Small pieces of work that wait together: whoever gets a slot takes along those that wait behind."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

Piece = TypeVar("Piece")
Made = TypeVar("Made")


@dataclass(frozen=True, slots=True, eq=False)
class _Wish(Generic[Piece, Made]):
    piece: Piece
    made: asyncio.Future[Made | None]


class Rounds(Generic[Piece, Made]):
    """Has `work` do up to `most` pieces in one round, each round in one of the `slots`.

    The first piece does not wait for others; only what finds all slots taken is done together.
    """

    def __init__(
        self,
        work: Callable[[Sequence[Piece]], Awaitable[Sequence[Made | None]]],
        *,
        slots: asyncio.Semaphore,
        most: int,
    ) -> None:
        self._work = work
        self._slots = slots
        self._most = most
        self._waiting: list[_Wish[Piece, Made]] = []

    async def ask(self, piece: Piece) -> Made | None:
        """Return what was made of the piece; None when its round came to nothing, for whatever reason.

        A cancelled round comes to nothing for all of its pieces; whoever is cancelled while another one's
        round has their piece waits for its end.
        """
        wish: _Wish[Piece, Made] = _Wish(piece, asyncio.get_running_loop().create_future())
        self._waiting.append(wish)
        try:
            async with self._slots:
                if wish in self._waiting:
                    await self._go_round(wish)
            return await asyncio.shield(wish.made)
        finally:
            if wish in self._waiting:
                self._waiting.remove(wish)
            elif not wish.made.done():
                await asyncio.wait([wish.made])

    async def _go_round(self, own: _Wish[Piece, Made]) -> None:
        self._waiting.remove(own)
        together = [own, *self._waiting[: self._most - 1]]
        del self._waiting[: self._most - 1]
        results: Sequence[Made | None] = [None] * len(together)
        try:
            results = await self._work([wish.piece for wish in together])
        finally:
            for wish, result in zip(together, results, strict=True):
                wish.made.set_result(result)

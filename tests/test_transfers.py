"""Pouring: what is left in the file when whoever waited for it is gone."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest
from aiohttp import web

from providers.addresses import guarded_session, own_host
from providers.transfers import WRITE_BYTES, Manner, pour
from tests.stub_provider import stub_server

CLIP = bytes(range(251)) * 9000


async def test_who_is_cancelled_during_a_write_leaves_only_what_arrived(tmp_path: Path) -> None:
    target, begun, may_go_on = tmp_path / "clip.mp4", threading.Event(), threading.Event()

    def held_up() -> None:
        begun.set()
        may_go_on.wait(10)

    async with stub_server() as stub, guarded_session(own_host(stub.url, any_port=True)) as session:
        stub.on("GET", "/clip.mp4", web.Response(body=CLIP))
        async with session.get(f"{stub.url}/clip.mp4") as response:
            manner = Manner(is_whole=lambda size: size == len(CLIP), first=held_up)
            pouring = asyncio.create_task(
                pour(response, target, start=0, most_bytes=len(CLIP), manner=manner)
            )
            assert await asyncio.to_thread(begun.wait, 10)
            pouring.cancel()
            await asyncio.sleep(0.05)
            may_go_on.set()
            with pytest.raises(asyncio.CancelledError):
                await pouring

    left = target.read_bytes()
    assert WRITE_BYTES <= len(left) < len(CLIP)
    assert left == CLIP[: len(left)]

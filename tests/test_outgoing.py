"""Files on their way out: whole, however often, and one large piece of them in memory at a time."""

from __future__ import annotations

import random
from pathlib import Path
from typing import BinaryIO

import aiohttp
import pytest
from aiohttp import web

from providers.pieces import as_payload
from studio.outgoing import PIECE_BYTES, Outgoing, open_outgoing
from tests.stub_provider import stub_server


@pytest.mark.parametrize("size", [0, 5, PIECE_BYTES, PIECE_BYTES + 1, 3 * PIECE_BYTES + 5])
async def test_a_file_in_a_form_arrives_whole_each_time(tmp_path: Path, size: int) -> None:
    content = random.Random(size).randbytes(size)
    (tmp_path / "clip.mp4").write_bytes(content)
    opened, known = open_outgoing(tmp_path / "clip.mp4")

    with opened as file:
        async with stub_server() as stub, aiohttp.ClientSession() as session:
            stub.on("POST", "/messages", web.Response(), web.Response())
            for _ in range(2):
                file.seek(0)
                form = aiohttp.FormData()
                form.add_field("files[0]", file, filename="clip.mp4", content_type="video/mp4")
                async with session.post(f"{stub.url}/messages", data=form):
                    pass

    assert known == size
    assert isinstance(file, Outgoing) == (size > PIECE_BYTES)
    bodies = [asked.body.partition(b"\r\n\r\n")[2].rpartition(b"\r\n--")[0] for asked in stub.asked]
    assert bodies == [content, content]


async def test_of_a_large_file_one_piece_at_a_time_is_in_memory(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    path.write_bytes(bytes(5 * PIECE_BYTES))
    written: list[int] = []

    class Writer:
        async def write(self, piece: bytes) -> None:
            written.append(len(piece))

    file: BinaryIO = open_outgoing(path)[0]
    with file:
        await as_payload(file).write_with_length(Writer(), 4 * PIECE_BYTES + 7)  # type: ignore[arg-type]  # all it needs

    assert written == [PIECE_BYTES] * 4 + [7]

"""A real server of S3's protocol on loopback (moto's), as a process of its own that can be stopped."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from xml.etree import ElementTree

import aiohttp

ROOT = Path(__file__).parent.parent
BUCKET = "clips"
SECRET = "a-secret-key-that-nobody-may-see"


class S3Server:
    """The server; `port` stays the same over restarts, what it keeps ends with its process."""

    def __init__(self) -> None:
        self.port = 0
        self._process: asyncio.subprocess.Process | None = None

    @property
    def cloud(self) -> dict[str, str]:
        """What an operator puts into `.env` to reach it."""
        return {
            "AWS_ACCESS_KEY_ID": "AKIATESTTESTTEST",
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_REGION": "eu-central-1",
            "AWS_ENDPOINT": f"http://127.0.0.1:{self.port}",
            "AWS_ALLOW_HTTP": "true",
            # Known to other tools, not to the library that we use.
            "AWS_PROFILE": "default",
            "AWS_EXECUTION_ENV": "test",
        }

    async def start(self) -> None:
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.s3_server",
            str(self.port),
            cwd=ROOT,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        assert self._process.stdout is not None
        async with asyncio.timeout(60):
            self.port = int(await self._process.stdout.readline())
        await self._call("PUT", f"/{BUCKET}")

    async def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            await self._process.wait()
            self._process = None

    async def keys(self) -> set[str]:
        """Every key in the bucket, as the server itself lists them."""
        return _texts(await self._call("GET", f"/{BUCKET}"), "Contents/Key")

    async def unfinished(self) -> Sequence[str]:
        """The keys of uploads in parts that were begun and neither finished nor given up."""
        return sorted(_texts(await self._call("GET", f"/{BUCKET}?uploads"), "Upload/Key"))

    async def parts_of(self, key: str) -> int:
        """Of how many parts the object was put together: its ETag says so; 1 if it came in one piece."""
        address = f"http://127.0.0.1:{self.port}/{BUCKET}/{key}"
        async with aiohttp.ClientSession() as session, session.head(address) as response:
            return int(response.headers["ETag"].strip('"').partition("-")[2] or 1)

    async def _call(self, method: str, path: str) -> str:
        async with (
            aiohttp.ClientSession() as session,
            session.request(method, f"http://127.0.0.1:{self.port}{path}") as response,
        ):
            assert response.status == 200, await response.text()
            return await response.text()


def _texts(answer: str, path: str) -> set[str]:
    space = "{http://s3.amazonaws.com/doc/2006-03-01/}"
    found = ElementTree.fromstring(answer).findall("/".join(space + part for part in path.split("/")))
    return {element.text or "" for element in found}


@asynccontextmanager
async def s3_server() -> AsyncIterator[S3Server]:
    server = S3Server()
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


def main(port: int) -> None:
    """Serve until the parent is gone."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=port, verbose=False)
    server.start()
    print(server.get_host_and_port()[1], flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main(int(sys.argv[1]))

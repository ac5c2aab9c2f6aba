"""A real browser for tests: headless Chromium, driven by plain WebDriver over HTTP."""

from __future__ import annotations

import asyncio
import base64
import shutil
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from demo.waiting import eventually

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
CHROMEDRIVER = shutil.which("chromedriver")
MISSING = "Chromium or chromedriver is not installed (Debian: apt-get install chromium chromium-driver)"

_ELEMENT = "element-6066-11e4-a52e-4f735466cecf"  # the key for elements in the WebDriver standard
_SWITCHES = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--mute-audio",
    "--hide-scrollbars",
)


class Browser:
    """One tab. `find` waits until the element is there; selectors are CSS."""

    def __init__(self, session: aiohttp.ClientSession, base: str) -> None:
        self._session = session
        self._base = base

    async def command(self, method: str, path: str, **body: Any) -> Any:
        async with self._session.request(
            method, f"{self._base}{path}", json=body if method == "POST" else None
        ) as response:
            value = (await response.json())["value"]
        if isinstance(value, dict) and "error" in value and "message" in value:
            raise AssertionError(f"{value['error']}: {value['message'].splitlines()[0]}")
        return value

    async def open(self, address: str) -> None:
        await self.command("POST", "/url", url=address)

    async def run(self, script: str, *arguments: Any) -> Any:
        """Run JavaScript (a function body) and return what it returns, promises awaited."""
        wrapped = f"return (async (...arguments) => {{ {script} }})(...arguments)"
        return await self.command("POST", "/execute/sync", script=wrapped, args=list(arguments))

    async def find(self, selector: str, *, within: float = 30.0) -> dict[str, str]:
        await self.until(f"return Boolean(document.querySelector({selector!r}))", within=within)
        found = await self.command("POST", "/element", using="css selector", value=selector)
        return {_ELEMENT: found[_ELEMENT]}

    async def click(self, selector: str) -> None:
        element = await self.find(selector)
        await self.command("POST", f"/element/{element[_ELEMENT]}/click")

    async def write(self, selector: str, text: str) -> None:
        """Type into a field, or give a file's path to a file chooser."""
        element = await self.find(selector)
        await self.command("POST", f"/element/{element[_ELEMENT]}/value", text=text)

    async def text(self, selector: str) -> str:
        await self.find(selector)
        return str(await self.run(f"return document.querySelector({selector!r}).innerText"))

    async def until(self, script: str, *, within: float = 30.0) -> Any:
        """Wait until the JavaScript function body returns something true."""

        try:
            return await eventually(lambda: self.run(script), within_seconds=within)
        except TimeoutError:
            raise AssertionError(f"the page never came to: {script}") from None

    async def resize(self, width: int, height: int, *, scale: float = 1, phone: bool = False) -> None:
        metrics = {"width": width, "height": height, "deviceScaleFactor": scale, "mobile": phone}
        await self.command(
            "POST", "/goog/cdp/execute", cmd="Emulation.setDeviceMetricsOverride", params=metrics
        )

    async def screenshot(self, path: Path) -> None:
        picture = base64.b64decode(await self.command("GET", "/screenshot"))
        await asyncio.to_thread(path.write_bytes, picture)

    async def complaints(self) -> list[str]:
        """What the page's console has reported as an error so far."""
        entries = await self.command("POST", "/se/log", type="browser")
        return [entry["message"] for entry in entries if entry["level"] == "SEVERE"]


@asynccontextmanager
async def chromium(profile: Path) -> AsyncIterator[Browser]:
    """Start a browser with a fresh profile in the given folder, and end it afterwards."""
    assert CHROMIUM, MISSING
    assert CHROMEDRIVER, MISSING
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    driver = await asyncio.create_subprocess_exec(
        CHROMEDRIVER,
        f"--port={port}",
        "--log-level=OFF",
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        connector = aiohttp.TCPConnector(force_close=True)
        async with aiohttp.ClientSession(connector=connector) as session:
            root = f"http://127.0.0.1:{port}"
            await eventually(lambda: _ready(session, root))
            address = await _new_session(session, root, profile)
            yield Browser(session, address)
            async with session.delete(address):
                pass
    finally:
        driver.terminate()
        await driver.wait()


async def _new_session(session: aiohttp.ClientSession, root: str, profile: Path) -> str:
    options = {
        "binary": CHROMIUM,
        "args": [*_SWITCHES, f"--user-data-dir={profile}", "--window-size=1440,900"],
    }
    wanted = {
        "browserName": "chrome",
        "goog:loggingPrefs": {"browser": "ALL"},
        "goog:chromeOptions": options,
    }
    async with session.post(f"{root}/session", json={"capabilities": {"alwaysMatch": wanted}}) as response:
        value = (await response.json())["value"]
    assert "sessionId" in value, value
    return f"{root}/session/{value['sessionId']}"


async def _ready(session: aiohttp.ClientSession, root: str) -> bool:
    try:
        async with session.get(f"{root}/status") as response:
            return bool((await response.json())["value"]["ready"])
    except aiohttp.ClientError:
        return False

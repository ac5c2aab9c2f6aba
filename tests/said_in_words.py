"""Checks that the messages of the bot say everything in words: alt texts, labels, no sign or colour alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from simcord.http import router

from cogs.client import Client

BUTTON, THUMBNAIL, GALLERY = 2, 11, 12
LONGEST_ALT_TEXT = 1024


def wordless(body: Any) -> Iterator[str]:
    """What in the body of one REST call a screen reader would have nothing to say about."""
    if not isinstance(body, dict):
        return
    message = body["data"] if isinstance(body.get("data"), dict) else body
    for file in message.get("attachments") or ():
        # Those with an id of Discord's have been sent before, with what was said then.
        if int(file["id"]) < 100 and not _is_said(file.get("description")):
            yield f"the file {file.get('filename')} has no alt text"
    yield from _wordless_components(message.get("components") or ())


def _wordless_components(components: Any) -> Iterator[str]:
    for part in components:
        if part["type"] == BUTTON and not _is_said(part.get("label")):
            yield f"the button {part.get('custom_id') or part.get('url')} has no words"
        if part["type"] == THUMBNAIL and not _is_said(part.get("description")):
            yield f"the thumbnail {part['media']['url']} has no alt text"
        for item in (part.get("items") or ()) if part["type"] == GALLERY else ():
            if not _is_said(item.get("description")):
                yield f"the picture {item['media']['url']} has no alt text"
        yield from _wordless_components(part.get("components") or ())
        yield from _wordless_components([part["accessory"]] if part.get("accessory") else [])


def _is_said(text: str | None) -> bool:
    """Signs and emoji say nothing to whoever hears or cannot tell them apart."""
    return text is not None and any(map(str.isalpha, text)) and len(text) <= LONGEST_ALT_TEXT


@pytest.fixture(autouse=True)
def everything_is_said_in_words(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """After each test on the simulated Discord, look at all that our bot sent in it."""
    ours: list[bool] = []
    missing: list[str] = []
    dispatch, start = router.dispatch, Client.setup_hook

    async def noted(self: Client) -> None:
        ours.append(True)
        await start(self)

    def recording(backend: Any, method: str, path: str, **call: Any) -> Any:
        if ours:
            missing.extend(f"{method} {path}: {lack}" for lack in wordless(call.get("json")))
        return dispatch(backend, method, path, **call)

    monkeypatch.setattr(Client, "setup_hook", noted)
    monkeypatch.setattr(router, "dispatch", recording)
    yield
    assert missing == []

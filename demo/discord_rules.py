"""simcord's Discord, corrected where tests and demo would otherwise see what real Discord does not do."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import simcord
from simcord import _dpy_internals
from simcord._clock import Clock
from simcord.backend import Backend
from simcord.backend.errors import BackendError
from simcord.backend.models import Channel, Interaction, Message
from simcord.http import router

from demo.cdn import Cdn, UploadLimitError

# simcord is pinned to 3.2.1; what is used here below its public surface was read in that release.


class WallClock(Clock):
    """The real time, plus what a test has advanced it by."""

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self.elapsed)


class SimulatedDiscord(Backend):
    """One Discord in memory. `changed` is called after everything that somebody could see.

    Beyond simcord: attachments on disk behind real URLs, a second thread on a message refused (160004),
    thread names up to 100 characters, archived threads (no edits; a new message reopens them), attaching
    files only with the permission, `enforce_nonce`, a limit for uploads (413/40005), and threads that
    their creator may edit. Numbers are Discord's own error codes.
    """

    def __init__(self, cdn: Cdn, clock: Clock, *, answer_seconds: float) -> None:
        super().__init__(clock=clock)
        self.cdn = cdn  # type: ignore[assignment]  # the same methods, on disk
        self.changed: Callable[[], None] = lambda: None
        self._answer_seconds = answer_seconds
        self._nonces: dict[tuple[str, str], int] = {}

    def emit(self, event: str, payload: Mapping[str, Any]) -> None:
        super().emit(event, payload)
        self.changed()

    def commit_message(self, message: Message, *, broadcast: bool = True) -> Message:
        channel = self.get_channel(message.channel_id)
        if channel.thread_metadata and channel.thread_metadata.archived and message.system_metadata is None:
            if channel.thread_metadata.locked:
                raise BackendError(403, 160005, "Thread is locked")
            self.edit_channel(channel.id, {}, thread_metadata={"archived": False})
        committed = super().commit_message(message, broadcast=broadcast)
        self.changed()
        return committed

    def prepare_message(self, channel_id: int, author_id: int, *args: Any, **fields: Any) -> Message:
        if fields.get("attachments") and fields.get("interaction_metadata") is None:
            channel = self.get_channel(channel_id)
            self.require_permissions(channel.guild_id, author_id, channel_id, "attach_files")
        return super().prepare_message(channel_id, author_id, *args, **fields)

    def edit_message(self, channel_id: int, message_id: int, fields: dict[str, Any]) -> Message:
        channel = self.get_channel(channel_id)
        if channel.thread_metadata and channel.thread_metadata.archived:
            raise BackendError(400, 50083, "Tried to perform an operation on an archived thread")
        message = super().edit_message(channel_id, message_id, fields)
        self.changed()
        return message

    def delete_message(self, channel_id: int, message_id: int) -> None:
        super().delete_message(channel_id, message_id)
        self.changed()

    def create_thread(self, parent_id: int, name: str, owner_id: int, **options: Any) -> Channel:
        if self.get_channel(parent_id).type not in (0, 5, 15):  # text, announcement, forum
            raise BackendError(400, 50024, "Cannot execute action on this channel type")
        if options.get("message_id") in self.channels:
            raise BackendError(400, 160004, "A thread has already been created for this message")
        if not 1 <= len(name) <= 100:
            raise BackendError(400, 50035, "Invalid Form Body: name must be between 1 and 100 characters")
        if not options.get("message_id"):
            return super().create_thread(parent_id, name, owner_id, **options)
        # A thread that hangs from a fresh message is announced without a system message in the channel.
        thread = super().create_thread(parent_id, name, owner_id, **{**options, "broadcast": False})
        self.announce_thread_create(thread)
        return thread

    def require_permissions(
        self, guild_id: int | None, user_id: int, channel_id: int | None, *names: str
    ) -> None:
        thread = self.channels.get(channel_id or 0)
        if names == ("manage_channels",) and thread is not None and thread.is_thread:
            # simcord asks for manage_channels to edit a thread; Discord for its creator or manage_threads.
            names = () if thread.owner_id == user_id else ("manage_threads",)
        super().require_permissions(guild_id, user_id, channel_id, *names)

    def new_interaction(self, *args: Any) -> Interaction:
        record = super().new_interaction(*args)
        record.initial_response_deadline = self.iso_after(self._answer_seconds)
        return record

    def answer(self, method: str, path: str, call: dict[str, Any]) -> Any:
        """Answer one REST call of the bot; see simcord's `router.dispatch` for `call`."""
        body = call.get("json")
        sent = body if isinstance(body, dict) and method == "POST" and path.endswith("/messages") else {}
        nonce = sent.get("nonce")
        earlier = self._nonces.get((path, str(nonce))) if sent.get("enforce_nonce") else None
        if earlier is not None and earlier in self.messages.get(int(path.split("/")[2]), {}):
            return _route(self, "GET", f"{path}/{earlier}")
        try:
            response = _route(self, method, path, **call)
        except UploadLimitError as error:
            raise BackendError(413, 40005, "Request entity too large") from error
        if nonce:
            self._nonces[path, str(nonce)] = int(response["id"])
            response["nonce"] = nonce
        self.changed()
        return response


_route = router.dispatch


def _dispatch(backend: Backend, method: str, path: str, **call: Any) -> Any:
    if isinstance(backend, SimulatedDiscord):
        return backend.answer(method, path, call)
    return _route(backend, method, path, **call)


# simcord's transports look `dispatch` up in its module at every call, and take no other hook.
router.dispatch = _dispatch


class LiveEnv(simcord.Env):
    """simcord's world in which the bot lives in real time and nothing waits for its work to end.

    simcord otherwise gives everything that the bot starts a virtual clock, and joins it after each action:
    right for a bot that answers at once, not for one that works for minutes beside its answers.
    """

    @contextmanager
    def _bot_scope(self) -> Iterator[None]:
        previous = _dpy_internals.set_webhook_adapter(self._webhook_adapter)
        try:
            yield
        finally:
            _dpy_internals.reset_webhook_adapter(previous)

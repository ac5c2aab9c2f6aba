"""Where a clip is to be had outside of its message."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from studio.models import Clip, Job
from studio.values import is_loopback


@dataclass(frozen=True, slots=True, kw_only=True)
class Links:
    """`watch_url` gives our own page; None: there is only the provider's. `local`: this machine's do."""

    watch_url: Callable[[Job], str] | None
    local: bool

    def of(self, job: Job, clip: Clip, *, needed: bool) -> str | None:
        """The address of the original, ours if there is one, unless it leads nowhere for the member."""
        link = self.watch_url(job) if self.watch_url else clip.source_url
        if is_loopback(urlsplit(link).hostname or "") and not (self.local or needed):
            return None
        return link

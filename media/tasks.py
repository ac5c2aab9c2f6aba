"""What a worker can be asked to do, by name; importing this loads the codecs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import av.logging

from media import clips, pictures, previews
from media.errors import MediaRefused
from media.facts import Bar, Sign
from media.messages import Result
from media.plan import Way
from media.targets import made_whole


def _prepare_picture(source: str, target: str, thumbnail: str, scrap: str) -> Result:
    with made_whole(scrap, target, thumbnail) as (new_target, new_thumbnail):
        return pictures.prepare(Path(source), new_target, new_thumbnail)


def _probe_clip(source: str) -> Result:
    return clips.probe(Path(source))


def _verify_clip(source: str) -> Result:
    return clips.verify(Path(source))


def _verify_clips(sources: Sequence[str]) -> Sequence[Result | None]:
    """One after the other; a clip about which there is anything to say gets a worker of its own."""
    return [_verified_or_none(source) for source in sources]


def _verified_or_none(source: str) -> Result | None:
    try:
        return _verify_clip(source)
    except (MediaRefused, MemoryError, OSError):
        return None


def _draw_poster(source: str, target: str, scrap: str) -> Result:
    with made_whole(scrap, target) as (new_target,):
        return clips.draw_poster(Path(source), new_target)


def _prepare_clip(source: str, target: str, poster: str, longest: float, scrap: str) -> Result:
    with made_whole(scrap, target, poster) as (new_target, new_poster):
        return clips.prepare(Path(source), new_target, new_poster, longest=longest)


def _prepare_pair(
    picture: Mapping[str, str], clip: Mapping[str, str], longest: float, scrap: str
) -> Sequence[Result | None]:
    """Picture and clip, without what takes long; what there is anything to say about gets its own worker.

    The clip is looked at first: if it cannot be used, the picture is not needed either.
    """
    prepared: list[Result | None] = [None, None]
    try:
        plans = clips.planned(Path(clip["source"]), longest=longest)
        prepared[0] = _prepare_picture(**picture, scrap=scrap)
        if plans.plan.way is not Way.ENCODE:
            with made_whole(scrap, clip["target"], clip["poster"]) as (target, poster):
                prepared[1] = clips.carry_out(plans, target, poster)
    except (MediaRefused, MemoryError, OSError):
        pass  # Which of the two it was, and why, is told by the worker that each of them gets then.
    return prepared


def _fit_clip(source: str, target: str, max_bytes: int, scrap: str) -> Result:
    with made_whole(scrap, target) as (new_target,):
        return clips.fit(Path(source), new_target, max_bytes=max_bytes)


def _draw_preview(source: str, target: str, scrap: str) -> Result:
    with made_whole(scrap, target) as (new_target,):
        return previews.write_preview(Path(source), new_target)


def _draw_motion(target: str, scrap: str) -> Result:
    from media import drawing  # for trials only

    with made_whole(scrap, target) as (new_target,):
        return drawing.draw_motion(new_target)


def _draw_bars(bars: Sequence[Mapping[str, Any]], target: str, scrap: str) -> Result:
    from media import charts  # half a second, which no other task should wait for

    with made_whole(scrap, target) as (new_target,):
        return charts.draw([Bar(**bar) for bar in bars], new_target)


def _look(sources: Sequence[str], signs: Sequence[Mapping[str, Any]]) -> Result:
    from media import looking  # not installed with the bot: requirements-safety.txt

    return looking.look([Path(source) for source in sources], [Sign(**sign) for sign in signs])


_TASKS: Mapping[str, Callable[..., Result | Sequence[Result | None]]] = {
    "prepare_picture": _prepare_picture,
    "probe_clip": _probe_clip,
    "verify_clip": _verify_clip,
    "verify_clips": _verify_clips,
    "draw_poster": _draw_poster,
    "prepare_clip": _prepare_clip,
    "prepare_pair": _prepare_pair,
    "fit_clip": _fit_clip,
    "draw_preview": _draw_preview,
    "draw_motion": _draw_motion,
    "draw_bars": _draw_bars,
    "look": _look,
}


def be_quiet() -> None:
    """Have FFmpeg print nothing from now on, in forked processes too."""
    av.logging.set_level(None)


def carry_out(task: str, arguments: Mapping[str, Any]) -> Result | Sequence[Result | None]:
    """Do it; raises `MediaRefused` for the file's faults and anything else for our own."""
    return _TASKS[task](**arguments)

"""The page on which a clip is watched outside of Discord, and the one that says why there is none."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Mapping
from html import escape

from studio.languages.spoken import spoken
from studio.links import FILES_PATH, WATCH_PATH
from studio.models import Job
from studio.moderation.findings import is_covered
from studio.showing import Exhibit, NotShown
from studio.texts import say

_STYLE = """
:root { color-scheme: light dark; --ground: #f4f4f6; --ink: #17171b; --faint: #5b5b66; --accent: #3f51d6; }
@media (prefers-color-scheme: dark) {
  :root { --ground: #111114; --ink: #f1f1f4; --faint: #a9a9b6; --accent: #9aa6ff; }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink); min-height: 100vh;
  font: 17px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
main { max-width: 60rem; margin: 0 auto;
  padding: max(1rem, env(safe-area-inset-top)) 1rem max(1.5rem, env(safe-area-inset-bottom)); }
h1 { font-size: 1.35rem; line-height: 1.25; margin: .25rem 0 .75rem; overflow-wrap: anywhere; }
video { display: block; width: auto; height: auto; max-width: 100%; max-height: 66vh; max-height: 66dvh;
  margin: 0 auto; background: #000; border-radius: 12px; }
p { margin: .75rem 0; color: var(--faint); }
.label { color: var(--ink); font-weight: 600; }
.save { display: inline-block; min-height: 44px; padding: .55rem 1.1rem; border-radius: 10px;
  border: 2px solid var(--accent); color: var(--accent); font-weight: 600; text-decoration: none; }
""".strip()
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode("ascii")

CSP = (
    f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; media-src 'self'; img-src 'self' data:; "
    "base-uri 'none'; form-action 'none'"
)
"""What the page may load: its own clip and poster, nothing from anywhere else, no scripts."""


def title_of(job: Job) -> str:
    return say("watch_title", name=job.order.member.name)


def clip_page(exhibit: Exhibit, token: str, public_url: str, *, trial: bool) -> str:
    clip, title = exhibit.clip, escape(title_of(exhibit.job))
    # Relative, so that it works wherever a proxy has put us.
    files = f"..{FILES_PATH}{token}"
    file, kind = f"{files}/clip.mp4", exhibit.playable.content_type
    saved = file if clip.playable_key is None else f"{files}/original"
    # Of what is covered nothing is loaded until the viewer has it played: not even the first frame.
    covered = is_covered(exhibit.job)
    preload = "none" if covered else "metadata"
    poster_attribute = f' poster="{files}/poster.jpg"' if not covered else ""
    cover = f'\n<p class="label">{escape(say("watch_covered"))}</p>' if covered else ""
    facts = {"seconds": clip.seconds, "width": clip.width, "height": clip.height}
    label = escape(say("watch_label_trial" if trial else "watch_label", **facts))
    until = f'<time datetime="{exhibit.until:%Y-%m-%dT%H:%M:%SZ}">{exhibit.until:%Y-%m-%d %H:%M} UTC</time>'
    kept = escape(say("watch_until", moment="@")).replace("@", until)
    body = f"""<h1>{title}</h1>{cover}
<video controls playsinline preload="{preload}" width="{clip.width}" height="{clip.height}"{poster_attribute}
 aria-label="{escape(_alt_text(exhibit, trial))}"><source src="{file}" type="{kind}">
{escape(say("watch_cannot_play"))}</video>
<p class="label">{label}</p>
<p><a class="save" href="{saved}" download>{escape(say("watch_save"))}</a></p>
<p>{kept}</p>"""
    return _document(title, body, "\n".join(_tags(exhibit, token, public_url, trial)))


def absence_page(why: NotShown) -> str:
    title = escape(say(f"watch_{why}_title"))
    return _document(title, f"<h1>{title}</h1>\n<p>{escape(say(f'watch_{why}'))}</p>", "")


def _tags(exhibit: Exhibit, token: str, public_url: str, trial: bool) -> Iterator[str]:
    """For those who show a preview: ogp.me, and the player card of developer.x.com's card documentation."""
    named = {
        "og:title": title_of(exhibit.job),
        "og:description": _alt_text(exhibit, trial),
        "og:url": f"{public_url}{WATCH_PATH}{token}",
        "twitter:title": title_of(exhibit.job),
    }
    if is_covered(exhibit.job):
        # A preview would show what the cover hides.
        named |= {"og:type": "website", "twitter:card": "summary"}
    else:
        files = f"{public_url}{FILES_PATH}{token}"
        named |= _video_tags(exhibit, named["og:url"], f"{files}/clip.mp4")
        named |= _image_tags(f"{files}/poster.jpg", _alt_text(exhibit, trial))
    for name, value in named.items():
        key = "name" if name.startswith("twitter:") else "property"
        yield f'<meta {key}="{name}" content="{escape(value)}">'


def _video_tags(exhibit: Exhibit, page: str, file: str) -> Mapping[str, str]:
    clip, kind = exhibit.clip, exhibit.playable.content_type
    return {
        "og:type": "video.other",
        "og:video": file,
        "og:video:secure_url": file,
        "og:video:type": kind,
        "og:video:width": str(clip.width),
        "og:video:height": str(clip.height),
        "twitter:card": "player",
        "twitter:player": page,
        "twitter:player:width": str(clip.width),
        "twitter:player:height": str(clip.height),
        "twitter:player:stream": file,
        "twitter:player:stream:content_type": kind,
    }


def _image_tags(poster: str, alt_text: str) -> Mapping[str, str]:
    return {
        "og:image": poster,
        "og:image:type": "image/jpeg",
        "og:image:alt": alt_text,
        "twitter:image": poster,
    }


def _alt_text(exhibit: Exhibit, trial: bool) -> str:
    code = "alt_clip_trial" if trial else "alt_clip"
    return say(code, seconds=exhibit.clip.seconds, name=exhibit.job.order.member.name)


def _document(title: str, body: str, tags: str) -> str:
    return f"""<!doctype html>
<html lang="{spoken().tag}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover">
<meta name="robots" content="noindex, nofollow, noarchive">
<title>{title}</title>
{tags}
<link rel="icon" href="data:,">
<style>{_STYLE}</style>
</head>
<body>
<main>
{body}
</main>
</body>
</html>
"""

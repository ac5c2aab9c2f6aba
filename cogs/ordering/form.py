"""The form to order a clip: built from a draft, and read into one again when it comes back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import discord
from discord import ui

from cogs.moderation.fields import form
from cogs.moderation.submitted import values_of
from cogs.ordering.uploads import PICTURES, VIDEOS, FileField
from studio.errors import OrderRefused
from studio.models import Orientation, SourceFile
from studio.moderation.petitions import Wanted
from studio.motions.motion import Motion
from studio.prompts import LONGEST_PROMPT
from studio.texts import say
from studio.wishing.drafts import Draft
from studio.wishing.habits import BY_LENGTH

SEND_PREFIX = "v1:order:"

PICTURE, MOTION, VIDEO = "picture", "motion", "video"
PROMPT, ORIENTATION, SOUND = "prompt", "orientation", "sound"

OWN = "own"
"""The choice that the motion comes from no library."""

MOST_FIELDS = 5
MOST_MOTIONS = 9
"""Discord shows ten choices that need one touch each; one of them is `OWN`."""
LONGEST_NAME, LONGEST_HINT = 60, 100


def order_form(draft_id: str, draft: Draft, motions: Sequence[Motion] = ()) -> ui.Modal:
    """The form that asks for what the draft lacks, and shows what it has.

    Of more than five fields, Discord's limit, the last are left out: they stay as the draft has them.
    """
    fields: list[ui.Item[ui.Modal]] = []
    if draft.picture is None or draft.replaceable:
        fields.append(_file_field(PICTURE, PICTURES, draft.picture))
    if draft.video is None or draft.replaceable:
        if motions:
            fields.append(_motion_field(motions))
        fields.append(_file_field(VIDEO, VIDEOS, draft.video, instead=bool(motions)))
    fields += [_prompt_field(draft), _orientation_field(draft), _sound_field(draft)]
    if len(fields) < MOST_FIELDS:
        fields.insert(0, ui.TextDisplay(f"{_what_is_there(draft)}\n{say('order_free')}"))
    else:
        _say_in_passing(draft, fields[:MOST_FIELDS])
    return form(say("form_title"), f"{SEND_PREFIX}{draft_id}", *fields[:MOST_FIELDS])


def filled(interaction: discord.Interaction[discord.Client], draft: Draft) -> Draft:
    """The draft with what was filled in; a field that did not come back stays as it was."""
    data: Mapping[str, Any] = dict(interaction.data or {})
    files = (data.get("resolved") or {}).get("attachments") or {}
    values = values_of(interaction)
    wishes = draft.wishes
    faces = values.get(ORIENTATION)
    if faces is not None:
        orientation = None if faces == BY_LENGTH else Orientation(faces)
        wishes = replace(wishes, orientation=orientation)
    if SOUND in values:
        wishes = replace(wishes, keep_sound=values[SOUND] == str(True))
    changed = {name for name in wishes.as_last_time if getattr(wishes, name) != getattr(draft.wishes, name)}
    wishes = replace(
        wishes,
        prompt=values.get(PROMPT, wishes.prompt),
        left_out=(),
        as_last_time=tuple(name for name in wishes.as_last_time if name not in changed),
    )
    return replace(
        draft,
        picture=_uploaded(files, values.get(PICTURE)) or draft.picture,
        video=_uploaded(files, values.get(VIDEO)) or draft.video,
        wishes=wishes,
    )


def motion_in(interaction: discord.Interaction[discord.Client]) -> str | None:
    """The id of the motion that was chosen from the library. Raises `OrderRefused` for a video besides it."""
    values = values_of(interaction)
    chosen = values.get(MOTION)
    if not chosen or chosen == OWN:
        return None
    if values.get(VIDEO):
        raise OrderRefused("motion_and_video")
    return chosen


def wanted_of(draft: Draft) -> Wanted | None:
    """What is ordered by the draft; None while something is missing."""
    if draft.picture is None or draft.video is None:
        return None
    return Wanted(picture=draft.picture, video=draft.video, wishes=draft.wishes, parent=draft.parent)


def name_of(file: SourceFile) -> str:
    """A file's name where marks would format it, short enough for a line."""
    return discord.utils.escape_mentions(discord.utils.escape_markdown(plain_name_of(file)))


def plain_name_of(file: SourceFile) -> str:
    """The same where nothing is formatted: in labels and alt texts."""
    return _cut(file.filename, LONGEST_NAME)


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: max(longest - 1, 0)]}…"


def _uploaded(files: Mapping[str, Any], attachment_id: str | None) -> SourceFile | None:
    found = files.get(attachment_id or "")
    if found is None:
        return None
    return SourceFile(
        url=found["url"],
        filename=found["filename"],
        size=found["size"],
        content_type=found.get("content_type"),
    )


def _what_is_there(draft: Draft) -> str:
    if draft.picture is not None and draft.video is not None:
        return say("order_has_both", name=name_of(draft.picture), video=name_of(draft.video))
    if draft.picture is not None:
        return say("order_has_picture", name=name_of(draft.picture))
    assert draft.video is not None
    return say("order_has_video", name=name_of(draft.video))


def _say_in_passing(draft: Draft, fields: Sequence[ui.Item[ui.Modal]]) -> None:
    """Where all five fields are taken, in the first label that explains nothing."""
    labels = [field for field in fields if isinstance(field, ui.Label) and field.description is None]
    if not labels:
        return
    if draft.picture is None or draft.replaceable:
        labels[0].description = say("order_not_charged")
    else:
        labels[0].description = _hint("order_picture_there", draft.picture)


def _hint(code: str, file: SourceFile) -> str:
    """A description that names a file; in long languages it is the name that gets shorter."""
    name = plain_name_of(file)
    too_long = max(0, len(say(code, name=name)) - LONGEST_HINT)
    return _cut(say(code, name=_cut(name, len(name) - too_long)), LONGEST_HINT)


def _file_field(
    slot: str, file_types: tuple[str, ...], there: SourceFile | None, *, instead: bool = False
) -> ui.Label[ui.Modal]:
    """`instead`: it may be left empty, since something else can be chosen."""
    upload = FileField(slot, file_types, required=there is None and not instead)
    label: ui.Label[ui.Modal] = ui.Label(
        text=say("form_video_instead" if instead else f"form_{slot}"),
        description=say(f"order_{slot}_hint"),
        component=upload,
    )
    if there is not None:
        label.description = _hint("order_keep", there)
    return label


def _motion_field(motions: Sequence[Motion]) -> ui.Label[ui.Modal]:
    options = [
        discord.RadioGroupOption(
            label=motion.name,
            value=motion.id,
            description=say("motion_length", seconds=motion.content.seconds),
        )
        for motion in motions[:MOST_MOTIONS]
    ]
    own = discord.RadioGroupOption(label=say("choice_own_video"), value=OWN)
    if len(motions) > MOST_MOTIONS:
        own.description = say("order_more_motions")
    options.append(own)
    group: ui.RadioGroup[ui.Modal] = ui.RadioGroup(custom_id=MOTION, options=options, required=False)
    return ui.Label(text=say("form_motion"), component=group)


def _prompt_field(draft: Draft) -> ui.Label[ui.Modal]:
    field: ui.TextInput[ui.Modal] = ui.TextInput(
        custom_id=PROMPT,
        style=discord.TextStyle.paragraph,
        default=draft.wishes.prompt or None,
        placeholder=say("form_prompt_hint"),
        required=False,
        max_length=LONGEST_PROMPT,
    )
    return ui.Label(text=say("form_prompt"), component=field)


def _orientation_field(draft: Draft) -> ui.Label[ui.Modal]:
    chosen = BY_LENGTH if draft.wishes.orientation is None else draft.wishes.orientation.value
    options = [
        discord.SelectOption(label=say(f"choice_orientation_{value}"), value=value, default=value == chosen)
        for value in (BY_LENGTH, *(each.value for each in Orientation))
    ]
    menu: ui.Select[ui.Modal] = ui.Select(custom_id=ORIENTATION, options=options, required=True)
    return ui.Label(text=say("form_orientation"), component=menu)


def _sound_field(draft: Draft) -> ui.Label[ui.Modal]:
    box: ui.Checkbox[ui.Modal] = ui.Checkbox(custom_id=SOUND, default=draft.wishes.keep_sound)
    return ui.Label(text=say("form_sound"), component=box)

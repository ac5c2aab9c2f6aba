"""The optional model that finds nudity, as the bot's own process knows it: importing this loads none of it.

It comes with the package `nudenet` (https://github.com/notAI-tech/NudeNet), its weights included: nothing is
fetched later, and no picture leaves the machine.
"""

from __future__ import annotations

from importlib.util import find_spec

from media.facts import Sign

NUDITY = (
    Sign(label="FEMALE_GENITALIA_EXPOSED", part="genitals", least=0.4),
    Sign(label="MALE_GENITALIA_EXPOSED", part="genitals", least=0.4),
    Sign(label="ANUS_EXPOSED", part="genitals", least=0.4),
    Sign(label="FEMALE_BREAST_EXPOSED", part="breasts", least=0.5),
    Sign(label="BUTTOCKS_EXPOSED", part="buttocks", least=0.5),
)
"""What counts as a hit. The figures leave the model room to be wrong: people decide about what it finds."""


def is_installed() -> bool:
    """Whether the operator has installed the package (requirements-safety.txt)."""
    return find_spec("nudenet") is not None

"""The texts of each language: English from `studio.words`, the others from gettext catalogues in `locale/`.

An entry's context is our code, `code/1` for the second of several wordings, and its id the English text. What
is not translated, marked as fuzzy, or was translated from another English text is shown in English.
"""

from __future__ import annotations

import gettext
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po

from studio.languages.tongues import Language
from studio.sentences import SENTENCES

FOLDER = Path(__file__).resolve().parents[2] / "locale"

ONE, MANY = "_one", "_many"
"""How the codes of a text's two English forms end."""

NAME = "name_"
"""How the codes of commands' names begin: `name_studio_limits` is called `limits`."""

_COMMAND = re.compile(r"(?<![\w/:<])/([a-z]+(?: [a-z]+){0,2})")


@dataclass(frozen=True, slots=True)
class Entry:
    """One text to translate; `many` is the English plural where it has one."""

    context: str
    code: str
    english: str
    many: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """Every text of one language; `texts` by code with its wordings, the fullest first."""

    texts: Mapping[str, tuple[str, ...]]
    forms: Mapping[str, tuple[str, ...]]
    form_of: Callable[[int], int]

    def counted(self, code: str, number: int) -> str:
        """The form of a text for this number."""
        forms = self.forms[code]
        return forms[min(self.form_of(number), len(forms) - 1)]


def entries() -> Iterator[Entry]:
    """Everything that is to be translated, in the order of the English texts."""
    for code, template in SENTENCES.items():
        base = code.removesuffix(ONE)
        if base != code and isinstance(template, str):
            many = SENTENCES[base + MANY]
            assert isinstance(many, str)
            yield Entry(base, code, template, many)
        elif not (code.endswith(MANY) and code.removesuffix(MANY) + ONE in SENTENCES):
            wordings = (template,) if isinstance(template, str) else template
            for index, wording in enumerate(wordings):
                yield Entry(f"{code}/{index}" if index else code, code, wording)


def path_of(language: Language) -> Path:
    """Where its catalogue is."""
    return FOLDER / language.value / "LC_MESSAGES" / "studio.po"


def read(language: Language) -> Catalog:
    """Read its catalogue, an empty one where there is none."""
    path = path_of(language)
    if not path.exists():
        return Catalog(locale=language.value, domain="studio")
    with path.open("rb") as file:
        return read_po(file, locale=language.value, domain="studio", abort_invalid=True)


@cache
def catalogue(language: Language) -> Catalogue:
    """The language's texts; read once, which takes some 50 ms."""
    if language is Language.ENGLISH:
        return _english()
    return _translated(read(language))


def _english() -> Catalogue:
    texts = {code: (each,) if isinstance(each, str) else each for code, each in SENTENCES.items()}
    forms = {each.context: (each.english, each.many) for each in entries() if each.many is not None}
    return Catalogue(texts=texts, forms=forms, form_of=lambda number: 0 if number == 1 else 1)


def _translated(catalog: Catalog) -> Catalogue:
    names = _names(catalog)
    texts: dict[str, tuple[str, ...]] = {}
    forms: dict[str, tuple[str, ...]] = {}
    for entry in entries():
        found = translation(catalog, entry)
        if entry.many is not None:
            forms[entry.context] = tuple(_with_names(each, names) for each in found) or (
                entry.english,
                entry.many,
            )
        else:
            text = _with_names(found[0], names) if found else entry.english
            texts[entry.code] = (*texts.get(entry.code, ()), text)
    return Catalogue(texts=texts, forms=forms, form_of=gettext.c2py(catalog.plural_expr))


def translation(catalog: Catalog, entry: Entry) -> tuple[str, ...]:
    """What the catalogue has for it, a string for each plural form; nothing where it does not count."""
    ids = entry.english if entry.many is None else (entry.english, entry.many)
    message = catalog.get(entry.english, entry.context)
    if message is None or message.fuzzy or message.id != ids:
        return ()
    strings = (message.string,) if isinstance(message.string, str) else tuple(message.string or ())
    return strings if strings and all(strings) else ()


def _names(catalog: Catalog) -> dict[str, str]:
    """How the language calls each command, by the code of its name."""
    return {
        entry.code: found[0]
        for entry in entries()
        if entry.code.startswith(NAME) and (found := translation(catalog, entry))
    }


def _with_names(text: str, names: Mapping[str, str]) -> str:
    """The catalogues write commands in English; members know them by their own names."""

    def localised(match: re.Match[str]) -> str:
        code, words = NAME.removesuffix("_"), []
        for word in match[1].split(" "):
            code = f"{code}_{word}"
            # What follows a command's name is an ordinary word.
            words.append(names.get(code, word) if code in SENTENCES else word)
        return "/" + " ".join(words)

    return _COMMAND.sub(localised, text)

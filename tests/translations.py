"""Keeps the catalogues in `locale/`: brings them up to date, fills them, says what is missing or wrong.

python -m tests.translations update          every text into every catalogue, in the order of the code
python -m tests.translations todo pl         what is not translated yet, as JSON
python -m tests.translations fill pl x.json  put {"context": "text" or [a string for each plural form]} in
python -m tests.translations check pl        what is wrong or missing
python -m tests.translations complete pl     from now on the tests want it complete
"""

from __future__ import annotations

import json
import re
import string
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

from babel.messages.catalog import Catalog
from babel.messages.pofile import write_po

from studio.languages.catalogues import NAME, Entry, entries, path_of, read, translation
from studio.languages.tongues import TRANSLATED, Language
from studio.sentences import SENTENCES
from tests.test_cogs_texts import filled
from tests.text_limits import limit_of

COMPLETE = "Status: complete"

HEADER = """# {language}: translations of the bot's texts. msgctxt is the text's code, msgid the English text.
# Kept by `python -m tests.translations`; how to work on it stands in CONTRIBUTING.md.
# Status: {status}"""

VALID_NAME = re.compile(r"[-_'\w]{1,32}")
COMMAND = re.compile(r"(?<![\w/:<])/([a-z]+)")
EMOJI = re.compile("[\U0001f000-\U0001faff\u2600-\u26ff]")


def is_complete(language: Language) -> bool:
    """Whether its translators say that nothing is missing."""
    path = path_of(language)
    return path.exists() and COMPLETE in path.read_text("utf-8").split("\nmsgid", 1)[0]


def rebuilt(language: Language, *, complete: bool | None = None) -> bytes:
    """Its catalogue as it should be: every text, with what was translated from the same English text.

    What was translated from another one is kept as fuzzy, so that a translator sees it.
    """
    old = read(language)
    is_done = is_complete(language) if complete is None else complete
    new = Catalog(locale=language.value, domain="studio", project="animate", version="1", fuzzy=False)
    # Without moments of time: the file changes only when its texts do.
    new.creation_date = new.revision_date = datetime(2026, 11, 22, tzinfo=UTC)
    if path_of(language).exists():
        # Which forms there are changes with Babel's releases; these are what the texts are written in.
        new.mime_headers = [("Plural-Forms", f"nplurals={old.num_plurals}; plural={old.plural_expr};")]
    new.last_translator = new.msgid_bugs_address = new.language_team = "none"
    new.header_comment = HEADER.format(
        language=language.name.title(), status="complete" if is_done else "open"
    )
    before = {message.context: message for message in old if message.context}
    for entry in entries():
        ids = entry.english if entry.many is None else (entry.english, entry.many)
        message = new.add(ids, context=entry.context, auto_comments=[_hint(entry)])
        known = before.get(entry.context)
        if known is not None and known.string and isinstance(known.id, str) == isinstance(ids, str):
            message.string = known.string
            if any(known.string) and (known.fuzzy or known.id != ids):
                message.flags.add("fuzzy")
    written = BytesIO()
    write_po(written, new, width=100)
    return written.getvalue()


def write(language: Language, content: bytes) -> None:
    path = path_of(language)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def _hint(entry: Entry) -> str:
    return f"at most {limit_of(entry.code)} characters"


def missing(language: Language) -> list[Entry]:
    catalog = read(language)
    return [entry for entry in entries() if not translation(catalog, entry)]


def problems(language: Language) -> Iterator[str]:
    """What is wrong with what has been translated."""
    catalog = read(language)
    for entry in entries():
        found = translation(catalog, entry)
        if entry.many is not None and found and len(found) != catalog.num_plurals:
            yield f"{entry.context}: {len(found)} forms, {language} has {catalog.num_plurals}"
        for text in found:
            yield from (f"{entry.context}: {problem}: {text!r}" for problem in _problems(entry, text))


def _problems(entry: Entry, text: str) -> Iterator[str]:
    english = entry.many or entry.english
    if fields(text) != fields(english) and not (entry.many and fields(text) < fields(english)):
        yield f"has the placeholders {sorted(fields(text))}, not {sorted(fields(english))}"
        return
    for what, count in COUNTED.items():
        if count(text) != count(english):
            yield f"{what} differ from the English text"
    if text != text.strip() and entry.english == entry.english.strip():
        yield "begins or ends with a space"
    if len(filled(text)) > limit_of(entry.code):
        yield f"is {len(filled(text))} characters long, at most {limit_of(entry.code)} fit"
    is_name = entry.code.startswith(NAME) and not entry.code.startswith("name_menu_")
    if is_name and not (VALID_NAME.fullmatch(text) and text == text.lower()):
        yield "is no valid name of a command"


COUNTED: dict[str, Callable[[str], Any]] = {
    "the commands that it names": lambda text: Counter(
        each for each in COMMAND.findall(text) if NAME + each in SENTENCES
    ),
    "line breaks": lambda text: text.count("\n"),
    "bold marks": lambda text: text.count("**"),
    "marks at the beginnings of lines": lambda text: re.findall(r"^(?:-# |#+ )", text, re.MULTILINE),
    "emoji": lambda text: EMOJI.findall(text),
    "links": lambda text: len(re.findall(r"\]\(\{", text)),
}


def fields(text: str) -> set[tuple[str, str]]:
    """The placeholders with their formats."""
    return {(name, spec or "") for _, name, spec, _ in string.Formatter().parse(text) if name is not None}


def todo(language: Language) -> dict[str, Any]:
    catalog = read(language)
    open_texts: dict[str, Any] = {}
    for entry in missing(language):
        text = (
            entry.english
            if entry.many is None
            else [entry.english, *[entry.many] * (catalog.num_plurals - 1)]
        )
        open_texts[entry.context] = {"english": text, "at_most": limit_of(entry.code)}
    return open_texts


def fill(language: Language, given: dict[str, str | list[str]]) -> list[str]:
    """Put translations in; return the contexts that nobody knows."""
    complete = is_complete(language)
    write(language, rebuilt(language))
    catalog = read(language)
    by_context = {message.context: message for message in catalog if message.context}
    for context, text in given.items():
        if context in by_context:
            by_context[context].string = tuple(text) if isinstance(text, list) else text
            by_context[context].flags.discard("fuzzy")
    written = BytesIO()
    write_po(written, catalog, width=100)
    write(language, written.getvalue())
    write(language, rebuilt(language, complete=complete))
    return sorted(given.keys() - by_context.keys())


def main(arguments: list[str]) -> int:
    """Run the command line; return the exit code."""
    command, *rest = arguments or ["help"]
    languages = [Language(rest[0])] if rest else list(TRANSLATED)
    match command:
        case "update":
            for language in languages:
                write(language, rebuilt(language))
        case "todo":
            print(json.dumps(todo(languages[0]), ensure_ascii=False, indent=1))
        case "fill":
            unknown = fill(languages[0], json.loads(Path(rest[1]).read_text("utf-8")))
            print(*(f"unknown: {context}" for context in unknown), sep="\n")
            return int(bool(unknown)) or _check(languages[:1])
        case "complete":
            write(languages[0], rebuilt(languages[0], complete=True))
            return _check(languages[:1])
        case "check":
            return _check(languages)
        case _:
            print(__doc__)
    return 0


def _check(languages: list[Language]) -> int:
    wrong = 0
    for language in languages:
        found = list(problems(language))
        wrong += len(found)
        lacks = missing(language)
        print(
            f"{language}: {len(found)} wrong, {len(lacks)} of {len(list(entries()))} missing",
            *found,
            sep="\n  ",
        )
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""The message files of each language, read once in a process; a message is parsed when somebody reads it."""

import re
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent
DEFAULT_LANGUAGE = "en"

_added: dict[str, str] = {}
_ENTRY = re.compile(r"^(?=[a-zA-Z#])", re.MULTILINE)
_ID = re.compile(r"([a-zA-Z][\w-]*) *=")


class Catalog:
    """The sentences of a language by id.

    To parse all of them takes half a second, and a command reads some ten. No message refers to another, so
    that each can be parsed alone.
    """

    def __init__(self, language: str, texts: Iterable[str]) -> None:
        from fluent.runtime import FluentBundle  # 0.15 s: only where somebody reads

        self._bundle = FluentBundle([language], use_isolating=False)
        self._entries: dict[str, str] = {}
        for text in texts:
            for entry in _ENTRY.split(text):
                if found := _ID.match(entry):
                    self._entries.setdefault(found[1], entry)

    def __contains__(self, message_id: str) -> bool:
        return message_id in self._entries

    def sentence(self, message_id: str, values: Mapping[str, str | int]) -> str | None:
        """The message with its values; None where one is missing."""
        from fluent.runtime import FluentResource

        if not self._bundle.has_message(message_id):
            self._bundle.add_resource(FluentResource(self._entries[message_id]))
        if not self._bundle.has_message(message_id):
            return None
        pattern: Any = self._bundle.get_message(message_id).value
        sentence, errors = self._bundle.format_pattern(pattern, values)
        return None if errors else str(sentence)


def languages() -> tuple[str, ...]:
    """The languages there are, the default first."""
    found = _with_files() | set(_added)
    return (DEFAULT_LANGUAGE, *sorted(found - {DEFAULT_LANGUAGE}))


@cache
def _with_files() -> frozenset[str]:
    return frozenset(path.name for path in FOLDER.iterdir() if any(path.glob("*.ftl")))


def add_language(language: str, text: str) -> None:
    """A language for this process alone, from the text of its message file: to try a translation."""
    _added[language] = text


def message_files(language: str) -> list[Path]:
    return sorted((FOLDER / language).glob("*.ftl"))


def catalog(language: str) -> Catalog:
    """The sentences of `language` by id."""
    return _catalog(language, _added.get(language, ""))


@cache
def _catalog(language: str, added: str) -> Catalog:
    files = [path.read_text(encoding="utf-8") for path in message_files(language)]
    return Catalog(language, (*files, added))

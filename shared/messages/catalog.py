"""The message files of each language, read once in a process."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fluent.runtime import FluentBundle

FOLDER = Path(__file__).resolve().parent
DEFAULT_LANGUAGE = "en"

_added: dict[str, str] = {}


def languages() -> tuple[str, ...]:
    """The languages there are, the default first."""
    found = {path.name for path in FOLDER.iterdir() if any(path.glob("*.ftl"))} | set(_added)
    return (DEFAULT_LANGUAGE, *sorted(found - {DEFAULT_LANGUAGE}))


def add_language(language: str, text: str) -> None:
    """A language for this process alone, from the text of its message file: to try a translation."""
    _added[language] = text
    catalog.cache_clear()


def message_files(language: str) -> list[Path]:
    return sorted((FOLDER / language).glob("*.ftl"))


@cache
def catalog(language: str) -> FluentBundle:
    """The sentences of `language` by id."""
    from fluent.runtime import FluentBundle, FluentResource  # 0.15 s: only where somebody reads

    bundle = FluentBundle([language], use_isolating=False)
    for text in (
        *(path.read_text(encoding="utf-8") for path in message_files(language)),
        _added.get(language, ""),
    ):
        bundle.add_resource(FluentResource(text))
    return bundle

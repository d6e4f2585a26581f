"""Names of classes: one class is written in one way, and what only looks alike is told, never merged."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Collection, Mapping
from functools import lru_cache
from typing import Literal

from shared.datasets.texts import INVISIBLE_LETTERS
from shared.messages.said import Said, say

# Format and control characters show nothing; the two joiners do, between letters or pictures that join.
_JOINERS = "\u200c\u200d"
_NEVER_JOINS = "\\x00-\u02ff\u1100-\u11ff\uac00-\ud7a3"
_IDLE_JOINER = re.compile(f"(?:^|(?<=[{_NEVER_JOINS}]))[{_JOINERS}]+|[{_JOINERS}]+(?:$|(?=[{_NEVER_JOINS}]))")
_NUMBER = re.compile(r"[+\-\u2212]?\d+(?:[.,]\d+)?")
# Letters of Cyrillic and Greek that look like Latin ones.
_LATIN_LOOK = str.maketrans("авеікмнорстухѕјορνιακ", "abeikmhopctyxsjopviak")
_WHOLE_NUMBER = re.compile(r"([+-]?\d+)\.0+")
MISSING_WORDS = frozenset({"nan", "NaN", "NAN", "null", "NULL", "None", "<NA>", "N/A", "n/a", "#N/A", "NaT"})
_TRUTH_WORDS, _TRUTH_NUMBERS = {"true", "false"}, {"0", "1"}

LABELS_SHOWN = 10
Change = Literal["nfc", "invisible", "spaces", "whole"]


@lru_cache(maxsize=4096)
def clean_label(label: str) -> tuple[str, tuple[Change, ...]]:
    """The label in its one spelling, and which changes that took.

    Letters are composed (NFC), what can't be seen goes, white space inside is one space, and a whole number
    is written without `.0`, which pandas adds where a column has gaps. Case and signs stay.
    """
    changes: list[Change] = []
    composed = unicodedata.normalize("NFC", label)
    if composed != label:
        changes.append("nfc")
    visible = _IDLE_JOINER.sub("", "".join(sign for sign in composed if not _is_invisible(sign)))
    if visible != composed:
        changes.append("invisible")
    spaced = " ".join(visible.split())
    if spaced != visible:
        changes.append("spaces")
    if whole := _WHOLE_NUMBER.fullmatch(spaced):
        changes.append("whole")
        spaced = str(int(whole[1]))
    return spaced, tuple(changes)


def look_alikes(labels: Collection[str]) -> list[list[str]]:
    """Groups of labels that differ only by case, width, spaces, dashes, quotes, a full stop at the end or
    letters of other alphabets."""
    groups: dict[str, list[str]] = defaultdict(list)
    for label in labels:
        groups[_outline(label)].append(label)
    return [sorted(group) for group in groups.values() if len(group) > 1]


def missing_words(labels: Collection[str]) -> list[str]:
    """Labels that are what programs write where a value is missing."""
    return sorted(MISSING_WORDS & set(labels))


def says_truth_twice(labels: Collection[str]) -> bool:
    """Whether truth is a word in some rows and a number in others."""
    lowered = {label.lower() for label in labels}
    return bool(lowered & _TRUTH_WORDS and lowered & _TRUTH_NUMBERS)


def listed_labels(counts: Mapping[str, int], labels: Collection[str]) -> Said:
    """Labels with their numbers of rows for a message: at most ten, and none longer than names are."""
    shown = [f"`{printable(label)}` ({counts[label]:,})" for label in list(labels)[:LABELS_SHOWN]]
    return say("listed-names-piece", count=len(labels), names=shown, more=len(labels) - len(shown))


def printable(text: str, most: int = 40) -> str:
    """A text for a message: what can't be printed by its number, and cut where it is long."""
    shown = "".join(sign if sign.isprintable() else f"\\u{ord(sign):04x}" for sign in text)
    return shown if len(shown) <= most else shown[:most] + "…"


def _is_invisible(sign: str) -> bool:
    if sign in _JOINERS or sign.isspace():
        return False
    return sign in INVISIBLE_LETTERS or unicodedata.category(sign) in ("Cf", "Cc")


def _outline(label: str) -> str:
    """What stays of a label when all goes that readers overlook; a number keeps its sign."""
    folded = unicodedata.normalize("NFKC", label).casefold().translate(_LATIN_LOOK)
    if _NUMBER.fullmatch(folded):
        return folded
    return "".join(sign for sign in folded if not _is_overlooked(sign)).removesuffix(".") or folded


def _is_overlooked(sign: str) -> bool:
    joint = sign.isspace() or sign in "\u200c\u200d\"'" or "\ufe00" <= sign <= "\ufe0f"
    return joint or unicodedata.category(sign) in ("Pd", "Pc", "Pi", "Pf")

"""A row as the model reads it, cut into stretches that are learned and that are only read."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Stretch:
    """A part of a row's text; learned, or only read."""

    text: str
    is_learned: bool


@dataclass(frozen=True)
class ShownRow:
    """`tokens_left_out`: of a long row, those that are not shown."""

    stretches: tuple[Stretch, ...]
    tokens_left_out: int


def stretches(text: str, learned: Iterable[tuple[int, int]]) -> Iterator[Stretch]:
    """`learned`: half-open ranges of characters, in their order."""
    at = 0
    for start, end in learned:
        if start > at:
            yield Stretch(text[at:start], is_learned=False)
        yield Stretch(text[start:end], is_learned=True)
        at = end
    if at < len(text):
        yield Stretch(text[at:], is_learned=False)

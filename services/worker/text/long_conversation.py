"""Finds all turns of a long conversation in a time that grows with its length, not with its square."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from services.worker.text.chat_template import ChatTemplate, Message, TemplateRefusal, Tools
from services.worker.text.turns import Turn, turn_at

KINDS_OF_TURN = 16  # more, and the turns are found one by one
_TAIL = 64
_NUMBER = re.compile(r"\d+")


@dataclass(frozen=True)
class _Place:
    """Where a turn's words stand in the whole text, and what kind of turn it is: what the template writes
    around them.
    """

    index: int
    start: int
    end: int
    kind: tuple[str, str]


def all_turns_at_once(
    template: ChatTemplate,
    messages: Sequence[Message],
    indices: Sequence[int],
    *,
    tools: Tools | None,
    breathe: Callable[[], object],
) -> list[Turn] | None:
    """All turns within the text of the last one, or None if they can't be had that way.

    Every turn's words are found at their place, by a rendering with other words in theirs. That the
    template writes a turn at its time as it does once others follow is checked by rendering the first and
    last turn of each kind up to it, and turns at doubling distances.
    """
    try:
        last = turn_at(template, messages, indices[-1], tools=tools)
        breathe()
        places = _places(template, messages[: indices[-1] + 1], indices, last.text, tools)
        if places is None:
            return None
        lead: dict[tuple[str, str], tuple[int, int]] = {}
        for place in _examples(places):
            breathe()
            turn = turn_at(template, messages, place.index, tools=tools)
            margins = (place.start - turn.start, turn.end - place.end)
            same = last.text.startswith(turn.text[: turn.end]) and place.end == turn.words_end
            if turn.unended or not same or lead.setdefault(place.kind, margins) != margins:
                return None
    except TemplateRefusal:
        return None
    return [
        Turn(last.text, place.start - lead[place.kind][0], place.end, place.end + lead[place.kind][1])
        for place in places
    ]


def _places(
    template: ChatTemplate,
    messages: Sequence[Message],
    indices: Sequence[int],
    text: str,
    tools: Tools | None,
) -> list[_Place] | None:
    """Where each assistant's words stand in `text`; None unless it is the template with the words put in."""
    names = [f"Tunedock{number}standsin" for number in range(len(messages))]
    exchanged = [{**message, "content": name} for message, name in zip(messages, names, strict=True)]
    frame = template.render(exchanged, tools=tools)
    places: list[_Place] = []
    framed = at = 0
    learned = set(indices)
    for index, (message, name) in enumerate(zip(messages, names, strict=True)):
        found = frame.find(name, framed)
        if found < 0:
            if index in learned:
                return None
            continue
        between, after = frame[framed:found], found + len(name)
        if not text.startswith(between, at):
            return None
        at += len(between)
        words = next((words for words in _as_written(message["content"]) if text.startswith(words, at)), None)
        if words is None:
            return None
        if index in learned:
            tail = frame[after : after + _TAIL].partition("Tunedock")[0]
            places.append(_Place(index, at, at + len(words), (_numberless(between), _numberless(tail))))
        at += len(words)
        framed = after
    return places if text[at:] == frame[framed:] else None


def _numberless(written: str) -> str:
    """Turns that a template numbers are of one kind."""
    return _NUMBER.sub("0", written)


def _as_written(content: str) -> tuple[str, str]:
    return content, content.strip()


def _examples(places: Sequence[_Place]) -> Iterator[_Place]:
    """First and last of each kind, and some at doubling distances."""
    first: dict[tuple[str, str], int] = {}
    final: dict[tuple[str, str], int] = {}
    for number, place in enumerate(places):
        first.setdefault(place.kind, number)
        final[place.kind] = number
    doubling = {2**power for power in range(20) if 2**power < len(places)}
    if len(first) <= KINDS_OF_TURN:
        yield from (places[number] for number in sorted({*first.values(), *final.values(), *doubling}))

"""A conversation as the rows that are learned from it: one, or one a turn where the template asks for it."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from services.worker.text.chat_template import ChatTemplate, Message, TemplateRefusal, Tools
from services.worker.text.long_conversation import all_turns_at_once
from services.worker.text.marked_text import MarkedText, Span
from services.worker.text.turns import Turn, turn_at
from shared.messages.message import say, stored

TURNS_FOUND_ONE_BY_ONE = 8
MOST_UNROLLED = 256  # each row repeats the turns before it: more would be millions of tokens
TOO_MANY = stored(say("too-many-turns", most=MOST_UNROLLED))


@dataclass(frozen=True)
class Conversation:
    """What became of a conversation: its rows, and how many assistant turns are in none of them, and why.

    `refused` counts turns by the reason, a message as it is stored.
    """

    rows: tuple[MarkedText, ...]
    turns: int
    refused: Counter[str] = field(default_factory=Counter)
    beyond: int = 0
    thoughts_lost: int = 0
    thoughts_closed: int = 0
    thoughts_foreign: int = 0

    @property
    def unrolled(self) -> bool:
        return len(self.rows) > 1


def conversation_rows(
    template: ChatTemplate,
    messages: Sequence[Message],
    *,
    tools: Tools | None = None,
    mark_all: bool = False,
    too_long: Callable[[str], bool] = lambda prompt: False,
    breathe: Callable[[], object] = lambda: None,
) -> Conversation:
    """The rows of `messages`; learned are the assistant's words with their end tokens, or with `mark_all`
    everything, each part once.

    A turn stands in the row of a later one where the template writes the conversation up to it the same
    once more turns follow; otherwise it is a row of its own, as the model sees it at its time. A turn whose
    prompt is `too_long` is not rendered, nor are those after it. `breathe` is called between turns.
    """
    indices = [index for index, message in enumerate(messages) if _is_learned(message)]
    if not indices:
        return Conversation((), 0)
    refused: Counter[str] = Counter()
    turns: list[Turn] | None = None
    if len(indices) > TURNS_FOUND_ONE_BY_ONE:
        turns = all_turns_at_once(template, messages, indices, tools=tools, breathe=breathe)
    if turns is None:
        turns = _one_by_one(template, messages, indices, tools, too_long, breathe, refused)
    rows = _marked_whole(turns) if mark_all else _marked(turns)
    return Conversation(
        rows,
        len(indices),
        refused,
        beyond=len(indices) - len(turns) - refused.total(),
        thoughts_lost=sum(turn.thought_lost for turn in turns),
        thoughts_closed=sum(turn.thought_closed for turn in turns),
        thoughts_foreign=sum(turn.thought_foreign for turn in turns),
    )


def _is_learned(message: Message) -> bool:
    """An assistant's message, unless its row says `weight` 0."""
    return message["role"] == "assistant" and message.get("weight") != 0


def _one_by_one(
    template: ChatTemplate,
    messages: Sequence[Message],
    indices: Sequence[int],
    tools: Tools | None,
    too_long: Callable[[str], bool],
    breathe: Callable[[], object],
    refused: Counter[str],
) -> list[Turn]:
    turns: list[Turn] = []
    for number, index in enumerate(indices):
        breathe()
        try:
            turn = turn_at(template, messages, index, tools=tools)
        except TemplateRefusal as refusal:
            refused[refusal.reason] += 1
            if len(refused) == 1 and refused.total() > TURNS_FOUND_ONE_BY_ONE and not turns:
                refused[refusal.reason] += len(indices) - number - 1  # it takes nothing of this conversation
                break
            continue
        turns.append(turn)
        if len(turns) == MOST_UNROLLED and number < len(indices) - 1:
            refused[TOO_MANY] = len(indices) - number - 1
            break
        if number >= TURNS_FOUND_ONE_BY_ONE and too_long(turn.text[: turn.start]):
            break
    return turns


def _heads(turns: Sequence[Turn]) -> list[tuple[Turn, list[Turn]]]:
    """The turns that become rows, each with the turns that its row teaches, all in order."""
    heads: list[tuple[Turn, list[Turn]]] = []
    for turn in reversed(turns):
        if heads and not turn.unended and _stands_in(turn, heads[-1][0]):
            heads[-1][1].append(turn)
        else:
            heads.append((turn, [turn]))
    return [(head, taught[::-1]) for head, taught in reversed(heads)]


def _stands_in(turn: Turn, later: Turn) -> bool:
    return turn.text is later.text or later.text.startswith(turn.text[: turn.end])


def _marked(turns: Sequence[Turn]) -> tuple[MarkedText, ...]:
    rows = []
    for head, taught in _heads(turns):
        spans = tuple(Span(turn.start, turn.end) for turn in taught)
        rows.append(MarkedText(head.text, spans, answers=spans, stop=head.unended))
    return tuple(rows)


def _marked_whole(turns: Sequence[Turn]) -> tuple[MarkedText, ...]:
    """All that a row says is learned, but not again what the row before it said."""
    rows, before = [], ""
    for row in _marked(turns):
        new = _agreement(before, row.text)
        rows.append(replace(row, spans=(Span(new, len(row.text)),)))
        before = row.text
    return tuple(rows)


def _agreement(first: str, second: str) -> int:
    """How many characters both begin with."""
    low, high = 0, min(len(first), len(second))
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if first[:middle] == second[:middle] else (low, middle - 1)
    return low

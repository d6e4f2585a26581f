"""Conversations of thousands of turns: the same targets, in a time that grows with their length."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from services.worker.text import conversation
from services.worker.text.chat_template import ChatTemplate, Message, Tools
from services.worker.text.conversation import MOST_UNROLLED, TOO_MANY, conversation_rows
from tests.worker.text.families import FAMILIES, Family, tokenizer_of
from tests.worker.text.test_targets import chat

NOW = datetime(2025, 3, 1, tzinfo=UTC)
CHATML, R1 = (
    next(family for family in FAMILIES if family.name == name) for name in ("ChatML", "DeepSeek-R1 distill")
)


@dataclass(frozen=True)
class CountingTemplate(ChatTemplate):
    """Counts the messages that are rendered: what rendering costs."""

    rendered: list[int] = field(default_factory=list)

    def render(
        self, messages: Sequence[Message], *, tools: Tools | None = None, generation_prompt: bool = False
    ) -> str:
        self.rendered.append(len(messages))
        return super().render(messages, tools=tools, generation_prompt=generation_prompt)


def long_chat(turns: int) -> list[dict[str, str]]:
    return chat(*(f"{number}번째 말이야, {'왜' if number % 2 else '그래'}?" for number in range(2 * turns)))


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_all_turns_at_once_are_what_they_are_one_by_one(
    family: Family, monkeypatch: pytest.MonkeyPatch
) -> None:
    template = ChatTemplate.of(tokenizer_of(family), now=NOW)
    at_once = conversation_rows(template, long_chat(20))
    monkeypatch.setattr(conversation, "TURNS_FOUND_ONE_BY_ONE", 1000)
    one_by_one = conversation_rows(template, long_chat(20))
    assert [(row.text, row.spans) for row in at_once.rows] == [
        (row.text, row.spans) for row in one_by_one.rows
    ]


def test_a_turn_of_an_own_kind_is_found_among_many() -> None:
    """The template of the middle turn's answer differs, so it is rendered at its time as well."""
    template = ChatTemplate.of(tokenizer_of(CHATML), now=NOW)
    messages = long_chat(20)
    messages[21]["content"] = "  <|im_end|> 안에 있어  \n"
    (row,) = conversation_rows(template, messages).rows
    words = [message["content"] + "<|im_end|>" for message in messages[1::2]]
    assert [row.text[start:end] for start, end in row.spans] == words


def test_a_thought_that_is_dropped_later_unrolls_a_long_conversation_too() -> None:
    qwen = next(family for family in FAMILIES if family.name == "Qwen3")
    template = ChatTemplate.of(tokenizer_of(qwen), thinking=True, now=NOW)
    messages = long_chat(12)
    messages[11]["content"] = "<think>\n여섯\n</think>\n\n그래."
    rows = conversation_rows(template, messages).rows
    stretches = [row.text[start:end] for row in rows for start, end in row.spans]
    assert stretches == [message["content"] + "<|im_end|>" for message in messages[1::2]]


def test_rendering_grows_with_the_length_and_not_with_its_square() -> None:
    costs = []
    for turns in (200, 800):
        template = CountingTemplate(tokenizer_of(CHATML), thinking=False, now=NOW)
        breaths = itertools.count()
        made = conversation_rows(template, long_chat(turns), breathe=breaths.__next__)
        assert len(made.rows[0].spans) == turns
        assert next(breaths) > 0
        costs.append(sum(template.rendered))
    assert costs[1] < 6 * costs[0]


def test_turns_beyond_the_limit_are_counted_and_not_rendered() -> None:
    template = CountingTemplate(tokenizer_of(R1), thinking=False, now=NOW)
    made = conversation_rows(template, long_chat(500), too_long=lambda prompt: len(prompt) > 1000)
    assert 9 < len(made.rows) < 50
    assert made.beyond == 500 - len(made.rows)
    assert max(template.rendered[7:]) < 110


def test_no_conversation_becomes_more_rows_than_are_bearable() -> None:
    template = ChatTemplate.of(tokenizer_of(R1), now=NOW)
    made = conversation_rows(template, long_chat(MOST_UNROLLED + 10))
    assert len(made.rows) == MOST_UNROLLED
    assert made.refused == {TOO_MANY: 10}

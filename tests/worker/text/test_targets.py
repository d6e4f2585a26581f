"""For every family's template and every kind of conversation: learned are the words and the end token."""

from datetime import UTC, datetime

import numpy as np
import pytest

from services.worker.text.chat_template import ChatTemplate, TemplateRefusal
from services.worker.text.conversation import Conversation, conversation_rows
from services.worker.text.marked_text import EncodedText, MarkedText, Span, encode_texts
from services.worker.text.thoughts import thought_in
from tests.worker.text.families import FAMILIES, Family, tokenizer_of

NOW = datetime(2025, 3, 1, 12, tzinfo=UTC)
Messages = list[dict[str, str]]


def chat(*contents: str, system: str | None = None) -> Messages:
    """User and assistant by turns."""
    roles = ("user", "assistant")
    turns = [{"role": roles[number % 2], "content": content} for number, content in enumerate(contents)]
    return ([{"role": "system", "content": system}] if system else []) + turns


def thought(inside: str, answer: str) -> str:
    """In the form in which the templates with tags write it; the tag is put in for each family."""
    return f"<THOUGHT>\n{inside}\n</THOUGHT>\n\n{answer}"


THREE = (
    "수도는?",
    "서울이야.",
    "At what does water boil?",
    "A hundred degrees.",
    "왜 파래?",
    "빛이 흩어져서.",
)
CASES: dict[str, Messages] = {
    "single turn": chat("수도는 어디야?", "서울이야."),
    "three turns": chat(*THREE),
    "system": chat("수도는?", "서울이야.", system="짧게 대답해."),
    "system, three turns": chat(*THREE, system="Answer in one sentence."),
    "empty thought": chat("수도는?", thought("", "서울이야.")),
    "thought": chat("수도는?", thought("나라를 생각해.\nKorea.", "서울이야.")),
    "thoughts in three turns": chat(
        "하나?", thought("1", "일."), "둘?", thought("2", "이."), "셋?", thought("3", "삼.")
    ),
    "thought in one of two": chat("하나?", thought("1", "일."), "둘?", "이."),
    "two assistants": [*chat("수도는?", "서울이야."), {"role": "assistant", "content": "또 있어?"}],
    "unicode": chat("각 e\u0301 👋", "한국어 각 e\u0301 👩‍👩‍👧 ①½ → 끝"),
    "spaces": chat("  안녕  ", "  서울이야.  \n\n그래.  \n"),
    "newlines first": chat("안녕", "\n\n서울이야.\n"),
    "own special tokens": chat("What ends a turn?", "It is <END> and after it <FIRST> begins."),
    "the user's words": chat("assistant", "assistant", "user", "user", "서울", "서울"),
}  # fmt: skip


def messages_of(family: Family, case: str) -> Messages:
    words = {"THOUGHT": family.tag, "<END>": family.end.strip(), "<FIRST>": family.specials[0]}
    made = []
    for message in CASES[case]:
        content = message["content"]
        for placeholder, value in words.items():
            content = content.replace(placeholder, value)
        made.append({**message, "content": content})
    return made


def expected(family: Family, messages: Messages) -> list[str]:
    """What each answer's stretch must be: the row's words and the family's end."""
    return [
        _words(family, message["content"]) + family.end
        for message in messages
        if message["role"] == "assistant"
    ]


def _words(family: Family, content: str) -> str:
    if family.opens_thought:
        content = content.removeprefix(f"<{family.tag}>\n")
    return content.lstrip(family.trims_left).strip(family.trims)


def rows_of(family: Family, case: str) -> tuple[ChatTemplate, Messages, Conversation]:
    messages = messages_of(family, case)
    thinking = any(thought_in(message["content"]) for message in messages)
    template = ChatTemplate.of(tokenizer_of(family), thinking=thinking, now=NOW)
    return template, messages, conversation_rows(template, messages)


PAIRS = [pytest.param(family, case, id=f"{family.name}, {case}") for family in FAMILIES for case in CASES]


@pytest.mark.parametrize(("family", "case"), PAIRS)
def test_learned_are_the_words_and_the_end_token_or_the_turn_is_refused(family: Family, case: str) -> None:
    template, messages, made = rows_of(family, case)
    wanted = expected(family, messages)
    if case in family.refused:
        assert made.refused
        assert all(family.refused[case] in reason for reason in made.refused)
        wanted = wanted[: len(wanted) - made.refused.total()]
    else:
        assert not made.refused
    stretches = [row.text[start:end] for row in made.rows for start, end in row.spans]
    assert [_without_joint(family, stretch) for stretch in stretches] == wanted
    encoded = encode_texts(made.rows, template.tokenizer)
    assert [row.fault for row in encoded] == [None] * len(made.rows)
    decoded = [stretch for row in encoded for stretch in _decoded(family, row)]
    assert [_compared(family, stretch) for stretch in decoded] == [
        _compared(family, stretch) for stretch in wanted
    ]


@pytest.mark.parametrize(("family", "case"), PAIRS)
def test_every_answer_follows_what_the_model_sees_at_its_time(family: Family, case: str) -> None:
    template, messages, made = rows_of(family, case)
    turns = [index for index, message in enumerate(messages) if message["role"] == "assistant"]
    seen = [row.text[:start] for row in made.rows for start, _ in row.spans]
    for index, prefix in zip(turns, seen, strict=False):
        assert prefix.startswith(template.render(messages[:index], generation_prompt=True))


@pytest.mark.parametrize(("family", "case"), PAIRS)
def test_the_tokens_before_an_answer_are_those_that_the_model_is_asked_with(
    family: Family, case: str
) -> None:
    template, messages, made = rows_of(family, case)
    turns = [index for index, message in enumerate(messages) if message["role"] == "assistant"]
    encoded = encode_texts(made.rows, template.tokenizer)
    seen = [row.row.ids[: answer.start].tolist() for row in encoded for answer in row.answers]
    for index, before in zip(turns, seen, strict=False):
        prompt = template.render(messages[:index], generation_prompt=True)
        asked = template.tokenizer(prompt, add_special_tokens=False)["input_ids"]
        assert before[: len(asked)] == asked


@pytest.mark.parametrize(("family", "case"), PAIRS)
def test_a_conversation_is_one_row_where_the_template_lets_it_be(family: Family, case: str) -> None:
    _, messages, made = rows_of(family, case)
    learned = sum(message["role"] == "assistant" for message in messages) - made.refused.total()
    assert len(made.rows) == (learned if case in family.unrolled else min(1, learned))


def _without_joint(family: Family, stretch: str) -> str:
    """White space that the template writes between the prompt and the words is the model's to generate."""
    return stretch.removeprefix(family.before)


def _decoded(family: Family, encoded: EncodedText) -> list[str]:
    """The answers' tokens as text, which are all the learned ones."""
    learned = np.zeros(len(encoded.row), dtype=np.bool_)
    for start, end in encoded.answers:
        learned[start:end] = True
    assert np.array_equal(learned, encoded.row.targets)
    decode = tokenizer_of(family).backend_tokenizer.decode
    return [
        decode(encoded.row.ids[start:end].tolist(), skip_special_tokens=False)
        for start, end in encoded.answers
    ]


def _compared(family: Family, stretch: str) -> str:
    return "".join(stretch.split()) if family.strips else stretch.lstrip(" \n")


def test_the_refusal_is_in_the_templates_own_words() -> None:
    gemma = next(family for family in FAMILIES if family.name == "Gemma")
    template = ChatTemplate.of(tokenizer_of(gemma))
    with pytest.raises(TemplateRefusal, match="System role not supported"):
        template.render(messages_of(gemma, "system"))


@pytest.mark.parametrize("name", ["channels", "Qwen3.5", "Qwen3"])
def test_words_come_after_what_the_template_writes_before_them_though_the_prompt_differs(name: str) -> None:
    """With two answers in a row the first is the last message when the second is asked for."""
    family = next(family for family in FAMILIES if family.name == name)
    _, _, made = rows_of(family, "two assistants")
    (row,) = made.rows
    first, second = (row.text[:start] for start, _ in row.spans)
    header = {"channels": "<|message|>", "Qwen3.5": "</think>\n\n", "Qwen3": "</think>\n\n"}[name]
    assert first.endswith(header)
    assert second.endswith(header)


def test_a_text_of_no_token_is_a_row_of_none() -> None:
    marked = MarkedText("", (Span(0, 0),), answers=(Span(0, 0),))
    (encoded,) = encode_texts([marked], tokenizer_of(FAMILIES[0]))
    assert (len(encoded.row), encoded.answers) == (0, (Span(0, 0),))

"""One assistant turn in a rendered conversation: where its words and its end token stand."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from services.worker.text.chat_template import ChatTemplate, Message, TemplateRefusal, Tools
from services.worker.text.thoughts import (
    after_opening,
    closing_of,
    opening_at_end,
    same_words,
    thought_in,
)
from shared.messages.message import say

_STAND_IN = "Tunedockstandsin"
_QUESTION = "Tunedockasks"
LEAST_IN_COMMON = 3  # fewer characters at the end of a prompt are found anywhere


@dataclass(frozen=True)
class Turn:
    """`text` is the conversation up to this turn as the model sees it at its time.

    Learned is `text[start:end]`: the assistant's words, which end at `words_end`, and the end token.
    `unended`: the template writes no end token, so one must be appended. `thought_lost`: the row has a
    thought that the template does not write. `thought_closed`: the prompt opens a thought, the row has none,
    and the words follow an empty one. `thought_foreign`: likewise, but the row has one in other tags.
    """

    text: str
    start: int
    words_end: int
    end: int
    unended: bool = False
    thought_lost: bool = False
    thought_closed: bool = False
    thought_foreign: bool = False


def turn_at(
    template: ChatTemplate, messages: Sequence[Message], index: int, *, tools: Tools | None = None
) -> Turn:
    """The assistant's turn `messages[index]`, found and checked. Raises TemplateRefusal.

    The model sees the generation prompt at its time, so the words follow that prompt, whether the template
    writes the same before an answer or not.
    """
    content = str(messages[index]["content"])
    prompt = ""
    if index:  # no template renders nothing
        prompt = template.render(messages[:index], tools=tools, generation_prompt=True)
    text = template.render(messages[: index + 1], tools=tools)
    if text.startswith(prompt) and (words_end := _end_of_words(text, len(prompt), content)):
        return _ended(template, Turn(text, len(prompt), words_end, words_end))
    before, after = _around(template, messages, index, tools)
    if not text.endswith(after):
        raise TemplateRefusal(say("answer-end-depends-on-words"))
    words_end = len(text) - len(after)
    if text.startswith(prompt) and same_words(text[len(prompt) : words_end], content):
        return _ended(template, Turn(text, len(prompt), words_end, words_end))
    words = _words_written(text[:words_end], before, content)
    lost = thought_in(content) is not None and thought_in(words) is None
    if before.startswith(prompt) and text.startswith(before):
        # White space that the template writes before the words is the model's to generate.
        start = len(before) if before[len(prompt) :].strip() else len(prompt)
        return _ended(template, Turn(text, start, words_end, words_end, thought_lost=lost))
    return _after_prompt(template, prompt, before, words, after, content)


def _end_of_words(text: str, at: int, content: str) -> int | None:
    """Where `content` ends that stands at `at`, as it is or trimmed after white space; None if none does."""
    if text.startswith(content, at):
        return at + len(content)
    while at < len(text) and text[at].isspace():
        at += 1
    trimmed = content.strip()
    return at + len(trimmed) if trimmed and text.startswith(trimmed, at) else None


def _around(
    template: ChatTemplate, messages: Sequence[Message], index: int, tools: Tools | None
) -> tuple[str, str]:
    """What the template writes before and after the turn's words: what stays when they are exchanged."""
    exchanged = {**messages[index], "content": _STAND_IN}
    text = template.render([*messages[:index], exchanged], tools=tools)
    before, found, after = text.rpartition(_STAND_IN)
    if not found:
        raise TemplateRefusal(say("answer-not-written"))
    return before, after


def _words_written(text: str, before: str, content: str) -> str:
    """The words at the end of `text`: the content, or its answer where the template drops or moves a
    thought.
    """
    if text.startswith(before) and same_words(text[len(before) :], content):
        return text[len(before) :]
    thought = thought_in(content)
    answer = thought.answer.strip() if thought else ""
    if answer and text.endswith(answer):
        return answer
    raise TemplateRefusal(say("answer-written-otherwise"))


def _after_prompt(
    template: ChatTemplate, prompt: str, before: str, words: str, after: str, content: str
) -> Turn:
    """For a generation prompt that is not what the template writes before an answer.

    What the template has between the prompt's end and the words comes after the prompt. If the prompt opens
    a thought that the template does not write, the row's thought goes on from there; a row without one
    answers after an empty thought, which is not learned.
    """
    opened = opening_at_end(prompt)
    shared = _end_in_common(prompt, before)
    rest = None
    start = len(prompt)
    if opened and shared < len(opened):
        rest = after_opening(content, opened)
        if rest is None:
            prompt = f"{prompt.rstrip()}\n\n{closing_of(opened)}\n\n"
            start = len(prompt)
        words = words if rest is None else rest
    elif shared >= LEAST_IN_COMMON:
        ending = prompt[-shared:]
        between = before[before.rindex(ending) + shared :]
        prompt += between
        start = len(prompt) if between.strip() else start
    words_end = len(prompt) + len(words)
    closed = rest is None and bool(opened) and shared < len(opened)
    foreign = closed and thought_in(words) is not None
    turn = Turn(
        prompt + words + after,
        start,
        words_end,
        words_end,
        thought_lost=rest is None and thought_in(content) is not None and thought_in(words) is None,
        thought_closed=closed and not foreign,
        thought_foreign=foreign,
    )
    return _ended(template, turn)


def _end_in_common(prompt: str, before: str) -> int:
    """How many characters of the end of `prompt` stand together somewhere in `before`."""
    low, high = 0, min(len(prompt), len(before))
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if prompt[-middle:] in before else (low, middle - 1)
    return low


def _ended(template: ChatTemplate, turn: Turn) -> Turn:
    """With the end token that follows the words; where none does, what the template writes up to its last
    visible character, and a note that an end is wanted.
    """
    end = template.end_of_turn(turn.text, turn.words_end)
    if end is not None:
        return replace(turn, end=end)
    end = max(turn.words_end, len(template.without_next_turn(turn.text, turn.words_end).rstrip()))
    unended = not template.ends_itself(turn.text[turn.start : end])
    return replace(turn, text=turn.text[:end], end=end, unended=unended)


def words_around_answers(template: ChatTemplate) -> tuple[str, str]:
    """What the template writes between its generation prompt and an answer's words, and between these and
    their end token, without white space; empty where it writes nothing there, or rows with thoughts differ.
    """
    messages = [{"role": "user", "content": _QUESTION}, {"role": "assistant", "content": _STAND_IN}]
    try:
        prompt = template.render(messages[:1], generation_prompt=True)
        turn = turn_at(template, messages, 1)
    except TemplateRefusal:
        return "", ""
    is_said_otherwise = template.thinking or turn.thought_closed
    before = turn.text[len(prompt) : turn.start] if turn.text.startswith(prompt) else ""
    after = template.without_special_tokens(turn.text[turn.words_end : turn.end])
    return "" if is_said_otherwise else before.strip(), after.strip()

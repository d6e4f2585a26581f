"""A model's chat template, rendered the same way for training, evaluation and use."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, Literal

from transformers import PreTrainedTokenizerBase

from services.worker.models.families.usable_template import require_usable
from services.worker.text.thoughts import TAGS
from shared.messages.message import Message as Said
from shared.messages.message import say, stored
from shared.messages.render import in_english

Message = Mapping[str, Any]
Tools = Sequence[Mapping[str, Any]]
Contents = Literal["text", "parts", "parts of others"]

_SWITCHES = ("enable_thinking", "thinking")  # as Qwen, EXAONE and SmolLM call it, and as Granite does
# A macro of that name wins over the function that transformers offers; passing one as an argument does not.
# Templates get data and no functions, so it puts each directive's value in its place.
_FROZEN_NOW = (
    "{% macro strftime_now(format) %}{% set written = namespace(text=format) %}"
    "{% for directive, value in frozen_now %}"
    "{% set written.text = written.text.replace(directive, value) %}"
    "{% endfor %}{{ written.text }}{% endmacro %}\n"
)
_DIRECTIVES = [f"%{letter}" for letter in "aAbBcCdDeFgGhHIjklmMpPrRsSTuUVwWxXyYzZ"]
_DIRECTIVES += [f"%-{letter}" for letter in "deHIjklmMSuUVwWy"]  # without leading zeros
_ASKED, _ANSWERED = "Tunedockasks", "Tunedockanswers"


class TemplateRefusal(Exception):
    """The template can't render a conversation, or its answers are not found in it; `said` is the reason."""

    def __init__(self, said: Said) -> None:
        super().__init__(said)
        self.said = said

    @property
    def reason(self) -> str:
        """As rows are counted by it and results keep it."""
        return stored(self.said)

    def __str__(self) -> str:
        return in_english(self.said)


@dataclass(frozen=True)
class ChatTemplate:
    """`thinking` is decided once for all rows of a run; `now` is the date that a template may write."""

    tokenizer: PreTrainedTokenizerBase
    thinking: bool
    now: datetime
    contents: Contents = "text"

    @classmethod
    def of(
        cls, tokenizer: PreTrainedTokenizerBase, *, thinking: bool = False, now: datetime | None = None
    ) -> "ChatTemplate":
        """Raises `JobFailed` (model_unsupported) for a tokenizer that can't render a conversation."""
        require_usable(tokenizer)
        template = cls(tokenizer, thinking, now or datetime.now(UTC))
        return replace(template, contents=template._contents_it_writes())

    def render(
        self, messages: Sequence[Message], *, tools: Tools | None = None, generation_prompt: bool = False
    ) -> str:
        """The conversation as text. Raises TemplateRefusal with the template's own reason."""
        try:
            source, variables = self._with_tools if tools else self._without_tools
            rendered = self.tokenizer.apply_chat_template(
                [self._message(message) for message in messages],
                tools=None if tools is None else [dict(tool) for tool in tools],
                chat_template=source,
                tokenize=False,
                add_generation_prompt=generation_prompt,
                **variables,
            )
        except Exception as error:  # a template is a program: it may raise whatever it likes
            raise TemplateRefusal(say("template-refuses", error=_reason(error))) from error
        return str(rendered)

    def end_of_turn(self, text: str, start: int) -> int | None:
        """Where the first special token that `text` has from `start` on ends, or None without one.

        A token that only opens turns is no end: a model that learns it goes on with somebody's turn.
        """
        for pattern in self._end_tokens:
            if match := pattern.search(text, start):
                return None if match[0] in self._openings else match.end()
        return None

    def without_next_turn(self, text: str, start: int) -> str:
        """`text` up to where another turn is opened from `start` on."""
        opened = _any_of(self._openings).search(text, start) if self._openings else None
        return text[: opened.start()] if opened else text

    def without_special_tokens(self, text: str) -> str:
        """`text` without the tokens that may end a turn."""
        for pattern in self._end_tokens:
            text = pattern.sub("", text)
        return text

    def ends_itself(self, words: str) -> bool:
        """Whether the words of an answer bring an end token along."""
        return bool(words) and any(words.rstrip().endswith(token) for token in self._special_tokens)

    def _message(self, message: Message) -> dict[str, Any]:
        content = message.get("content")
        whole = self.contents == "text" or not isinstance(content, str)
        if whole or (self.contents == "parts of others" and message["role"] == "assistant"):
            return {name: value for name, value in message.items() if name != "weight"}
        return {"role": message["role"], "content": [{"type": "text", "text": content}]}

    def _contents_it_writes(self) -> Contents:
        """How this template wants its contents: as strings or as lists of parts; tried, not guessed."""
        ways: tuple[Contents, ...] = ("text", "parts", "parts of others")
        seen = [(way, replace(self, contents=way)._written()) for way in ways]
        return next(
            (way for words in ((_ASKED, _ANSWERED), (_ANSWERED,)) for way, text in seen if _has(text, words)),
            "text",
        )

    def _written(self) -> str:
        try:
            return self.render(
                [{"role": "user", "content": _ASKED}, {"role": "assistant", "content": _ANSWERED}]
            )
        except TemplateRefusal:
            return ""

    @cached_property
    def _without_tools(self) -> tuple[str, dict[str, Any]]:
        return self._source(None)

    @cached_property
    def _with_tools(self) -> tuple[str, dict[str, Any]]:
        return self._source([{}])

    def _source(self, tools: list[dict[str, Any]] | None) -> tuple[str, dict[str, Any]]:
        """The template and its variables; the date is frozen, the thinking set where there is a switch."""
        source = self.tokenizer.get_chat_template(None, tools)
        variables: dict[str, Any] = {name: self.thinking for name in _SWITCHES if name in source}
        if "strftime_now" in source:
            variables["frozen_now"] = [(directive, self.now.strftime(directive)) for directive in _DIRECTIVES]
            source = _FROZEN_NOW + source
        return source, variables

    @cached_property
    def _special_tokens(self) -> frozenset[str]:
        added = self.tokenizer.added_tokens_decoder.values()
        special = {token.content for token in added if token.special} | set(self.tokenizer.all_special_tokens)
        return frozenset(token for token in special if token.strip())

    @cached_property
    def _openings(self) -> frozenset[str]:
        """Special tokens with which this template opens an answer; the end of sequence is none of them."""
        question = {"role": "user", "content": _ASKED}
        try:
            asked = self.render([question], generation_prompt=True).rpartition(_ASKED)[2]
            said = self.render([question, {"role": "assistant", "content": _ANSWERED}])
        except TemplateRefusal:
            return frozenset()
        between = said.rpartition(_ASKED)[2].partition(_ANSWERED)[0]
        written = [_any_of(self._special_tokens).findall(text) for text in (asked, between)]
        return frozenset(tokens[-1] for tokens in written if tokens) - {str(self.tokenizer.eos_token)}

    @cached_property
    def _end_tokens(self) -> tuple[re.Pattern[str], ...]:
        """Special tokens, and for templates that end a turn with another one, all that were added."""
        tags = {tag for pair in TAGS for tag in pair}
        added = {token.content for token in self.tokenizer.added_tokens_decoder.values()}
        others = {token for token in added if token.strip()} - tags
        return tuple(_any_of(tokens) for tokens in (self._special_tokens, others) if tokens)


def _any_of(tokens: Iterable[str]) -> re.Pattern[str]:
    return re.compile("|".join(map(re.escape, sorted(tokens, key=len, reverse=True))))


def _has(text: str, words: Iterable[str]) -> bool:
    return all(word in text for word in words)


def _reason(error: Exception) -> str:
    """A template's own words; with the error's name where they are Python's."""
    words = (str(error).strip().splitlines() or [""])[0][:300].rstrip(".")
    named = type(error).__module__.startswith("jinja2") and words
    return words if named else f"{type(error).__name__}: {words}"

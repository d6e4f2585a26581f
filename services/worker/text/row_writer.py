"""Writes normalised rows as texts with their learned stretches, through the model's chat template or not."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

from transformers import PreTrainedTokenizerBase

from services.worker.text.chat_template import ChatTemplate, Message, Tools
from services.worker.text.conversation import Conversation, conversation_rows
from services.worker.text.dataset_file import Row
from services.worker.text.marked_text import EncodedText, MarkedText, Span, encode_texts
from services.worker.text.row_counts import RowCounts
from services.worker.text.row_rules import RowRules
from services.worker.text.turns import words_around_answers

MESSAGES_LOOKED_FOR = 64


@dataclass(frozen=True)
class WrittenRow:
    """A row of the data set, the texts that are learned from it, and why how many turns are not in them.

    `number` is the row's, from 1.
    """

    number: int
    row: Row
    texts: tuple[MarkedText, ...]
    refused: Counter[str]


class RowWriter:
    """Counts what it sees and what it can't write. Raises `JobFailed` (model_unsupported) at once where a
    format needs a chat template and the model has none.
    """

    def __init__(
        self,
        rules: RowRules,
        tokenizer: PreTrainedTokenizerBase,
        counts: RowCounts,
        breathe: Callable[[], None],
    ) -> None:
        self.rules, self.counts = rules, counts
        self._tokenizer, self._breathe = tokenizer, breathe
        self._mark_all = rules.loss_on == "all"
        self._refused = Counter[str]()
        if rules.format in ("chat", "classification"):
            counts.added_before, counts.added_after = words_around_answers(self._template)

    def write(self, row: Row) -> WrittenRow:
        self.counts.seen += 1
        self._refused = Counter()
        texts = self._texts(row)
        if any(text.stop for text in texts):
            has_end = self._tokenizer.eos_token_id is not None
            self.counts.ends_appended += has_end
            self.counts.ends_missing += not has_end
        return WrittenRow(self.counts.seen, row, texts, self._refused)

    def fit(self, row: Row, encoded: EncodedText) -> EncodedText | None:
        """A row that is too long, within the limit: its end is cut, or the message before its label."""
        limit, prompt = self.rules.max_seq_length, self.rules.prompt
        if prompt is None:
            return encoded.cut(limit)
        fitted = prompt.fit(self._template, row["text"], row["label"], limit, mark_all=self._mark_all)
        if fitted is None:
            return None
        marked = prompt.render(self._template, fitted[0], row["label"], mark_all=self._mark_all)
        return encode_texts([marked], self._tokenizer)[0]

    @cached_property
    def _template(self) -> ChatTemplate:
        return ChatTemplate.of(self._tokenizer, thinking=self.rules.thinking, now=self.rules.now)

    def _texts(self, row: Row) -> tuple[MarkedText, ...]:
        match self.rules.format:
            case "chat":
                return self._conversation(row["messages"], row.get("tools"))
            case "classification":
                assert self.rules.prompt is not None
                return self._conversation(self.rules.prompt.messages(row["text"], row["label"]), None)
            case "prompt_completion":
                text = row["prompt"] + row["completion"]
                self._look_for_special_tokens(text)
                self.counts.without_template += bool(self._tokenizer.chat_template)
                answer = Span(len(row["prompt"]), len(text))
                spans = (Span(0, len(text)),) if self._mark_all else (answer,)
                return (MarkedText(text, spans, complete=True, answers=(answer,)),)
            case "text":
                text = row["text"]
                self._look_for_special_tokens(text)
                return (MarkedText(text, (Span(0, len(text)),), complete=True),)

    def _conversation(self, messages: Sequence[Message], tools: Tools | None) -> tuple[MarkedText, ...]:
        made = conversation_rows(
            self._template,
            messages,
            tools=tools,
            mark_all=self._mark_all,
            too_long=self._is_too_long,
            breathe=self._breathe,
        )
        self.counts.refused_turns += made.refused
        self._refused = made.refused
        self.counts.unrolled += made.unrolled
        self.counts.thoughts_lost += made.thoughts_lost
        self.counts.thoughts_closed += made.thoughts_closed
        self.counts.thoughts_foreign += made.thoughts_foreign
        self.counts.unrendered_answers += made.beyond
        self.counts.answers += made.beyond
        self.counts.lost_answers += made.beyond
        self._look_for_words(messages, tools, made)
        return made.rows

    def _is_too_long(self, prompt: str) -> bool:
        limit = self.rules.max_seq_length
        return len(prompt) > limit and len(self._tokenizer(prompt, verbose=False)["input_ids"]) > limit

    def _look_for_words(self, messages: Sequence[Message], tools: Tools | None, made: Conversation) -> None:
        """Count what the template leaves out: a system message, somebody's words, the tools."""
        if not made.rows:
            return
        text = made.rows[-1].text
        looked_for = messages[: 2 if made.beyond else MESSAGES_LOOKED_FOR]
        said = [(message["role"], message["content"].strip()) for message in looked_for]
        missing = {role for role, words in said if role != "assistant" and words not in text}
        names = {name for tool in tools or () if (name := _name_of(tool))}
        if names and not any(name in text for name in names):
            missing.add("tools")
        self.counts.unwritten.update(missing)

    def _look_for_special_tokens(self, text: str) -> None:
        self.counts.own_special_tokens += any(token in text for token in self._bos_and_eos)

    @cached_property
    def _bos_and_eos(self) -> tuple[str, ...]:
        return tuple(str(token) for token in (self._tokenizer.bos_token, self._tokenizer.eos_token) if token)


def _name_of(tool: object) -> str | None:
    """A tool's name, in OpenAI's shape or bare."""
    if not isinstance(tool, dict):
        return None
    function = tool.get("function")
    name = function.get("name") if isinstance(function, dict) else tool.get("name")
    return name if isinstance(name, str) else None

"""Rows as other projects write them, and how each becomes one of our formats.

A shape is known by the names of its fields, and only where `columns` maps none: who maps, knows better.
Questions and answers become a chat of two messages, since that is what a model with a chat template is asked;
with `format: prompt_completion` they become that.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from shared.datasets.conversations import check_order, conversation
from shared.datasets.texts import BadRow, Row, checked_text, given, json_type
from shared.datasets.tools import offered_tools
from shared.messages.said import Said, say

if TYPE_CHECKING:
    from shared.schemas.fields import RowFormat

KNOWN_FIELDS = frozenset({"text", "label", "prompt", "completion", "messages"})
# question, what may stand beside it, answer
_PAIRS = (
    ("instruction", "output"),
    ("instruction", "response"),
    ("instruction", "answer"),
    ("instruction", "completion"),
    ("question", "answer"),
    ("question", "response"),
    ("query", "response"),
    ("query", "answer"),
    ("prompt", "response"),
    ("prompt", "answer"),
    ("prompt", "output"),
    ("input", "output"),
    ("user", "assistant"),
    ("human", "assistant"),
    ("q", "a"),
)
_BESIDE = {"instruction": ("input", "context"), "question": ("context",), "query": ("context",)}
_SYSTEM = ("system", "system_prompt")
_CONVERSATIONS = ("messages", "conversations", "conversation")


class Shape(Protocol):
    """How rows of one kind become ours."""

    @property
    def format(self) -> RowFormat:
        """The format its rows become."""

    @property
    def used(self) -> frozenset[str]:
        """The source's names of all fields that it reads."""

    @property
    def said(self) -> Said:
        """What is done, for the reader."""

    def row(self, fields: Mapping[str, object], told: set[str]) -> Row:
        """Raises BadRow."""


@dataclass(frozen=True)
class Pair:
    """A question, maybe with something beside it and a system's message, and its answer."""

    format: RowFormat
    question: str
    answer: str
    beside: tuple[str, ...] = ()
    system: str | None = None
    history: str | None = None

    @property
    def used(self) -> frozenset[str]:
        optional = (name for name in (self.system, self.history) if name)
        return frozenset((self.question, self.answer, *self.beside, *optional))

    @property
    def said(self) -> Said:
        question, answer = f"`{self.question}`", f"`{self.answer}`"
        is_chat = self.format == "chat"
        read = say("pair-read-as-chat" if is_chat else "pair-read", question=question, answer=answer)
        if not self.beside:
            return read
        beside = [f"`{name}`" for name in self.beside]
        return say("pair-read-with-more", read=read, question=question, beside=beside)

    def row(self, fields: Mapping[str, object], told: set[str]) -> Row:
        faults: list[Said] = []
        question = answer = ""
        try:
            question = self._question(fields)
        except BadRow as error:
            faults += error.faults
        try:
            answer = checked_text(given(fields, self.answer), f"`{self.answer}`")
        except BadRow as error:
            faults += error.faults
        if faults:
            raise BadRow(*faults)
        if self.format == "prompt_completion":
            return {"prompt": question, "completion": answer}
        messages: list[Row] = []
        if self.system and not _is_blank(fields.get(self.system)):
            system = checked_text(fields[self.system], f"`{self.system}`")
            messages.append({"role": "system", "content": system})
        messages += self._earlier(fields)
        messages += [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
        return {"messages": messages}

    def _question(self, fields: Mapping[str, object]) -> str:
        parts = [checked_text(given(fields, self.question), f"`{self.question}`")]
        parts += [
            checked_text(fields[name], f"`{name}`") for name in self.beside if not _is_blank(fields.get(name))
        ]
        return "\n\n".join(parts)

    def _earlier(self, fields: Mapping[str, object]) -> list[Row]:
        """The turns before, as pairs of question and answer."""
        turns = fields.get(self.history) if self.history else None
        if not turns:
            return []
        if not isinstance(turns, list) or not all(
            isinstance(turn, list) and len(turn) == 2 for turn in turns
        ):
            raise BadRow(say("history-not-pairs", name=f"`{self.history}`"))
        return [
            {"role": role, "content": checked_text(text, say("text-inside-piece", name=f"`{self.history}`"))}
            for turn in turns
            for role, text in zip(("user", "assistant"), turn, strict=True)
        ]


@dataclass(frozen=True)
class Turns:
    """A conversation under another name than ours, or with the system's message beside it."""

    messages: str
    system: str | None = None
    format: RowFormat = "chat"

    @property
    def used(self) -> frozenset[str]:
        return frozenset(name for name in (self.messages, self.system) if name)

    @property
    def said(self) -> Said:
        messages = f"`{self.messages}`"
        if self.system:
            return say("conversation-read-after-system", messages=messages, system=f"`{self.system}`")
        return say("conversation-read", messages=messages)

    def row(self, fields: Mapping[str, object], told: set[str]) -> Row:
        tools = fields.get("tools")
        messages = conversation(
            given(fields, self.messages), f"`{self.messages}`", told, whole=False, tools=tools
        )
        if self.system and not _is_blank(fields.get(self.system)) and messages[0]["role"] != "system":
            system = checked_text(fields[self.system], f"`{self.system}`")
            messages.insert(0, {"role": "system", "content": system})
        check_order(messages)
        offered = offered_tools(tools)
        return {"messages": messages, "tools": offered} if offered else {"messages": messages}


@dataclass(frozen=True)
class Halves:
    """A conversation in two lists of messages, of which the second is learned."""

    prompt: str
    completion: str
    format: RowFormat = "chat"

    @property
    def used(self) -> frozenset[str]:
        return frozenset((self.prompt, self.completion))

    @property
    def said(self) -> Said:
        return say("halves-read", prompt=f"`{self.prompt}`", completion=f"`{self.completion}`")

    def row(self, fields: Mapping[str, object], told: set[str]) -> Row:
        first = self._half(fields, self.prompt, "user", told)
        for message in first:
            if message["role"] == "assistant":
                message["weight"] = 0
        messages = [*first, *self._half(fields, self.completion, "assistant", told)]
        check_order(messages)
        return {"messages": messages}

    def _half(self, fields: Mapping[str, object], name: str, role: str, told: set[str]) -> list[Row]:
        value = given(fields, name)
        if isinstance(value, str):
            return [{"role": role, "content": checked_text(value, f"`{name}`")}]
        if not isinstance(value, list):
            raise BadRow(say("must-be-list", name=f"`{name}`", type=json_type(value)))
        return conversation(value, f"`{name}`", told, whole=False)


def conversation_shape(seen: Collection[str]) -> Shape | None:
    """The shape of rows that hold a whole conversation under one of the names people give it."""
    named = {name.lower(): name for name in seen}
    found = next((named[name] for name in _CONVERSATIONS if name in named), None)
    system = next((named[name] for name in _SYSTEM if name in named), None)
    if found is None or (found == "messages" and system is None):
        return None
    return Turns(found, system)


def pair_shape(seen: Collection[str], format: RowFormat = "chat") -> Shape | None:
    """The shape of rows with a question and its answer under names that people give them."""
    named = {name.lower(): name for name in seen}
    for question, answer in _PAIRS:
        if question in named and answer in named:
            beside = tuple(named[name] for name in _BESIDE.get(question, ()) if name in named)
            system = next((named[name] for name in _SYSTEM if name in named), None)
            is_chat = format == "chat"
            return Pair(
                format,
                named[question],
                named[answer],
                beside,
                system if is_chat else None,
                named.get("history") if is_chat else None,
            )
    return None


def halves_shape(rows: Sequence[Mapping[str, object]], columns: Mapping[str, str]) -> Shape | None:
    """The shape of rows whose prompt or completion is a list of messages, if most of these are."""
    prompt, completion = columns.get("prompt", "prompt"), columns.get("completion", "completion")
    lists = sum(isinstance(row.get(completion), list) for row in rows)
    return Halves(prompt, completion) if lists * 2 > len(rows) else None


def shape_fields() -> frozenset[str]:
    """Every name, in small letters, that a shape reads: what a reader of columns must bring along."""
    beside = (name for names in _BESIDE.values() for name in names)
    pairs = (name for pair in _PAIRS for name in pair)
    return frozenset((*_CONVERSATIONS, *_SYSTEM, "history", "tools", *beside, *pairs))


def _is_blank(value: object) -> bool:
    return value is None or (isinstance(value, str) and (not value or value.isspace()))

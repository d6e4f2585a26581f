"""Conversations as people keep them, brought to one shape: a list of messages with `role` and `content`.

Read are OpenAI's messages and ShareGPT's turns (`from` and `value`), as a list or as JSON in a string.
A message keeps `role` and `content`, and `weight` where it is 0: an assistant's words that are not learned.
Beside the messages a row keeps its `tools`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Literal

from shared.datasets.source import listed
from shared.datasets.texts import BadRow, Row, checked_text, json_type, parsed_json
from shared.datasets.tools import refuse_calls
from shared.messages.said import Said, say

ROLES = ("system", "user", "assistant")
_ROLE_NAMES = {
    **{role: role for role in ROLES},
    "developer": "system",
    "human": "user",
    "gpt": "assistant",
    "chatgpt": "assistant",
    "model": "assistant",
}
_PLAIN = frozenset({"role", "content"})
_TEXT_PARTS = ("text", "input_text", "output_text")
_PYTHON_LIST = re.compile(r"""\s*\[\s*[\[{(]?\s*['"]""")
_THOUGHTS = frozenset({"reasoning_content", "reasoning", "thinking", "thought"})

# What a row may be told for; the texts are in `observations`.
Remark = Literal["roles_renamed", "content_joined", "messages_in_string", "weight_zero", "name_dropped"]


def conversation(
    value: object, name: str, told: set[str], *, whole: bool = True, tools: object = None
) -> list[Row]:
    """The messages in `value`; of a `whole` one the order of roles is checked. `told` gets `Remark`s.

    `tools`: what the row has of them beside the messages, for what is said where these call some.

    Raises BadRow.
    """
    if isinstance(value, str) and (parsed := parsed_json(value)) is not None:
        value = parsed
        told.add("messages_in_string")
    if not isinstance(value, list):
        raise BadRow(_not_a_list(value, name))
    if not value:
        raise BadRow(say("list-is-empty", name=name))
    refuse_calls(value, tools)
    messages: list[Row] = []
    faults: list[Said] = []
    for number, message in enumerate(value, start=1):
        try:
            messages.append(_message(message, number, told))
        except BadRow as error:
            faults += error.faults
    if faults:
        raise BadRow(*faults)
    if whole:
        check_order(messages)
    return messages


def check_order(messages: Sequence[Row]) -> None:
    """Maybe one system message, then user and assistant by turns, the assistant last. Raises BadRow.

    An assistant's message may follow another: the model's template says whether it can write that.
    """
    roles = [message["role"] for message in messages]
    if "assistant" not in roles:
        raise BadRow(say("no-assistant"))
    before: object = "system"
    for number, role in enumerate(roles, start=1):
        if role == "system" and number > 1:
            raise BadRow(say("system-not-first", number=number))
        if role == "assistant" and before == "system":
            raise BadRow(say("answer-without-question", number=number))
        if role == "user" and before == "user":
            raise BadRow(say("question-without-answer", number=number))
        before = role
    if roles[-1] != "assistant":
        raise BadRow(say("last-not-assistant", number=len(roles)))
    if all(message.get("weight") == 0 for message in messages if message["role"] == "assistant"):
        raise BadRow(say("all-weights-zero"))


def _message(value: object, number: int, told: set[str]) -> Row:
    if not isinstance(value, dict):
        raise BadRow(say("message-must-be-object", number=number, type=json_type(value)))
    if "role" not in value and "from" in value:
        value = {
            "role" if key == "from" else "content" if key == "value" else key: value[key] for key in value
        }
    _refuse_others(value, number)
    message: Row = {
        "role": _role(value.get("role"), number, told),
        "content": _content(value, number, told),
    }
    if _weight(value, message["role"], number) == 0:
        message["weight"] = 0
        told.add("weight_zero")
    if value.get("name") is not None:
        told.add("name_dropped")
    return message


def _refuse_others(value: Mapping[str, object], number: int) -> None:
    if value.keys() <= _PLAIN:  # as nearly all are
        return
    given = {key for key, inner in value.items() if inner is not None and inner != [] and inner != {}}
    if thoughts := sorted(given & _THOUGHTS):
        raise BadRow(say("thought-beside-content", number=number, names=listed(thoughts)))
    if len(given) == 1 and (role := next(iter(given))).lower() in _ROLE_NAMES:
        raise BadRow(say("role-names-field", number=number, name=f"`{role}`", role=_ROLE_NAMES[role.lower()]))
    if extra := sorted(given - _PLAIN - {"name", "weight"}):
        raise BadRow(say("message-has-more", number=number, names=listed(extra)))


def _role(role: object, number: int, told: set[str]) -> str:
    if role in ROLES:
        return str(role)
    lowered = role.strip().lower() if isinstance(role, str) else ""
    if lowered in _ROLE_NAMES:
        told.add("roles_renamed")
        return _ROLE_NAMES[lowered]
    if isinstance(role, str):
        raise BadRow(say("role-unknown", number=number, role=listed([role])))
    raise BadRow(say("role-missing", number=number))


def _content(message: Mapping[str, object], number: int, told: set[str]) -> str:
    """A text, or OpenAI's list of parts, of which each must be a text."""
    name, value = say("content-of-message-piece", number=number), message.get("content")
    if value is None:
        raise BadRow(
            say("content-is-missing", number=number, type="null" if "content" in message else "none")
        )
    if not isinstance(value, list) or not value:
        return checked_text(value, name)
    texts = []
    for part in value:
        kind = part.get("type", "text") if isinstance(part, dict) else None
        if kind not in _TEXT_PARTS or not isinstance(part.get("text"), str):
            if kind in _TEXT_PARTS:
                raise BadRow(say("part-without-text", number=number, kind=f"`{kind}`"))
            if isinstance(kind, str):
                raise BadRow(say("part-of-kind", number=number, kind=listed([kind])))
            raise BadRow(say("part-of-type", number=number, type=json_type(part)))
        texts.append(part["text"])
    told.add("content_joined")
    return checked_text("".join(texts), name)


def _weight(value: Mapping[str, object], role: object, number: int) -> int:
    weight = value.get("weight")
    if weight is None:
        return 1
    if weight not in (0, 1):
        raise BadRow(say("weight-unknown", number=number))
    return int(bool(weight)) if role == "assistant" else 1


def _not_a_list(value: object, name: str) -> Said:
    if isinstance(value, str) and _PYTHON_LIST.match(value):
        return say("list-is-python", name=name)
    return say("must-be-list", name=name, type=json_type(value))

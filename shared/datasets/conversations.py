"""Conversations as people keep them, brought to one shape: a list of messages with `role` and `content`.

Read are OpenAI's messages and ShareGPT's turns (`from` and `value`), as a list or as JSON in a string.
A message keeps `role` and `content`, and `weight` where it is 0: an assistant's words that are not learned.
Beside the messages a row keeps its `tools`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from shared.datasets.source import names_text
from shared.datasets.texts import BadRow, Row, checked_text, json_type, parsed_json

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
_TOOL_WORDS = frozenset(
    {"tool_calls", "tool_call_id", "function_call", "tool", "function", "observation", "function_response"}
)
_THOUGHTS = frozenset({"reasoning_content", "reasoning", "thinking", "thought"})

# What a row may be told for; the values are sentences about the data set.
_QUESTION_FIRST = "write the user's message that it answers before it, or take it out"
_BY_TURNS = "write the two messages of the user as one, or the answer between them"
TOLD = {
    "roles_renamed": "roles have other names and are read as `system`, `user` and `assistant`",
    "content_joined": "a message's content comes in parts; their texts are joined",
    "messages_in_string": "the conversation is JSON inside a string, which is read as the list it holds",
    "weight_zero": "an assistant's message has `weight` 0 and is not learned",
    "name_dropped": "a message has a `name`, which is not used",
}


def conversation(value: object, name: str, told: set[str], *, whole: bool = True) -> list[Row]:
    """The messages in `value`; of a `whole` one the order of roles is checked. `told` gets keys of TOLD.

    Raises BadRow.
    """
    if isinstance(value, str) and (parsed := parsed_json(value)) is not None:
        value = parsed
        told.add("messages_in_string")
    if not isinstance(value, list):
        raise BadRow(_not_a_list(value, name))
    if not value:
        raise BadRow(f"{name} is empty")
    messages = [_message(message, f"message {number}", told) for number, message in enumerate(value, start=1)]
    if whole:
        check_order(messages)
    return messages


def check_order(messages: Sequence[Row]) -> None:
    """Maybe one system message, then user and assistant by turns, the assistant last. Raises BadRow.

    An assistant's message may follow another: the model's template says whether it can write that.
    """
    roles = [message["role"] for message in messages]
    if "assistant" not in roles:
        raise BadRow("no message is the assistant's: there is nothing to learn")
    before: object = "system"
    for number, role in enumerate(roles, start=1):
        if role == "system" and number > 1:
            raise BadRow(f"message {number} is of role `system`, which only the first message may be")
        if role == "assistant" and before == "system":
            raise BadRow(f"message {number} is of role `assistant` where `user` is due; {_QUESTION_FIRST}")
        if role == "user" and before == "user":
            raise BadRow(f"message {number} is of role `user` where `assistant` is due; {_BY_TURNS}")
        before = role
    if roles[-1] != "assistant":
        raise BadRow(
            "the last message must be the assistant's; take off what nobody answers, or add the answer"
        )
    if all(message.get("weight") == 0 for message in messages if message["role"] == "assistant"):
        raise BadRow("every assistant's message has `weight` 0: there is nothing to learn")


def _message(value: object, name: str, told: set[str]) -> Row:
    if not isinstance(value, dict):
        raise BadRow(f"{name} must be an object, not {json_type(value)}")
    if "role" not in value and "from" in value:
        value = {
            "role" if key == "from" else "content" if key == "value" else key: value[key] for key in value
        }
    _refuse_others(value, name)
    message: Row = {
        "role": _role(value.get("role"), name, told),
        "content": _content(value.get("content"), f"`content` of {name}", told),
    }
    if _weight(value, message["role"], name) == 0:
        message["weight"] = 0
        told.add("weight_zero")
    if value.get("name") is not None:
        told.add("name_dropped")
    return message


def _refuse_others(value: Mapping[str, object], name: str) -> None:
    if value.keys() <= _PLAIN:  # as nearly all are
        return
    given = {key for key, inner in value.items() if inner is not None and inner != [] and inner != {}}
    if tools := sorted(given & _TOOL_WORDS):
        raise BadRow(
            f"{name} has {names_text(tools)}: calls of tools can't be learned here; {_WITHOUT_TOOLS}"
        )
    if thoughts := sorted(given & _THOUGHTS):
        raise BadRow(
            f"{name} has {names_text(thoughts)}; write the thought into `content`, before the answer and "
            "between <think> and </think> or the tags of the model"
        )
    if extra := sorted(given - _PLAIN - {"name", "weight"}):
        raise BadRow(
            f"{name} has {names_text(extra)}, which is not supported; wanted are `role` and `content`"
        )


_WITHOUT_TOOLS = "take such rows out, or write the call into `content` as text"


def _role(role: object, name: str, told: set[str]) -> str:
    if role in ROLES:
        return str(role)
    lowered = role.strip().lower() if isinstance(role, str) else ""
    if lowered in _ROLE_NAMES:
        told.add("roles_renamed")
        return _ROLE_NAMES[lowered]
    if lowered in _TOOL_WORDS:
        raise BadRow(
            f"{name} is a tool's (`{lowered}`): calls of tools can't be learned here; {_WITHOUT_TOOLS}"
        )
    seen = f"the role {names_text([role])}" if isinstance(role, str) else "no `role`"
    raise BadRow(f"{name} has {seen}; wanted is one of {names_text(ROLES)}")


def _content(value: object, name: str, told: set[str]) -> str:
    """A text, or OpenAI's list of parts, of which each must be a text."""
    if not isinstance(value, list) or not value:
        return checked_text(value, name)
    texts = []
    for part in value:
        kind = part.get("type", "text") if isinstance(part, dict) else None
        if kind not in ("text", "input_text", "output_text") or not isinstance(part.get("text"), str):
            shown = names_text([kind]) if isinstance(kind, str) else json_type(part)
            raise BadRow(f"{name} has a part that is no text ({shown}); only text can be learned here")
        texts.append(part["text"])
    told.add("content_joined")
    return checked_text("".join(texts), name)


def _weight(value: Mapping[str, object], role: object, name: str) -> int:
    weight = value.get("weight")
    if weight is None:
        return 1
    if weight not in (0, 1):
        raise BadRow(f"`weight` of {name} must be 0 or 1")
    return int(bool(weight)) if role == "assistant" else 1


def _not_a_list(value: object, name: str) -> str:
    if isinstance(value, str) and value.lstrip().startswith(("[{'", '[{"')):
        return f"{name} is a list in Python's notation inside a string; write it with json.dumps"
    return f"{name} must be a list, not {json_type(value)}"

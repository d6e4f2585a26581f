"""What is wrong with a field, as messages: from pydantic's errors, the value and its schema."""

import difflib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from shared.errors import FieldError, InvalidField, WrongField
from shared.messages.message import Message, say
from shared.schemas.fields import PATTERN_NAMES

Json = Mapping[str, Any]

LONGEST_SEEN_CHARACTERS = 80
MOST_TOLD = 3  # fields in a refusal's message; its errors are all

# Pydantic's kinds of errors that say which type is wanted.
TYPES = {
    "string_type": "text",
    "int_type": "whole-number",
    "int_parsing": "whole-number",
    "int_from_float": "whole-number",
    "float_type": "number",
    "float_parsing": "number",
    "bool_type": "truth",
    "bool_parsing": "truth",
    "list_type": "list",
    "dict_type": "object",
    "model_type": "object",
    "model_attributes_type": "object",
}
# Of these the value says nothing that the sentence does not.
WITHOUT_VALUE = {"missing", "union_tag_not_found", "value_error", "extra_forbidden"}


@dataclass(frozen=True)
class Fault:
    """One error of pydantic: where the sender finds it, which rule is broken, the value in a sentence.

    `words`: those that are allowed; `wanted`: the type. With one of the two it is a choice among others.
    """

    path: tuple[str, ...]
    field: str | Message
    rule: Message
    seen: Message | None
    is_choice: bool
    words: tuple[str, ...] = ()
    wanted: str = ""


def invalid_field(
    error: ValidationError, value: Any, schema: Json, *, named: Callable[[str], str] = str
) -> InvalidField:
    """What pydantic found wrong with `value`, whose JSON schema is `schema`; one entry a field.

    `named`: what the sender calls the field at a path such as `hyperparameters.lora.r`.
    """
    faults = [
        _fault(problem, value, schema, named)
        for problem in error.errors(include_url=False, include_input=True)
    ]
    by_path: dict[tuple[str, ...], list[Fault]] = {}
    for fault in faults:
        if not (fault.is_choice and _another_choice_got_further(fault, faults)):
            by_path.setdefault(fault.path, []).append(fault)
    found = tuple(FieldError(named(".".join(path)), _said(members)) for path, members in by_path.items())
    left = len(found) - MOST_TOLD
    more = [say("fields-left", count=left)] if left > 0 else []
    told = [each.said for each in found[:MOST_TOLD]]
    return InvalidField(say("sentences", sentences=[*told, *more]), param=found[0].path or None, errors=found)


def _another_choice_got_further(fault: Fault, faults: Sequence[Fault]) -> bool:
    """A list with one bad element is not told that it is no word, too."""
    depth = len(fault.path)
    return any(other.path[:depth] == fault.path and len(other.path) > depth for other in faults)


def _said(faults: Sequence[Fault]) -> Message:
    """What is said of one field: the choices that it had in one sentence, then its value."""
    seen = next((fault.seen for fault in faults if fault.seen), None)
    rule = _rule_of_all(faults)
    return say("sentences", sentences=[rule, seen]) if seen else rule


def _rule_of_all(faults: Sequence[Fault]) -> Message:
    """A value of the right type is told what is wrong with it, any other what it may be."""
    of_right_type = [fault for fault in faults if not (fault.words or fault.wanted)]
    if of_right_type or len(faults) == 1:
        return (of_right_type or faults)[0].rule
    field = faults[0].field
    words = list(dict.fromkeys(word for fault in faults for word in fault.words))
    wanted = next((fault.wanted for fault in faults if fault.wanted), "")
    if words and wanted:
        return say("field-not-one-of-or-type", field=field, word_choices=words, wanted=wanted)
    return say("field-not-one-of", field=field, word_choices=words) if words else faults[0].rule


def _fault(problem: Any, value: Any, schema: Json, named: Callable[[str], str]) -> Fault:
    path, node, is_choice = _place(problem, value, schema)
    kind, context = problem["type"], problem.get("ctx", {})
    seen = None if kind in WITHOUT_VALUE else _seen(problem["input"])
    if isinstance(broken := context.get("error"), WrongField):
        path = (*path, broken.field) if broken.field else path
        return Fault(path, _field(path, named), _as_message(broken.said), seen, is_choice)
    if kind in ("union_tag_not_found", "union_tag_invalid"):
        path = (*path, context["discriminator"].strip("'"))
        if kind == "union_tag_invalid":  # a choice was made by one field of an object
            seen = _seen(problem["input"].get(path[-1]))
        words = tuple(node.get("discriminator", {}).get("mapping", {}))
        field = _field(path, named)
        return Fault(path, field, say("field-not-one-of", field=field, word_choices=words), seen, is_choice)
    field = _field(path, named)
    if problem["loc"][-1:] == ("[key]",):  # of an object whose names are the sender's own, one of them
        field, seen = say("name-in-field", name=path[-1], field=_field(path[:-1], named)), None
    if kind == "literal_error":
        words = tuple(re.findall(r"'([^']*)'", context["expected"]))
        rule = say("field-not-one-of", field=field, word_choices=words)
        return Fault(path, field, rule, seen, is_choice, words=words)
    if kind in TYPES:
        rule = say("field-of-other-type", field=field, wanted=TYPES[kind])
        return Fault(path, field, rule, seen, is_choice, wanted=TYPES[kind])
    if kind == "extra_forbidden":
        return Fault(path, field, _unknown(field, path[-1], node), seen, is_choice)
    return Fault(path, field, _rule(kind, field, context, str(problem["msg"])), seen, is_choice)


def _rule(kind: str, field: str | Message, limits: Mapping[str, Any], text: str) -> Message:
    """Pydantic's other kinds of errors; one without a sentence of ours keeps pydantic's `text`."""
    if limits.get("min_length") == 1 and kind in ("string_too_short", "too_short"):
        return say("field-empty", field=field)
    match kind:
        case "missing":
            return say("field-missing", field=field)
        case "string_too_short":
            return say("field-too-short", field=field, fewest=limits["min_length"])
        case "string_too_long":
            return say("field-too-long", field=field, most=limits["max_length"])
        case "too_short":
            return say("field-has-few-entries", field=field, fewest=limits["min_length"])
        case "too_long":
            return say("field-has-many-entries", field=field, most=limits["max_length"])
        case "int_parsing_size":
            return say("field-has-many-digits", field=field)
        case "finite_number":
            return say("field-not-finite", field=field)
        case "greater_than":
            return say("field-not-more", field=field, limit=_number(limits["gt"]))
        case "greater_than_equal":
            return say("field-too-small", field=field, limit=_number(limits["ge"]))
        case "less_than":
            return say("field-not-less", field=field, limit=_number(limits["lt"]))
        case "less_than_equal":
            return say("field-too-large", field=field, limit=_number(limits["le"]))
        case "string_pattern_mismatch":
            return _unlike(field, limits["pattern"])
    return say("field-wrong", field=field, error=text.removeprefix("Value error, "))


def _unlike(field: str | Message, pattern: str) -> Message:
    if pattern in PATTERN_NAMES:
        return say("field-unlike", field=field, wanted=PATTERN_NAMES[pattern])
    return say("field-unlike-pattern", field=field, pattern=pattern)


def _unknown(field: str | Message, name: str, node: Json) -> Message:
    known = list(node.get("properties", {}))
    if not known:
        return say("field-unknown-and-none-known", field=field)
    if close := difflib.get_close_matches(name, known, n=1):
        return say("field-unknown-but-like", field=field, meant=close[0])
    return say("field-unknown", field=field, fields=known)


def _as_message(said: str | Message) -> Message:
    return said if isinstance(said, Message) else say("sentences", sentences=[said])


def _field(path: tuple[str, ...], named: Callable[[str], str]) -> str | Message:
    return named(".".join(path)) or say("the-body")


def _number(limit: float) -> str:
    """As a request would have it, whatever the reader's language."""
    return str(int(limit)) if float(limit).is_integer() else f"{limit:g}"


def _seen(value: Any) -> Message:
    if isinstance(value, dict):
        return say("value-is-object") if value else say("value-is-empty-object")
    if isinstance(value, list):
        return say("value-is-list", count=len(value)) if value else say("value-is-empty-list")
    text = json.dumps(value, ensure_ascii=True, default=str)
    if len(text) > LONGEST_SEEN_CHARACTERS:
        return say("value-begins-with", value=text[:LONGEST_SEEN_CHARACTERS])
    return say("value-seen", value=text)


def _place(problem: Any, value: Any, schema: Json) -> tuple[tuple[str, ...], Json, bool]:
    """(path as the sender wrote it, schema of the place, whether it is one of several choices there).

    Pydantic's own path also has the names of the choices that it tried.
    """
    path: list[str] = []
    node, is_choice = _resolved(schema, schema), False
    if not problem["loc"]:
        return (), node, False
    for number, part in enumerate(problem["loc"], 1):
        choices = _choices(node, schema)
        if choices:
            node, is_choice = _chosen(choices, str(part), schema), "discriminator" not in node
            continue
        if _is_inside(value, part):
            value = value[part]
        elif problem["type"] != "missing":
            continue
        path.append(str(part)[:LONGEST_SEEN_CHARACTERS])
        if problem["type"] != "extra_forbidden" or number < len(problem["loc"]):
            node, is_choice = _below(node, part, schema), False
    return tuple(path), node, is_choice


def _is_inside(value: Any, part: str | int) -> bool:
    if isinstance(value, dict):
        return part in value
    return isinstance(value, list) and isinstance(part, int) and part < len(value)


def _resolved(node: Json, schema: Json) -> Json:
    """The schema that `node` refers to; a choice between one thing and null is that thing."""
    while True:
        options = [option for option in node.get("anyOf", []) if option.get("type") != "null"]
        if "$ref" in node:
            node = schema["$defs"][node["$ref"].rsplit("/", 1)[-1]]
        elif len(options) == 1:
            node = options[0]
        else:
            return node


def _choices(node: Json, schema: Json) -> list[Json]:
    options = [*node.get("anyOf", []), *node.get("oneOf", [])]
    return [_resolved(option, schema) for option in options if option.get("type") != "null"]


def _chosen(choices: Sequence[Json], label: str, schema: Json) -> Json:
    """The choice that pydantic calls `label`: by its kind, its name, or what it begins with."""
    for choice in choices:
        tag = choice.get("properties", {}).get("kind", {}).get("const")
        is_list = label.startswith("list") and choice.get("type") == "array"
        if is_list or label in (tag, choice.get("title")):
            return choice
    return {}


def _below(node: Json, part: str | int, schema: Json) -> Json:
    if isinstance(part, int):
        return _resolved(node.get("items", {}), schema)
    inner = node.get("properties", {}).get(part) or node.get("additionalProperties")
    return _resolved(inner, schema) if isinstance(inner, Mapping) else {}

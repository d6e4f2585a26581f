"""What is wrong with a field, in plain sentences: from pydantic's errors, the value and its schema."""

import difflib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from shared.errors import FieldError, InvalidField, WrongField
from shared.schemas import PATTERN_MEANINGS

Json = Mapping[str, Any]

LONGEST_SEEN_CHARACTERS = 80
MOST_TOLD = 3  # sentences in a refusal's message; its errors are all
PREDICATES = ("must ", "is ", "has ")  # messages that go on where the field's name ended

# Pydantic's kinds of errors; `{}` are the limits it names.
PHRASES = {
    "missing": "is required",
    "string_type": "must be text",
    "string_too_short": "must have at least {min_length} characters",
    "string_too_long": "must have at most {max_length} characters",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_parsing_size": "must be a whole number of fewer digits",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "finite_number": "must be a finite number",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "list_type": "must be a list",
    "dict_type": "must be an object",
    "model_type": "must be an object",
    "model_attributes_type": "must be an object",
    "greater_than": "must be more than {gt:g}",
    "greater_than_equal": "must be at least {ge}",
    "less_than": "must be less than {lt:g}",
    "less_than_equal": "must be at most {le}",
    "too_short": "must have {min_length} entries or more",
    "too_long": "must have {max_length} entries or fewer",
    "literal_error": "must be {expected}",
}
# Of these the value says nothing that the phrase does not.
WITHOUT_VALUE = {"missing", "union_tag_not_found", "value_error", "extra_forbidden"}


@dataclass(frozen=True)
class Fault:
    """One error of pydantic: where the sender finds it, what is said, whether there were other choices."""

    path: tuple[str, ...]
    phrase: str
    seen: str
    is_choice: bool


def invalid_field(error: ValidationError, value: Any, schema: Json) -> InvalidField:
    """What pydantic found wrong with `value`, whose JSON schema is `schema`; one entry a field."""
    faults = [
        _fault(problem, value, schema) for problem in error.errors(include_url=False, include_input=True)
    ]
    by_path: dict[tuple[str, ...], list[Fault]] = {}
    for fault in faults:
        if not (fault.is_choice and _another_choice_got_further(fault, faults)):
            by_path.setdefault(fault.path, []).append(fault)
    found = tuple(FieldError(".".join(path), _message(members)) for path, members in by_path.items())
    told = " ".join(_sentence(error) for error in found[:MOST_TOLD])
    left = len(found) - MOST_TOLD
    more = f" {left} more {'field is' if left == 1 else 'fields are'} wrong." if left > 0 else ""
    return InvalidField(told + more, param=found[0].path or None, errors=found)


def _another_choice_got_further(fault: Fault, faults: Sequence[Fault]) -> bool:
    """A list with one bad element is not told that it is no word, too."""
    depth = len(fault.path)
    return any(other.path[:depth] == fault.path and len(other.path) > depth for other in faults)


def _sentence(error: FieldError) -> str:
    joint = " " if error.message.startswith(PREDICATES) else ": "
    text = f"{error.path or 'The body'}{joint}{error.message}" if _wants_name(error) else error.message
    return text if text.endswith((".", "?")) else f"{text}."


def _wants_name(error: FieldError) -> bool:
    """A sentence about the whole body, or one that names its field itself, stands alone."""
    return error.message.startswith(PREDICATES) or (error.path != "" and error.path not in error.message)


def _fault(problem: Any, value: Any, schema: Json) -> Fault:
    path, node, is_choice = _place(problem, value, schema)
    kind, context = problem["type"], problem.get("ctx", {})
    if isinstance(named := context.get("error"), WrongField):
        path = (*path, named.field)
    if kind in ("union_tag_not_found", "union_tag_invalid"):
        path = (*path, context["discriminator"].strip("'"))
        phrase = f"must be one of {', '.join(node.get('discriminator', {}).get('mapping', {}))}"
    elif kind == "extra_forbidden":
        phrase = _unknown(path[-1], node)
    elif kind == "string_pattern_mismatch":
        phrase = f"must be {PATTERN_MEANINGS.get(context['pattern'], 'like ' + context['pattern'])}"
    else:
        phrase = _phrase(kind, context) or _said(problem)
    if problem["loc"][-1:] == ("[key]",):
        phrase = phrase.replace("must ", "has a name that must ", 1)
    seen = "" if kind in WITHOUT_VALUE else _shown(_seen(problem["input"], path[-1:], kind))
    return Fault(path, phrase, seen, is_choice)


def _seen(given: Any, last: tuple[str, ...], kind: str) -> Any:
    """The value that is wrong: where a choice was made by one field of an object, that field's."""
    return given.get(*last) if kind == "union_tag_invalid" and isinstance(given, dict) else given


def _phrase(kind: str, limits: Mapping[str, Any]) -> str:
    if limits.get("min_length") == 1:
        return "must not be empty"
    return PHRASES.get(kind, "").format(**limits)


def _said(problem: Any) -> str:
    return str(problem["msg"]).removeprefix("Value error, ")


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


def _unknown(name: str, node: Json) -> str:
    known = list(node.get("properties", {}))
    close = difflib.get_close_matches(name, known, n=1)
    meant = f"; did you mean {close[0]}?" if close else "."
    there_are = f" There are: {', '.join(known)}." if known else ""
    return f"is an unknown field{meant}{there_are}"


def _message(faults: Sequence[Fault]) -> str:
    """What is said of one field: the choices it had joined, the value once."""
    phrases = list(dict.fromkeys(fault.phrase for fault in faults))
    first, *others = phrases
    text = first + "".join(f", or {other.removeprefix('must be ')}" for other in others)
    seen = next((fault.seen for fault in faults if fault.seen), "")
    return f"{text}, saw {seen}" if seen else text


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return "an object" if value else "an empty object"
    if isinstance(value, list):
        return f"a list of {len(value)}" if value else "an empty list"
    text = json.dumps(value, ensure_ascii=True, default=str)
    return text if len(text) <= LONGEST_SEEN_CHARACTERS else f"{text[:LONGEST_SEEN_CHARACTERS]}…"

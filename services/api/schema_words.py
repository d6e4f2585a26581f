"""A JSON schema in a few words."""

import json
from typing import Any

_BOUNDS = {
    "minimum": "at least {}",
    "exclusiveMinimum": "above {}",
    "maximum": "at most {}",
    "exclusiveMaximum": "below {}",
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "minItems": "at least {} entries",
    "maxItems": "at most {} entries",
    "maxProperties": "at most {} pairs",
}


def type_of(schema: dict[str, Any]) -> str:
    """`integer`, `"auto" or Lora`, `list of text`."""
    if "$ref" in schema:
        return str(schema["$ref"].rsplit("/", 1)[-1])
    if "const" in schema:
        return json.dumps(schema["const"])
    if "enum" in schema:
        return _either(json.dumps(value) for value in schema["enum"])
    for choice in ("anyOf", "oneOf"):
        if choice in schema:
            return _either(type_of(option) for option in schema[choice])
    kind = schema.get("type", "anything")
    if kind == "array":
        return f"list of {type_of(schema.get('items', {}))}"
    return kind if isinstance(kind, str) else _either(kind)


def bounds_of(schema: dict[str, Any]) -> list[str]:
    """`at least 1`, `at most 64 characters`; of choices those that only one of them has."""
    parts = [schema, *(part for choice in ("anyOf", "oneOf") for part in schema.get(choice, ()))]
    said = [text.format(part[name]) for part in parts for name, text in _BOUNDS.items() if name in part]
    return list(dict.fromkeys(said))


def _either(options: Any) -> str:
    return " or ".join(dict.fromkeys(options))

"""A JSON schema in a few words."""

import json
from typing import Any

_RANGES = (
    ("minimum", "maximum", "{}"),
    ("minLength", "maxLength", "{} characters"),
    ("minItems", "maxItems", "{} entries"),
    ("minProperties", "maxProperties", "{} pairs"),
)
_OPEN = {"exclusiveMinimum": "above {}", "exclusiveMaximum": "below {}"}


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
    """`at least 1`, `1 to 64 characters`; of choices those of each."""
    parts = [schema, *(part for choice in ("anyOf", "oneOf") for part in schema.get(choice, ()))]
    said = [word for part in parts for names in _RANGES for word in _range(part, *names)]
    said += [text.format(part[name]) for part in parts for name, text in _OPEN.items() if name in part]
    return list(dict.fromkeys(said))


def _range(part: dict[str, Any], low: str, high: str, text: str) -> list[str]:
    """`1 to 64 characters`, or what one of the two bounds says alone."""
    if low in part and high in part:
        return [text.format(f"{part[low]} to {part[high]}")]
    if low in part:
        return [text.format(f"at least {part[low]}")]
    return [text.format(f"at most {part[high]}")] if high in part else []


def _either(options: Any) -> str:
    return " or ".join(dict.fromkeys(options))

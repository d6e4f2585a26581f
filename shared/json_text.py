"""Compact JSON of what jobs measure. JSON has no NaN and no infinity: a number that is none becomes null."""

import json
import math
from collections.abc import Mapping
from typing import Any


def json_text(value: object) -> str:
    try:
        return encodable(_dumps(value))
    except ValueError:
        return encodable(_dumps(finite(value)))


def encodable(text: str) -> str:
    """`text` with a question mark for each half of a surrogate pair, which UTF-8 has no bytes for."""
    return text.encode("utf-8", "replace").decode()


def finite(value: Any) -> Any:
    """`value` with None in the place of each number that is not finite, however deep it lies."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    return value


def _dumps(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False)

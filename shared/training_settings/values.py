"""Values of a user's file: what they are, whatever they were written as, and what is said of them."""

import json
import re
from typing import Any

from shared.json_text import encodable

LONGEST_CHARACTERS = 200
OFF: tuple[Any, ...] = (None, False, 0, "", "no", "none", {}, [])


def plain(value: Any) -> Any:
    """A number or a truth value that was written as text, and 2.0 for 2: as what it is."""
    if isinstance(value, str):
        if value.lower() in ("true", "false"):
            return value.lower() == "true"
        try:
            value = float(value) if re.search(r"[.eE]", value) else int(value)
        except ValueError:
            return value
    return int(value) if isinstance(value, float) and value.is_integer() else value


def short(value: Any) -> Any:
    """What is said of a value: numbers and words as they are, all else as JSON, and no more than a line."""
    if value is None or isinstance(value, bool | int | float):
        return value
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    text = encodable(text)
    return text if len(text) <= LONGEST_CHARACTERS else f"{text[:LONGEST_CHARACTERS]}…"

"""Set-up's sentences, from a message file as all others, but read without Fluent, which is not there yet."""

import os
import re
from functools import cache

from services.cli.language import language_of
from shared.messages.catalog import DEFAULT_LANGUAGE, FOLDER
from shared.units import size
from shared.visible import visible

FILE = "set_up.ftl"
_MESSAGE = re.compile(r"^([a-z][\w-]*) = (.*(?:\n +.*)*)", re.MULTILINE)
_VALUE = re.compile(r"\{ \$(\w+) \}")


def say(message_id: str, /, **values: object) -> str:
    """The sentence `message_id` with its values, in the reader's language where it has one."""
    theirs = _sentences(language_of(os.environ))
    text = theirs.get(message_id) or _sentences(DEFAULT_LANGUAGE)[message_id]
    return _VALUE.sub(lambda found: _written(found[1], values[found[1]]), text)


@cache
def _sentences(language: str) -> dict[str, str]:
    try:
        text = (FOLDER / language / FILE).read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    return {found[1]: re.sub(r"\n +", "\n", found[2]) for found in _MESSAGE.finditer(text)}


def _written(name: str, value: object) -> str:
    return size(value) if name.endswith("_bytes") and isinstance(value, int) else visible(str(value))

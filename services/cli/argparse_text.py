"""What argparse finds wrong, which it says in English, as messages."""

import re
from collections.abc import Callable

from shared.messages.message import Message, read_stored, say

Found = re.Match[str]


def argparse_message(text: str) -> Message:
    """The message for a text of argparse, or of our own that came through it; others as they are."""
    own = read_stored(text)
    if isinstance(own, Message):
        return own
    for pattern, message in _MESSAGES:
        if found := re.fullmatch(pattern, text, re.DOTALL):
            return message(found)
    return say("words-not-understood", text=text.rstrip("."))


def _missing(found: Found) -> Message:
    arguments = re.split(r",? ", found[1])
    return say("arguments-missing", arguments=arguments, count=len(arguments))


# As in Python 3.11 to 3.14.
_MESSAGES: tuple[tuple[str, Callable[[Found], Message]], ...] = (
    (r"the following arguments are required: (.*)", _missing),
    (r"expected one argument", lambda found: say("value-missing")),
    (r"expected at least one argument", lambda found: say("values-missing")),
    (r"expected at most one argument", lambda found: say("values-too-many")),
    (r"ignored explicit argument (.*)", lambda found: say("value-not-taken", seen=found[1])),
    (r"not allowed with argument (.*)", lambda found: say("not-beside", other=found[1])),
    (
        r"ambiguous option: (.*) could match (.*)",
        lambda found: say("option-short-for-several", option=found[1], options=found[2].split(", ")),
    ),
)

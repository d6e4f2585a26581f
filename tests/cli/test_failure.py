"""A failure in lines for the person at the terminal."""

from services.cli.failure import CommandFailed
from shared.errors import FieldError


def test_what_the_message_says_already_is_not_said_again() -> None:
    errors = (FieldError("line 2", "`text` is empty."), FieldError("line 7", "`label` is empty."))
    failure = CommandFailed("2 rows can't be used. Line 2: `text` is empty.", "Mend it.", errors=errors)
    assert failure.lines() == [
        "2 rows can't be used. Line 2: `text` is empty.",
        "  line 7: `label` is empty.",
        "Mend it.",
    ]

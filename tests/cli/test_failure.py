"""A failure in lines for the person at the terminal."""

from services.cli.failure import CommandFailed
from shared.errors import FieldError


def test_what_the_message_says_already_is_not_said_again() -> None:
    errors = (FieldError("line 2", "`text` is empty"), FieldError("line 7", "`label` is empty"))
    failure = CommandFailed("1 row can't be used: line 2 `text` is empty", "Mend it.", errors=errors)
    assert failure.lines() == [
        "1 row can't be used: line 2 `text` is empty",
        "  line 7: `label` is empty",
        "Mend it.",
    ]

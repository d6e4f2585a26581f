"""A failure in lines for the person at the terminal."""

import pytest

from services.cli.failure import CommandFailed, sentence
from shared.errors import FieldError


def test_what_the_message_says_already_is_not_said_again() -> None:
    errors = (FieldError("line 2", "`text` is empty."), FieldError("line 7", "`label` is empty."))
    failure = CommandFailed("2 rows can't be used. Line 2: `text` is empty.", "Mend it.", errors=errors)
    assert failure.lines() == [
        "2 rows can't be used. Line 2: `text` is empty.",
        "  line 7: `label` is empty.",
        "Mend it.",
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("no Tunedock answers at http://x:1 (refused)", "No Tunedock answers at http://x:1 (refused)."),
        ("See: ./tunedock jobs", "See: ./tunedock jobs"),
        ("Is it running? Start it with: ./tunedock up", "Is it running? Start it with: ./tunedock up"),
        ("ftjob-abc has made no adapter", "ftjob-abc has made no adapter."),
        ("these options can't be used:", "These options can't be used:"),
        ("can't read rows.jsonl: is a folder", "Can't read rows.jsonl: is a folder."),
        ("Delete this?\n  ftjob-abc", "Delete this?\n  ftjob-abc"),
        ("", ""),
    ],
)
def test_what_is_said_begins_with_a_capital_and_ends_with_a_period(text: str, said: str) -> None:
    assert sentence(text) == said

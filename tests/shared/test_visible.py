"""Text that would steer a terminal or deceive a reader is shown, not obeyed."""

import pytest

from shared.visible import visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred\x07", r"\u001b[31mred\u0007"),
        ("a\rb\x9b2J\x7f", r"a\u000db\u009b2J\u007f"),
        ("evil\u202egnp.exe\u200b", r"evil\u202egnp.exe\u200b"),
        ("\udc80", r"\udc80"),
        ("line\u2028end", r"line\u2028end"),
    ],
)
def test_characters_that_steer_are_written_as_escapes(text: str, shown: str) -> None:
    assert visible(text) == shown


@pytest.mark.parametrize("text", ["plain\n\ttext", "한국어", "e\u0301", "👩\u200d💻", "नि\u200dक"])
def test_what_people_write_stays(text: str) -> None:
    assert visible(text) == text

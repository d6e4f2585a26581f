"""A message is stored as an id and its values, and becomes a sentence where it is read."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.messages import said
from shared.messages.catalog import add_language
from shared.messages.message import Message, read_stored, say, stored, with_texts
from shared.messages.render import render, shown

TRIAL = """
trial-rows = { $rows ->
    [one] { $rows } row
   *[other] { $rows } rows
} of { $names } take { $file_bytes } and { $step_seconds }, { $done_ratio } done, rate { $rate }. { $more }
trial-choice = Choose { $name_choices }.
"""


@pytest.fixture(autouse=True)
def _trial_language() -> Iterator[None]:
    add_language("en-GB", TRIAL)
    yield
    add_language("en-GB", "")


def test_values_are_written_by_their_units_and_plurals_by_the_file() -> None:
    message = say(
        "trial-rows", rows=1, names=["a", "b"], file_bytes=2_500_000, step_seconds=0.25, done_ratio=0.5,
        rate=2e-5, more=say("trial-choice", name_choices=["x", "y"]),
    )  # fmt: skip
    text = "1 row of a and b take 2.50 MB and 0.25 s, 50% done, rate 2e-05. Choose x or y."
    assert render(message, "en-GB") == text
    assert read_stored(stored(message)) == message
    assert shown(stored(message), "en-GB") == text


def test_a_missing_value_or_an_unknown_id_shows_what_there_is() -> None:
    assert render(say("trial-choice", other=Path("/x")), "en-GB") == 'trial-choice {"other": "/x"}'
    assert render(say("unheard-of", step=3)) == 'unheard-of {"step": 3}'


def test_a_message_that_a_language_lacks_is_shown_in_english() -> None:
    assert render(say("job-cancelled"), "en-GB") == "The job was cancelled."


@pytest.mark.parametrize(
    "text", ["Resumed from the checkpoint of step 4", '{"loss": 0.5}', '{"', '{"message_id": 3}', "{}", ""]
)
def test_a_stored_text_of_before_is_shown_as_it_is(text: str) -> None:
    assert stored(text) == text
    assert shown(text) == text


def test_a_stored_message_survives_halves_of_surrogate_pairs_and_numbers_that_are_none() -> None:
    message = read_stored(stored(say("trial", word="a\ud800b", loss=float("nan"))))
    assert message == Message(message_id="trial", values={"word": "a?b", "loss": None})


def test_isolating_marks_are_not_put_around_values() -> None:
    assert "\u2068" not in render(say("unexpected-error", error="KeyError"))


def test_what_a_sandboxed_reader_says_is_the_same_message_outside() -> None:
    inner = said.say("trial-choice", name_choices=["x", "y"])
    outside = said.say("trial", name="a", rows=2, more=[inner]).message
    assert outside == say("trial", name="a", rows=2, more=[say("trial-choice", name_choices=["x", "y"])])


def test_every_text_in_a_message_can_be_changed_however_deep_it_lies() -> None:
    message = say("trial", name="a", rows=2, more=[say("trial-choice", name_choices=["x", "y"])])
    changed = with_texts(message, str.upper)
    assert changed == say("trial", name="A", rows=2, more=[say("trial-choice", name_choices=["X", "Y"])])

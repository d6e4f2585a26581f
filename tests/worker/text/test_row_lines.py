"""Whatever becomes of rows is said in whole sentences, in the singular and the plural and in any language."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import fields

import pytest

from services.worker.text.conversation import TOO_MANY
from services.worker.text.row_counts import RowCounts
from services.worker.text.row_lines import RowLine, row_lines
from services.worker.text.row_rules import RowRules
from shared.messages.catalog import add_language
from shared.messages.message import say, stored
from shared.messages.render import render
from tests.shared.messages.made_up import LANGUAGE, left_over, made_up_language

RULES = RowRules("chat", "completion", 2048)
REASONS = [
    stored(say("no-token-to-learn", max_seq_length=2048)),
    stored(say("template-refuses", error="No.")),
    TOO_MANY,
    "a reason that an earlier version stored",
    stored(say("answer-not-written")),
]


@pytest.fixture(autouse=True)
def _made_up() -> Iterator[None]:
    add_language(LANGUAGE, made_up_language())
    yield
    add_language(LANGUAGE, "")


def all_lines(number: int) -> list[RowLine]:
    """Everything that can be said, with `number` of each; not both of what excludes each other."""
    counts = RowCounts.of({each.name: number for each in fields(RowCounts) if each.type is int})
    counts.seen = 2 * number
    counts.added_before, counts.added_after = "1:", "(2)"
    counts.skipped_reasons = Counter(dict.fromkeys(REASONS, number))
    counts.partly_refused_turns = Counter({REASONS[0]: number})
    counts.unwritten = Counter({"tools": number, "system": number})
    lines = list(row_lines(counts, RULES))
    counts.own_special_tokens = 0
    return [*lines, *row_lines(counts, RULES)]


@pytest.mark.parametrize("number", [1, 1234])
def test_each_line_is_made_of_whole_sentences(number: int) -> None:
    told = {line.code: render(line.message) for line in all_lines(number)}
    assert len(told) == 18
    for text in told.values():
        assert text[0].isupper() or text[0].isdigit(), text
        assert text.endswith("."), text
        assert "{" not in text, text
    skipped = "1 of 2 rows is skipped." if number == 1 else "1,234 of 2,468 rows are skipped."
    row = "1 row" if number == 1 else "1,234 rows"
    assert told["rows_skipped"] == (
        f"{skipped} {row}: No token that is to be learned lies within max_seq_length 2048. "
        f'{row}: The chat template refuses the conversation: "No.". '
        f"{row}: The chat template writes more than 256 turns differently when other turns follow. "
        "There are 2 more reasons."
    )


def test_another_language_leaves_no_english_beside_names_and_old_reasons() -> None:
    for line in all_lines(7):
        left = left_over(render(line.message, LANGUAGE)).replace(REASONS[3], "")
        words = set(re.findall(r"[^\W\d]{2,}", left))
        assert words <= {"No", "system", "format", "chat"}, left

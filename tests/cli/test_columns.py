"""Tables on narrow terminals and with wide characters."""

import pytest
from rich.cells import cell_len

from services.cli.columns import cut, fit

ID = "ftjob-" + "x" * 24
TABLE = [
    ("ID", "KIND", "STATUS", "CREATED", "PROGRESS"),
    (
        ID,
        "fine_tuning",
        "failed",
        "2026-11-30 07:49:30",
        "한국어 오류 메시지가 여기에 길게 나옵니다 and more",
    ),
    ("evaljob-" + "y" * 24, "evaluation", "queued", "2026-11-30 07:49:31", "queued, place 2"),
]
KEEP = ("STATUS", "PROGRESS", "KIND", "CREATED")


@pytest.mark.parametrize("width", [20, 33, 40, 60, 80, 100, 200])
def test_ids_are_whole_at_every_width(width: int) -> None:
    lines = fit(TABLE, keep=KEEP, width=width)
    assert [line.split()[0] for line in lines[1:]] == [row[0] for row in TABLE[1:]]
    assert all(cell_len(line) <= max(width, 32) for line in lines)


def test_columns_go_in_the_order_that_is_asked_for() -> None:
    def headings(width: int) -> list[str]:
        return fit(TABLE, keep=KEEP, width=width)[0].split()

    assert headings(200) == ["ID", "KIND", "STATUS", "CREATED", "PROGRESS"]
    assert headings(80) == ["ID", "KIND", "STATUS", "PROGRESS"]
    assert headings(60) == ["ID", "STATUS", "PROGRESS"]
    assert headings(45) == ["ID", "STATUS"]
    assert headings(32) == ["ID"]


def test_a_wide_character_takes_two_cells() -> None:
    assert cut("한국어", 6) == "한국어"
    assert cut("한국어", 5) == "한국…"
    assert cut("한국어", 4) == "한…"


def test_what_follows_wide_characters_stands_in_one_column() -> None:
    lines = fit([("NAME", "N"), ("한국", "1"), ("abcd", "2")], keep=(), width=40)
    assert [cell_len(line[: line.rindex(last)]) for line, last in zip(lines, "N12", strict=True)] == [6, 6, 6]

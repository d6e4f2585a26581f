"""CSV and TSV: quoting, headers there or not, and rows that do not fit."""

import io
from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.datasets.limits import DatasetLimits
from shared.datasets.source import Problem, Record, Source, Unreadable
from shared.datasets.table_kind import CSV, TSV
from shared.datasets.tables import open_table
from shared.messages.said import say

SMS = (
    b'ham\tGo until "jurong point, crazy..\nham\t"Quoted" to you\nspam\tFree entry!\nham\tOk lar\nspam\tWin\n'
)


def table(content: bytes, kind: Literal["csv", "tsv"], /, **columns: str) -> Source:
    return open_table(
        io.BytesIO(content), CSV if kind == "csv" else TSV, columns, DatasetLimits(line_bytes=1000)
    )


def rows(source: Source) -> list[dict[str, object]]:
    items = list(source.items)
    assert all(isinstance(item, Record) for item in items), items
    return [item.fields for item in items if isinstance(item, Record)]


def test_a_list_of_label_and_text_without_header_is_recognised_and_quotes_are_text() -> None:
    source = table(SMS, "tsv")
    assert source.fields == ("label", "text")
    assert rows(source)[0] == {"label": "ham", "text": 'Go until "jurong point, crazy..'}
    assert len(rows(table(SMS, "tsv"))) == 5


def test_a_header_with_our_names_is_a_header() -> None:
    source = table(b"text,label,id\r\na,ham,1\r\n", "csv")
    assert source.fields == ("text", "label", "id")
    assert list(source.items) == [Record(2, {"text": "a", "label": "ham", "id": "1"})]


def test_a_header_with_other_names_is_a_header_too() -> None:
    assert table(b"category\tmessage\nham\ta\nham\tb\nspam\tc\n", "tsv").fields == ("category", "message")


def test_a_header_is_known_by_the_names_that_columns_gives() -> None:
    assert table(b"ham,v2\nham,a\nham,b\nspam,c\n", "csv", label="ham").fields == ("ham", "v2")


def test_positional_names_say_that_there_is_no_header() -> None:
    source = table(b"a,ham\nb,spam\n", "csv", text="column_1", label="column_2")
    assert rows(source) == [{"column_1": "a", "column_2": "ham"}, {"column_1": "b", "column_2": "spam"}]


def test_a_header_that_literally_holds_positional_names_is_a_header() -> None:
    source = table(b"column_1,column_2\nhello,ham\n", "csv", text="column_1", label="column_2")
    assert list(source.items) == [Record(2, {"column_1": "hello", "column_2": "ham"})]


def test_a_headerless_table_of_text_and_label_gets_positional_names() -> None:
    source = table(b"hello,ham\nsee you,ham\nwin,spam\nlater,ham\n", "csv")
    assert source.fields == ("column_1", "column_2")


def test_three_columns_without_header_get_positional_names() -> None:
    assert table(b"ham\ta\t1\nham\tb\t2\nspam\tc\t3\n", "tsv").fields == ("column_1", "column_2", "column_3")


def test_quoted_cells_may_hold_commas_quotes_and_line_ends() -> None:
    source = table(b'text,label\n"a, ""b""\nc",ham\nd,spam\n', "csv")
    assert list(source.items) == [
        Record(2, {"text": 'a, "b"\nc', "label": "ham"}),
        Record(4, {"text": "d", "label": "spam"}),
    ]


def test_rows_with_other_than_the_due_cells_are_told_and_reading_goes_on() -> None:
    source = table(b"text,label\na,ham,extra\nb\n\nc,spam\n", "csv")
    assert list(source.items) == [
        Problem(2, say("too-many-quoted-cells", cells=3, columns=2, sign="comma")),
        Problem(3, say("too-few-cells", cells=1, columns=2)),
        Record(5, {"text": "c", "label": "spam"}),
    ]


def test_broken_quotes_and_foreign_encodings_are_told_with_their_line() -> None:
    source = table(b'text,label\n"a"b,ham\n\xb0\xa1,ham\nc,spam\n', "csv")
    bad_quote, bad_bytes, good = source.items
    assert isinstance(bad_quote, Problem)
    assert bad_quote.number == 2
    assert str(bad_quote.said).startswith(
        "It is not CSV: text comes after a closing quote, or a closing quote is missing. A cell with"
    )
    assert bad_bytes == Problem(3, say("line-not-utf-8", place=1, byte="0xB0", encoding="CP949"))
    assert good == Record(4, {"text": "c", "label": "spam"})


def test_a_quote_that_never_closes_is_told_and_ends_the_file() -> None:
    [problem] = table(b'text,label\n"a,ham\nb,spam\n', "csv").items
    assert isinstance(problem, Problem)
    assert problem.number == 2
    assert "never closed, so the next line was read as part of this cell. Write the closing" in str(
        problem.said
    )


def test_lines_that_end_in_a_bare_carriage_return_are_told_with_what_to_save() -> None:
    [problem] = table(b"text,label\ra,ham\rb,spam\r", "csv").items
    assert isinstance(problem, Problem)
    assert str(problem.said).endswith("Save the file with the line ends LF or CRLF.")


def test_a_header_with_one_name_twice_is_refused() -> None:
    with pytest.raises(Unreadable, match="same name"):
        table(b"text,text\na,b\n", "csv")


def test_a_column_without_name_is_called_by_its_place() -> None:
    assert table(b",text,label\n0,a,ham\n1,b,spam\n", "csv").fields == ("column_1", "text", "label")


@settings(deadline=None)
@given(st.binary(max_size=150), st.sampled_from(["csv", "tsv"]))
def test_no_bytes_break_the_reader(text: bytes, kind: Literal["csv", "tsv"]) -> None:
    try:
        source = table(text, kind)
    except Unreadable:
        return
    for item in source.items:
        assert isinstance(item, Problem) or tuple(item.fields) == source.fields

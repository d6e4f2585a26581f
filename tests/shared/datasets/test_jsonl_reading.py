"""JSON lines to the letter: what is refused, where, and that no bytes get past or break the reader."""

import io
import json
import math

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from shared.datasets.jsonl import open_jsonl
from shared.datasets.limits import DatasetLimits
from shared.datasets.rows import normalise_row
from shared.datasets.source import Problem, Record
from shared.datasets.texts import BadRow
from shared.messages.said import say

LIMITS = DatasetLimits(line_bytes=2000)
MEND = ". A line must be one whole JSON object. Correct the line, or remove it."


def read(text: bytes) -> list[Record | Problem]:
    return list(open_jsonl(io.BytesIO(text), LIMITS).items)


def only_problem(text: bytes) -> str:
    [problem] = read(text)
    assert isinstance(problem, Problem)
    return str(problem.said)


def test_byte_order_mark_carriage_returns_and_blank_lines_are_tolerated() -> None:
    read_records = read(b'\xef\xbb\xbf{"text": "a"}\r\n\r\n  \n{"text": "\xea\xb0\x80"}')
    assert read_records == [Record(1, {"text": "a"}), Record(4, {"text": "가"})]


def test_line_separators_inside_a_string_do_not_end_the_line() -> None:
    assert read('{"text": "a\u2028b\u0085c"}'.encode()) == [Record(1, {"text": "a\u2028b\u0085c"})]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            b"hello",
            "It is not JSON at character 1: a row begins with {, and this one does not" + MEND,
        ),
        (
            b'{"label": True}',
            "It is not JSON at character 11: there must be a text in double quotes, a number, true, false, "
            "null, a list or an object" + MEND,
        ),
        (
            b'{"text": "a"',
            "It is not JSON at character 13: there must be a comma or a closing bracket. A quote inside a "
            'text is written \\", and perhaps the text before this place lacks its closing quote' + MEND,
        ),
        (
            b'{"text": "a"} {"text": "b"}',
            "It is not JSON at character 15: the JSON value ends before this character, and more follows. "
            "Remove what follows, or put it into a line of its own" + MEND,
        ),
        (
            b'{"text": "a\x00b"}',
            "It is not JSON at character 12: a line end, a tab or another control character stands in a "
            "text. In JSON a line end is written \\n and a tab \\t" + MEND,
        ),
        (
            b'{"text": "a',
            "It is not JSON at character 10: the text that begins here has no closing quote, so the line "
            "may be cut off" + MEND,
        ),
        (
            b'{"text": "C:\\data"}',
            "It is not JSON at character 13: a backslash stands before a sign with which it means nothing. "
            "In JSON a backslash is written \\\\" + MEND,
        ),
        (
            b'{"text": "a",}',
            "It is not JSON at character 14: there must be the name of a field in double quotes, and no "
            "comma after the last field" + MEND,
        ),
        (
            b'{"text" "a"}',
            "It is not JSON at character 9: there must be a colon between the name of a field and its value"
            + MEND,
        ),
        (b'["text"]', "It is a list and not a JSON object, which has named fields."),
        (b"null", "It is null and not a JSON object, which has named fields."),
        (b'"a text"', "It is a text and not a JSON object, which has named fields."),
        (b'"{\\"text\\": 1}"', "It is a text that holds a JSON object: json.dumps was applied twice."),
        (b'{"text": "a", "text": "b"}', "It has an object with the key `text` twice."),
        (b'{"text": "a", "x": [{"k": 1, "k": 1}]}', "It has an object with the key `k` twice."),
        (b'{"text": NaN}', "It has the number NaN, which JSON does not have."),
        (b'{"text": -Infinity}', "It has the number -Infinity, which JSON does not have."),
        (b'{"n": ' + b"9" * 1900 + b"}", None),
        (
            b'{"text": "\xb0\xa1"}',
            "The line is not UTF-8: its byte 11 is 0xB0, which begins no letter. The line would make sense "
            "in CP949. All lines must be UTF-8.",
        ),
        (
            b'{"text": "\xed\xa0\x80"}',
            "The line is not UTF-8: its byte 11 is 0xED, which begins no letter. All lines must be UTF-8.",
        ),
        (b'{"text": "' + b"x" * 3000 + b'"}', "The line is longer than 2,000 bytes."),
        (b'{"x": ' + b"[" * 32 + b"]" * 32 + b"}", "It is nested deeper than 32 levels."),
        (b'{"x": ' + b'{"x":' * 150 + b"1" + b"}" * 151, "It is nested deeper than 32 levels."),
        (b'{"x": ' + b"[" * 31 + b"]" * 31 + b"}", None),
        (b'{"x": ' + b"[[]," * 100 + b"1" + b"]" * 100 + b"}", "It is nested deeper than 32 levels."),
        (b'{"x": [' + b"[1]," * 100 + b"1]}", None),
    ],
)
def test_each_bad_line_is_told_by_its_fault(line: bytes, message: str | None) -> None:
    if message is None:
        assert isinstance(read(line)[0], Record)
    else:
        assert only_problem(line) == message


def test_a_hundred_thousand_levels_do_not_break_the_reader() -> None:
    limits = DatasetLimits()
    line = b'{"x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    [problem] = open_jsonl(io.BytesIO(line), limits).items
    assert problem == Problem(1, say("nested-too-deep", most=32))


def test_a_number_of_too_many_digits_is_refused() -> None:
    [problem] = open_jsonl(io.BytesIO(b'{"n": ' + b"9" * 5000 + b"}"), DatasetLimits()).items
    assert problem == Problem(1, say("number-too-long"))


def test_reading_goes_on_after_a_line_of_many_megabytes() -> None:
    text = b'{"text": "a"}\n' + b"x" * 10_000_000 + b'\n{"text": "b"}\n'
    assert read(text) == [
        Record(1, {"text": "a"}),
        Problem(2, say("line-too-long", most=2000)),
        Record(3, {"text": "b"}),
    ]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@settings(deadline=None)
@given(st.lists(st.dictionaries(st.text(max_size=8), json_values, max_size=4), max_size=5), st.booleans())
def test_what_json_writes_is_read_back_unchanged(rows: list[dict[str, object]], escaped: bool) -> None:
    lines = [json.dumps(row, ensure_ascii=escaped) for row in rows]
    encodable = [line.encode("utf-8", "surrogatepass") for line in lines]
    items = list(open_jsonl(io.BytesIO(b"\n".join(encodable)), DatasetLimits()).items)
    for row, item in zip(rows, items, strict=True):
        if isinstance(item, Record):
            assert item.fields == row
        else:
            assert item.said.message_id == "line-not-utf-8"  # half of a surrogate pair, written raw


json_pieces = st.sampled_from(
    [
        *(
            b'{"text":',
            b'"a"',
            b"}",
            b"{",
            b"[",
            b"]",
            b'"label":',
            b",",
            b'{"text":"a","label":"b"}',
            b'"',
            b"\\",
        ),
        *(b"NaN", b"1e999", b"-0", b"true", b"\\ud800", b"\\u0000", b'"\\udc00"'),
        *(b"\n", b"\r\n", b"\x00", b"\xff", b"\xef\xbb\xbf"),
    ]
)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200) | st.lists(json_pieces, max_size=12).map(b"".join))
@example(b'{"text":"\\ud800","label":"x"}')
@example(b'{"text":"\\u0000","label":"x"}')
@example(b'\n\xef\xbb\xbf{"text":"!","label":"!"}')
def test_no_bytes_break_the_reader_or_pass_as_a_row_they_are_not(text: bytes) -> None:
    for item in read(text):
        if isinstance(item, Problem):
            continue
        try:
            row = normalise_row(item.fields, "classification", {}, LIMITS)
        except BadRow:
            continue
        # whatever passed must survive strict encoding and be exactly what Python's own parser saw
        line = text.split(b"\n")[item.number - 1].decode().lstrip("\ufeff")  # files with marks were joined
        assert json.loads(line)["text"] == row["text"]
        assert set(row) == {"text", "label"}
        assert all(isinstance(value, str) and value.strip() and "\x00" not in value for value in row.values())
        assert json.loads(json.dumps(row, ensure_ascii=False).encode("utf-8")) == row


def test_a_float_too_large_for_python_is_no_row_value() -> None:
    [record] = read(b'{"text": 1e999, "label": "x"}')
    assert isinstance(record, Record)
    assert math.isinf(record.fields["text"])  # type: ignore[arg-type]
    with pytest.raises(BadRow, match="must be a string, not a number"):
        normalise_row(record.fields, "classification", {}, LIMITS)

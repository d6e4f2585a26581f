"""From a source of any kind to normalised rows, through the sandbox, or to a refusal that says what to do."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from shared.datasets import normalise
from shared.datasets.limits import DatasetLimits
from shared.datasets.prepare import prepare_dataset
from shared.errors import InvalidDataset, InvalidField
from shared.messages.render import shown
from shared.schemas.datasets import DatasetSummary
from tests.samples.arrow_folder import save_arrow_folder, save_arrow_splits

ROWS = [{"text": f"message {number}", "label": ("ham", "spam")[number % 2]} for number in range(50)]


class Workbench:
    """A folder for sources and one for results, which must hold nothing but whole results."""

    def __init__(self, folder: Path) -> None:
        self.sources, self.results = folder / "sources", folder / "results"
        self.sources.mkdir()
        self.results.mkdir()

    def write(self, name: str, content: str | bytes) -> Path:
        path = self.sources / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def prepare(self, source: Path, **options: Any) -> tuple[DatasetSummary, list[dict[str, Any]]]:
        destination = self.results / "rows.jsonl"
        summary = prepare_dataset(source, destination, **options)
        content = destination.read_bytes()
        assert (summary.bytes, summary.sha256) == (len(content), hashlib.sha256(content).hexdigest())
        assert [path.name for path in self.results.iterdir()] == ["rows.jsonl"]
        return summary, [json.loads(line) for line in content.decode().splitlines()]

    def refusal(self, source: Path, **options: Any) -> InvalidDataset:
        with pytest.raises(InvalidDataset) as caught:
            prepare_dataset(source, self.results / "rows.jsonl", **options)
        assert list(self.results.iterdir()) == []
        return caught.value


@pytest.fixture
def bench(tmp_path: Path) -> Workbench:
    return Workbench(tmp_path)


def jsonl(rows: list[dict[str, Any]]) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def test_json_lines_become_rows_with_a_summary(bench: Workbench) -> None:
    summary, rows = bench.prepare(bench.write("a.jsonl", jsonl([{**row, "id": 1} for row in ROWS])))
    assert rows == ROWS
    assert (summary.format, summary.rows, summary.labels) == ("classification", 50, ["ham", "spam"])
    assert summary.read_seconds is not None
    assert summary.read_seconds < 5


def test_a_row_without_label_on_line_37_is_told_by_its_line(bench: Workbench) -> None:
    rows = [dict(row) for row in ROWS]
    del rows[36]["label"]
    refusal = bench.refusal(bench.write("a.jsonl", jsonl(rows)))
    assert "`a.jsonl`: 1 row can't be used. Line 37: It has no field `label`." in refusal.message
    assert [error.path for error in refusal.errors] == ["line 37"]


def test_one_reason_is_told_once_and_all_rows_are_counted(bench: Workbench) -> None:
    refusal = bench.refusal(
        bench.write("a.jsonl", jsonl([*ROWS, *({"text": "top secret", "label": ""},) * 300]))
    )
    reason = "`label` is empty or only white space. Give it a value, or remove the row."
    others = "299 more rows have this problem: lines 52, 53, 54, 55, and 56 (and 294 more)."
    assert refusal.message.endswith(f"300 rows can't be used. Line 51: {reason} {others}")
    assert [(error.path, error.message) for error in refusal.errors] == [("line 51", f"{reason} {others}")]
    assert "top secret" not in str(refusal.errors)


def test_at_most_twenty_reasons_are_listed_and_the_rest_is_counted(bench: Workbench) -> None:
    rows = [{"text": "a", "_" * number: "c"} for number in range(1, 31)]
    refusal = bench.refusal(bench.write("a.jsonl", jsonl(rows)), format="classification")
    reasons = "for 20 or more reasons. This is the first. Line 1: It has no field `label`."
    assert f"30 rows can't be used, {reasons}" in refusal.message
    assert len(refusal.errors) == 20


def test_a_mix_of_formats_is_refused(bench: Workbench) -> None:
    chat = {"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}
    refusal = bench.refusal(bench.write("a.jsonl", jsonl([*ROWS, chat])))
    assert refusal.errors[0].message == (
        "It has the fields of `chat`, but this data set is in the format `classification`. Write such rows "
        "like the others, or put them into a file of their own."
    )


def test_rows_with_more_fields_than_most_are_a_mix_only_where_the_format_is_detected(
    bench: Workbench,
) -> None:
    source = bench.write("a.jsonl", jsonl([{"text": "a"}, {"text": "b"}, ROWS[0]]))
    assert "Choose one of the two with `format`." in bench.refusal(source).message
    summary, rows = bench.prepare(source, format="text")
    assert (summary.format, summary.labels, rows[2]) == ("text", None, {"text": "message 0"})


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.jsonl", "", "It is empty (0 bytes)."),
        ("a.csv", "text,label\n", "It has no rows."),
        ("a.jsonl", "hello\n", "Line 1: It is not JSON"),
        ("a.json", "[]", "It has no rows."),
        ("a.json", '[{"text": "a"}', "The file ends inside its list of rows, after 1 row, "),
        ("a.json", '[{"text": "a"}] {"text": "b"}', "Row 2: It comes after the end of the list (line 1)."),
        (
            "a.json",
            '[{"text": "a"},\n{"text": b}]',
            "Row 2: It is not JSON in line 2 at character 10: there must be a text in double quotes, a "
            "number, true, false, null, a list or an object. The row begins in line 2.",
        ),
        ("a.json", '[["a"]]', "Row 1: It is a list and not a JSON object, which has named fields."),
        (
            "a.jsonl",
            '{"text": {"0": "a", "1": "b"}, "label": {"0": "c", "1": "d"}}',
            "It holds a table column by column, as pandas' to_json writes it by default. Write it row by "
            'row, with pandas (pip install pandas): pandas.read_json("FILE", dtype=False',
        ),
        (
            "a.jsonl",
            '{"columns": ["text"], "index": [0], "data": [["a"]]}',
            'with orient="split". Write it row by row, with pandas (pip install pandas): '
            'pandas.read_json("FILE", orient="split", ',
        ),
        (
            "a.jsonl",
            "{'text': 'a'}\n",
            "Read each line with ast.literal_eval(line), and write the row with json.dumps(row, ",
        ),
        ("a.txt", "just words\n", "This kind of file is not supported."),
        ("a.txt", "Once, long ago.\nA hare.\nOne day, it rained, hard.\n", "To learn plain text, write"),
        (
            "a.jsonl",
            '{"message": "a", "category": "b"}\n',
            "fields were seen: `category` and `message`.",
        ),
        (
            "a.jsonl",
            '{"a": 1}\n',
            "needs `messages`, `prompt` + `completion`, `text` + `label`, or",
        ),
        ("a.csv", "label,category\na,b\n", "These columns were seen: `label` and `category`."),
        ("a.csv", "message,category\na,b\n", "read as a header. This header has 2 columns"),
        (
            "a.csv",
            "text,label\ra,b,ham\r",
            "Line 2: It has 3 cells, and the table has 2 columns. A comma",
        ),
        ("a.csv", "text,label\na,b\ntext,label\n", "Line 3: It repeats the header"),
        ("a.csv", "내용,분류\n안녕,가\n".encode("cp949"), "looks like CP949 (EUC-KR)"),
        ("a.csv", "text,label\nこんにちは,a\n".encode("cp932"), "looks like Shift-JIS"),
        ("a.csv", "text,label\ndéjà vu,a\n".encode("latin-1"), "iconv -f CP1252 -t UTF-8 FILE > NEW"),
        ("a.csv", "text,label\n你好世界,a\n".encode("gbk"), "looks like GB18030"),
        ("a.csv", "text,label\nпривет мир,a\n".encode("cp1251"), "looks like Windows-1251"),
        (
            "a.csv",
            "text,label\n" + "안녕,a\n" * 9 + "x",
            "Line 11: It has 1 cell, and the table has 2",
        ),
        (
            "a.csv",
            "text,label\n안녕,a\n".encode() + b"\xb0\xa1,b\n",
            "Line 3: The line is not UTF-8: its byte 1 is 0xB0",
        ),
        (
            "a.jsonl",
            "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1234567\n",
            "a short text in the place of the file itself. The file itself has 1.23 MB. Fetch the file",
        ),
        ("a.jsonl", " <!DOCTYPE html>\n<html></html>", "It is a web page"),
        ("a.jsonl", '{"error": "Invalid username or password."}', "the answer of a server that refused"),
        (
            "a.jsonl",
            b"\x80\x04\x95\x10\x00",
            "a pickle, which can hold a program and is never opened",
        ),
        ("a.csv.gz", b"\x1f\x8b\x08\x00", "compressed (gzip)"),
        ("a.csv", b"PK\x03\x04" + bytes(26) + b"[Content_Types].xml", "save the sheet as CSV UTF-8"),
        ("a.csv", b"PK\x03\x04" + bytes(26) + b"rows.csv", "Unpack it and give the file inside"),
        ("a.csv", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an Excel workbook of the old kind"),
        ("a.parquet", b"SQLite format 3\x00", "an SQLite database"),
        ("a.parquet", b"FEA1" + bytes(40), "df.to_parquet(NAME)"),
        ("a.csv", bytes(400), "nothing but zero bytes"),
        ("a.md", "| text | label |\n|---|:---:|\n| a | b |\n", "It is a table in Markdown"),
        ("a.json", '{"text": ["a", "b"], "label": ["x", "y"]}', 'orient="records"'),
        ("a.json", '{"columns": ["text", "label"], "index": [0], "data": [["a", "x"]]}', 'orient="records"'),
        ("a.jsonl", '{"tokens": ["a"], "tags": ["x"]}\n' * 2, "fields were seen: `tags` and `tokens`."),
        ("a.csv", "text,label\n안녕".encode("utf-16") + b"\x00\xd8", "It is UTF-16 and damaged"),
        ("a.parquet", b"PAR1 and then nothing", "It is damaged"),
        ("a.arrow", b"\xff\xff\xff\xff\x10\x00\x00\x00 and then nothing", "It is damaged"),
    ],
)
def test_each_useless_file_is_told_by_its_fault(
    bench: Workbench, name: str, content: str | bytes, words: str
) -> None:
    assert words in bench.refusal(bench.write(name, content)).message


@pytest.mark.parametrize(
    "content",
    [
        json.dumps(ROWS),
        json.dumps(ROWS, indent=2),
        "[\n" + ",\n".join(json.dumps(row) for row in ROWS) + "\n]\n",
        json.dumps({"data": ROWS}),
        json.dumps({"version": "1.0", "count": 50, "data": ROWS}, indent=1),
        "\n".join(json.dumps(row, indent=4) for row in ROWS),
        ",\n".join(json.dumps(row) for row in ROWS),
        "\ufeff" + jsonl(ROWS[:25]) + "\ufeff" + jsonl(ROWS[25:]),
    ],
    ids=["array", "pretty", "array of lines", "inside", "inside pretty", "objects", "commas", "joined"],
)
@pytest.mark.parametrize("name", ["a.json", "a.jsonl", "a.txt"])
def test_json_that_is_not_one_object_a_line_gives_the_same_rows(
    bench: Workbench, name: str, content: str
) -> None:
    assert bench.prepare(bench.write(name, content))[1] == ROWS


def test_objects_over_several_lines_are_known_though_the_first_is_longer_than_the_head(
    bench: Workbench,
) -> None:
    rows = [{"text": "긴 말 " * 20_000, "label": label} for label in ("ham", "spam")]
    written = "\n".join(json.dumps(row, indent=4, ensure_ascii=False) for row in rows)
    assert bench.prepare(bench.write("a.jsonl", written))[1] == rows


def test_a_long_array_is_read_piece_by_piece(bench: Workbench) -> None:
    rows = [{"text": f"{number} " + "긴 말 " * 20_000, "label": "ab"[number % 2]} for number in range(400)]
    source = bench.write("a.json", json.dumps(rows, ensure_ascii=False))
    limits = DatasetLimits(memory_bytes=200 * 1024**2)
    assert bench.prepare(source, limits=limits)[1] == rows


def test_the_rows_of_a_long_array_cost_the_same_each(bench: Workbench) -> None:
    rows = [{"text": f"{number} " + "x" * 100} for number in range(60_000)]
    source = bench.write("a.json", "[" + ",\n".join(json.dumps(row) for row in rows) + "]")
    limits = DatasetLimits(cpu_seconds=8)  # counting lines anew for every row took twice that
    assert bench.prepare(source, limits=limits)[0].rows == 60_000


def test_a_list_beside_the_one_that_is_read_is_told(bench: Workbench) -> None:
    summary, rows = bench.prepare(bench.write("a.json", json.dumps({"train": ROWS, "test": ROWS[:1]})))
    assert rows == ROWS
    assert [warning.code for warning in summary.warnings] == ["rest_unread"]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"])
@pytest.mark.parametrize("name", ["a.csv", "a.jsonl", "a.txt"])
def test_wide_unicode_is_read_by_its_mark_or_its_zeros(bench: Workbench, encoding: str, name: str) -> None:
    rows = [{"text": f"안녕 {number} 😀", "label": ("가", "b")[number % 2]} for number in range(50)]
    table = "text\tlabel\r\n" + "".join(f"{row['text']}\t{row['label']}\r\n" for row in rows)
    content = (jsonl(rows) if name == "a.jsonl" else table).encode(encoding)
    summary, read = bench.prepare(bench.write(name, content))
    assert read == rows
    assert shown(summary.warnings[0].message) == f"The file is {encoding.upper()} and was read as such."


@pytest.mark.parametrize("delimiter", [";", "|"])
@pytest.mark.parametrize(
    "header", ["text{0}label", '"text"{0}"label"', "내용{0}분류", "sep={0}\ntext{0}label"]
)
def test_other_signs_between_cells_are_seen_and_told(bench: Workbench, delimiter: str, header: str) -> None:
    rows = [{"text": f"a, b and {number}", "label": ("ham", "spam")[number % 2]} for number in range(50)]
    lines = [header.format(delimiter), *(f"{row['text']}{delimiter}{row['label']}" for row in rows)]
    columns = {"text": "내용", "label": "분류"} if header.startswith("내") else {}
    summary, read = bench.prepare(bench.write("a.csv", "\n".join(lines)), columns=columns)
    assert read == rows
    assert "cells are separated by" in shown(summary.warnings[0].message)


def test_line_ends_of_old_macs_are_read_and_told(bench: Workbench) -> None:
    table = "text,label\r" + "".join(f"{row['text']},{row['label']}\r" for row in ROWS)
    summary, rows = bench.prepare(bench.write("a.csv", table))
    assert rows == ROWS
    assert [warning.code for warning in summary.warnings] == ["line_ends"]


def test_quotes_that_pandas_writes_into_a_table_with_tabs_are_no_text(bench: Workbench) -> None:
    table = 'text\tlabel\n"he said ""hi"""\tham\n"a\tb"\tspam\nplain\tham\n'
    summary, rows = bench.prepare(bench.write("a.tsv", table))
    assert [row["text"] for row in rows] == ['he said "hi"', "a\tb", "plain"]
    assert summary.warnings[0].code == "table_notation"


def test_quotes_that_people_write_into_a_table_with_tabs_are_text(bench: Workbench) -> None:
    table = 'text\tlabel\n"quoted"\tham\nhe "said" so\tspam\n"open\tham\n'
    _, rows = bench.prepare(bench.write("a.tsv", table))
    assert [row["text"] for row in rows] == ['"quoted"', 'he "said" so', '"open']


def test_a_table_called_json_lines_is_read_as_the_table_it_is(bench: Workbench) -> None:
    _, rows = bench.prepare(bench.write("a.jsonl", "text,label\na,ham\n"))
    assert rows == [{"text": "a", "label": "ham"}]


def test_json_lines_whose_rows_are_called_data_stay_lines(bench: Workbench) -> None:
    turns = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]
    source = bench.write("a.jsonl", jsonl([{"data": turns}] * 2))
    assert len(bench.prepare(source, columns={"messages": "data"})[1]) == 2


def test_halves_of_characters_are_one_reason_whichever_half_they_are(bench: Workbench) -> None:
    source = bench.write("a.jsonl", '{"text": "a\\ud83d"}\n{"text": "\\ud83e"}\n{"text": "\\udc00"}\n')
    message = bench.refusal(source).message
    assert "3 rows can't be used. Line 1: `text` has only half of a character (`\\ud83d`" in message
    assert "2 more rows have this problem: lines 2 and 3." in message


def test_a_table_without_the_wanted_column_is_told_once(bench: Workbench) -> None:
    source = bench.write("a.csv", "message,label\n" + "a,b\n" * 30)
    refusal = bench.refusal(source, format="classification")
    assert "It has no column `text`. These columns were seen: `message` and `label`." in refusal.message
    assert refusal.errors == ()


@pytest.mark.parametrize("name", ["a.csv", "a.tsv", "a.txt"])
@pytest.mark.parametrize("options", [{}, {"format": "text"}, {"columns": {"text": "message"}}], ids=str)
def test_a_first_row_that_may_be_content_is_never_repeated(
    bench: Workbench, name: str, options: dict[str, Any]
) -> None:
    content = "my password is hunter2,never tell anybody\nsee you,later\n"
    source = bench.write(name, content.replace(",", "\t") if name == "a.tsv" else content)
    refusal = bench.refusal(source, **options)
    assert "has 2 columns and no known name." in refusal.message
    assert "`column_1`, `column_2` and so on" in refusal.message
    assert "hunter2" not in f"{refusal.message}{refusal.errors}"
    assert "never" not in f"{refusal.message}{refusal.errors}"


def test_a_reader_with_a_fault_promises_no_log(bench: Workbench) -> None:
    limits = DatasetLimits(labels="many")  # type: ignore[arg-type]
    refusal = bench.refusal(bench.write("a.jsonl", jsonl(ROWS)), limits=limits)
    assert refusal.message.endswith("or its reader has a bug. Save it again, for example as JSON lines.")


def test_more_labels_than_allowed_are_refused(bench: Workbench) -> None:
    rows = [{"text": "a", "label": str(number)} for number in range(1001)]
    refusal = bench.refusal(bench.write("a.jsonl", jsonl(rows)))
    assert "more than 1,000 different labels" in refusal.message


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        (DatasetLimits(rows=49), "more than 49 rows"),
        (DatasetLimits(source_bytes=100), "At most 100 bytes are read."),
        (DatasetLimits(normalised_bytes=1000), "Its rows take more than 1.00 kB."),
        (DatasetLimits(wall_seconds=0.001), "Reading took longer than 1.0 ms."),
    ],
)
def test_each_limit_is_told_by_its_value(bench: Workbench, limits: DatasetLimits, words: str) -> None:
    assert words in bench.refusal(bench.write("a.jsonl", jsonl(ROWS)), limits=limits).message


def test_a_full_disk_is_told_as_such(bench: Workbench) -> None:
    order = {
        "source": str(bench.write("a.jsonl", jsonl(ROWS))),
        "destination": "/dev/full",
        "file_name": "a.jsonl",
        "format": "auto",
        "columns": {},
        "limits": asdict(DatasetLimits()),
        "measured": False,
    }
    answer = normalise.main([json.dumps(order)])
    assert isinstance(answer, dict)
    assert answer["disk_full"] is True


def test_columns_that_no_format_has_together_are_refused_before_reading(tmp_path: Path) -> None:
    for options in (
        {"columns": {"messages": "a", "label": "b"}},
        {"format": "text", "columns": {"label": "b"}},
    ):
        with pytest.raises(InvalidField) as caught:
            prepare_dataset(tmp_path / "none", tmp_path / "out", **options)
        assert caught.value.param == "columns"


def test_the_name_given_by_the_owner_tells_the_kind(bench: Workbench) -> None:
    source = bench.write("content", "text,label\na b,ham\n")
    _, rows = bench.prepare(source, file_name="upload.csv")
    assert rows == [{"text": "a b", "label": "ham"}]


def test_a_byte_order_mark_before_a_very_long_first_line_hides_no_json(bench: Workbench) -> None:
    rows = [{"text": "long, " * 20_000}]
    _, read = bench.prepare(bench.write("a.txt", "\ufeff" + jsonl(rows)))
    assert read == rows


def save_folder(folder: Path) -> Path:
    return save_arrow_folder(ROWS, folder / "saved", class_names=["spam", "ham"])


def save_split(folder: Path) -> Path:
    return save_arrow_splits({"train": ROWS, "test": ROWS[:1]}, folder / "saved") / "train"


def save_parquet(folder: Path) -> Path:
    pq.write_table(pa.Table.from_pylist(ROWS), folder / "a.parquet")
    return folder / "a.parquet"


def save_arrow_file(folder: Path) -> Path:
    table = pa.Table.from_pylist(ROWS)
    with pa.ipc.new_file(str(folder / "a.arrow"), table.schema) as file:
        file.write_table(table)
    return folder / "a.arrow"


@pytest.mark.parametrize("save", [save_folder, save_split, save_parquet, save_arrow_file])
def test_every_columnar_kind_gives_the_same_rows(bench: Workbench, save: Callable[[Path], Path]) -> None:
    summary, rows = bench.prepare(save(bench.sources))
    assert rows == ROWS
    assert summary.labels == ["ham", "spam"]


def save_bad_offsets(rows: list[dict[str, str]], folder: Path) -> Path:
    """An Arrow folder whose first text ends gigabytes beyond its column, which only a full check sees."""
    save_arrow_folder(rows, folder)
    offsets = pa.array([0, 2_000_000_000, 11], pa.int32()).buffers()[1]
    texts = pa.Array.from_buffers(pa.string(), 2, [None, offsets, pa.py_buffer(b"hello world")])
    batch = pa.record_batch([texts, pa.array(["ham", "spam"])], names=["text", "label"])
    with pa.ipc.new_stream(str(folder / "data-00000-of-00001.arrow"), batch.schema) as stream:
        stream.write_batch(batch)
    return folder


def test_bad_offsets_are_a_clear_refusal(bench: Workbench) -> None:
    refusal = bench.refusal(save_bad_offsets(ROWS, bench.sources / "bad"))
    assert "It is damaged" in refusal.message


def test_a_reader_that_runs_out_of_memory_is_a_clear_refusal(bench: Workbench) -> None:
    texts = pa.array(["x" * 900_000] * 400)  # 360 MB that compress to almost nothing
    pq.write_table(pa.table({"text": texts}), bench.sources / "bomb.parquet", compression="zstd")
    limits = DatasetLimits(memory_bytes=500 * 1024**2)
    assert (
        "more than 524 MB of memory" in bench.refusal(bench.sources / "bomb.parquet", limits=limits).message
    )


def test_damaged_columnar_files_never_break_the_caller(bench: Workbench) -> None:
    """The damage is spread over the file; each result is either sound rows or a refusal."""
    sound = save_arrow_file(bench.sources).read_bytes()
    refused = 0
    for step in range(8):
        place = 8 + step * (len(sound) - 16) // 8
        source = bench.write("a.arrow", sound[:place] + b"\xff" * 8 + sound[place + 8 :])
        try:
            summary = prepare_dataset(source, bench.results / "rows.jsonl")
        except InvalidDataset:
            refused += 1
        else:
            assert summary.rows <= len(ROWS)
    assert refused

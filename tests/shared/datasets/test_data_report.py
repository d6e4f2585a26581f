"""The report of a data set: each fault is its first finding, with the line, the value and what to change."""

import json
from dataclasses import asdict
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pydantic import TypeAdapter

from shared.datasets.examination.assemble import assembled
from shared.datasets.examination.claims import Examined
from shared.datasets.examination.examine import DataFile, examine
from shared.datasets.examination.sandboxed import main
from shared.datasets.limits import DatasetLimits
from shared.errors import InvalidField
from shared.messages.message import say
from shared.messages.render import told
from shared.reports.data import DataFinding, DataReport
from shared.reports.data_text import data_text
from tests.samples.arrow_folder import save_arrow_folder
from tests.shared.datasets.faults import (
    FAULTS,
    TABLE,
    Fault,
    chat,
    conversation,
    csv,
    labelled,
    lines,
    pairs,
)

ANSWER = TypeAdapter(list[Examined])


def report_of(
    folder: Path, content: bytes, validation: bytes | None = None, name: str = "rows.jsonl"
) -> DataReport:
    """As `examine` reports, without a process of its own."""
    parts = []
    for file_name, text in ((name, content), ("validation.jsonl", validation)):
        if text is not None:
            path = folder / file_name
            path.write_bytes(text)
            parts.append({"source": str(path), "file_name": file_name})
    order = {"parts": parts, "format": "auto", "columns": {}, "limits": asdict(DatasetLimits())}
    claims = ANSWER.validate_python(json.loads(json.dumps(main([json.dumps(order)]))))
    return assembled([(part["file_name"], 1) for part in parts], claims, None, read_seconds=0.0)


def everything_said(finding: DataFinding) -> str:
    said = [finding.title, *finding.evidence, *([finding.remedy] if finding.remedy else [])]
    return " ".join(map(told, said))


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_the_first_finding_is_the_fault_with_its_line_and_what_to_do(fault: Fault, tmp_path: Path) -> None:
    report = report_of(tmp_path, fault.content, fault.validation, fault.file_name)
    first = report.findings[0]
    assert (first.id, first.severity) == (fault.finding, fault.severity), everything_said(first)
    assert first.lines[:1] == (() if fault.line is None else (fault.line,))
    assert first.part == ("training" if fault.validation is None else "validation")
    assert fault.words in everything_said(first)
    assert report.usable == (fault.severity != "error")
    assert DataReport.model_validate_json(report.model_dump_json()) == report


def test_there_are_enough_faults_and_no_two_of_one_name() -> None:
    assert len({fault.name for fault in FAULTS}) == len(FAULTS) >= 80
    assert len({fault.finding for fault in FAULTS}) >= 70


@pytest.mark.parametrize("rows", [chat(), labelled(), pairs(), [{"text": row["text"]} for row in labelled()]])
def test_rows_without_fault_have_no_finding(rows: list[dict[str, object]], tmp_path: Path) -> None:
    report = report_of(tmp_path, lines(rows))
    assert (report.findings, report.usable) == ((), True)


def test_all_faults_are_told_in_the_order_of_the_file_each_with_its_lines(tmp_path: Path) -> None:
    rows = [json.dumps(row) for row in labelled()]
    rows[3], rows[7], rows[9], rows[11] = (
        "{",
        '{"text": "a", "label": null}',
        "{",
        '{"text": "", "label": "b"}',
    )
    report = report_of(tmp_path, "".join(f"{row}\n" for row in rows).encode())
    assert [(one.id, one.lines, one.count) for one in report.findings[:4]] == [
        ("no_json_line", (4, 10), 2),
        ("field_is_null", (8,), 1),
        ("text_is_empty", (12,), 1),
        ("rows_unusable", (), 4),
    ]
    assert [one.seen for one in report.findings[:3]] == ["{", "null", ""]
    assert (report.training.rows, report.training.unusable_rows) == (20, 4)


def test_every_fault_of_a_row_is_told_and_the_row_is_counted_once(tmp_path: Path) -> None:
    first = {"messages": [{"role": "asker", "content": "a"}, {"role": "narrator"}, {"role": "assistant"}]}
    second = {"messages": [{"role": "user", "content": "a"}, {"role": "assistant"}]}
    report = report_of(tmp_path, lines([*chat(), first, second]))
    assert [(one.id, one.lines, one.count) for one in report.findings] == [
        ("role_unknown", (25,), 1),
        ("role_unknown", (25,), 1),
        ("content_is_missing", (25, 26), 2),
        ("rows_unusable", (), 2),
    ]
    assert (report.training.rows, report.training.unusable_rows) == (24, 2)


def test_rows_before_a_list_is_cut_off_are_counted_and_named(tmp_path: Path) -> None:
    report = report_of(tmp_path, json.dumps(labelled(7)).encode()[:-1], name="rows.json")
    assert (report.training.rows, report.training.unusable_rows, report.usable) == (7, 0, False)
    assert "after 7 rows" in everything_said(report.findings[0])


def test_a_bad_byte_is_shown_as_it_stands_in_the_file(tmp_path: Path) -> None:
    content = lines(labelled()) + '{"text": "안녕", "label": "ham"}\n'.encode() + b'{"text": "caf\xe9!"}\n'
    finding = report_of(tmp_path, content).findings[0]
    assert finding.seen == '{"text": "caf\\xe9!"}'
    problem = say("line-not-utf-8", place=14, byte="0xE9", encoding="CP1252")
    assert finding.title == say("problem-of-row", unit="line", number=26, problem=problem)
    assert finding.remedy == say("write-bytes-again", encoding="CP1252")
    assert 'line.decode("CP1252")' in everything_said(finding)


def test_a_file_whose_reading_ended_early_is_not_said_to_have_few_rows(tmp_path: Path) -> None:
    report = report_of(tmp_path, csv([*TABLE[:5], '"open,ham', *TABLE[5:]]), name="rows.csv")
    assert [one.id for one in report.findings] == ["quote_never_closed", "rows_unusable"]


def test_columns_of_a_parquet_file_are_told_with_what_makes_texts_of_them(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    pq.write_table(pa.table({"text": [b"a", b"b"], "label": ["x", "y"]}), path)
    said = everything_said(examine(DataFile(path, "rows.parquet")).findings[0])
    assert "`text` must be a string, not bytes." in said
    assert "(pip install pandas pyarrow)" in said
    assert '["NAME"].str.decode("utf-8"), then' in said


def test_the_last_sentence_counts_single_faults_and_not_their_sum(tmp_path: Path) -> None:
    two = report_of(
        tmp_path, lines([*labelled(), {"text": "", "label": "ham"}, {"text": "a", "label": None}])
    )
    assert data_text(two).splitlines()[-1] == "This data set can't be learned until the 2 errors are mended."
    assert [line[:2] for line in data_text(two).splitlines() if " · " in line] == ["1.", "2."]
    one = report_of(tmp_path, b"")
    assert data_text(one).splitlines()[-1] == "This data set can't be learned until the error is mended."


def test_lines_are_named_once(tmp_path: Path) -> None:
    rows = [{**row, "label": "ham "} if number > 17 else row for number, row in enumerate(labelled())]
    bad = [{"text": "", "label": "ham"}] * 3
    text = data_text(report_of(tmp_path, lines([*rows, *bad])))
    assert [text.count(name) for name in ("ine 25", "26 and 27", "19, 20")] == [1, 1, 1]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"sentence one\nsentence two\n", "has 1 column and no known name"),
        (b"my_text\n" + b'"a, b"\n' * 9, 'give `"columns": {"text": "column_1"}`'),
    ],
)
def test_a_table_of_one_column_is_never_told_to_name_two(content: bytes, words: str, tmp_path: Path) -> None:
    [finding] = report_of(tmp_path, content, name="rows.csv").findings
    assert words in everything_said(finding)
    assert "completion" not in everything_said(finding)


def test_the_value_seen_is_cut_short_around_the_place_of_the_fault(tmp_path: Path) -> None:
    broken = '{"text": "' + "a" * 500 + '" "label": "ham"}'
    seen = report_of(tmp_path, lines([*labelled(), broken])).findings[0].seen
    assert seen is not None
    assert '" "label"' in seen
    assert len(seen) < 200
    assert seen.startswith("…")


def test_the_facts_of_a_table_are_how_it_is_read_and_what_is_in_it(tmp_path: Path) -> None:
    table = "text;label\n" + "".join(
        f"글 {number};{('정상', '스팸')[number % 3 // 2]}\n" for number in range(24)
    )
    part = report_of(tmp_path, table.encode("utf-16"), name="rows.csv").training
    assert (part.notation, part.encoding, part.separator) == ("csv", "utf-16", "semicolon")
    assert (part.format, part.rows, part.label_count) == ("classification", 24, 2)
    assert [(one.label, one.rows) for one in part.labels] == [("정상", 16), ("스팸", 8)]
    assert part.characters is not None
    assert (part.characters.longest, part.characters.longest_at, part.characters.p50) == (4, 12, 4)
    assert [(one.script, one.share) for one in part.scripts] == [("hangul", 1.0)]
    assert json.loads(part.examples[0]) == {"text": "글 0", "label": "정상"}
    assert len(part.examples) == 10


def test_scripts_are_shares_of_the_letters_of_texts_and_not_of_field_names(tmp_path: Path) -> None:
    rows = [conversation(f"안녕 {number}", "abcd да") for number in range(12)]
    scripts = report_of(tmp_path, lines(rows)).training.scripts
    assert {one.script: round(one.share, 2) for one in scripts} == {
        "latin": 0.5,
        "hangul": 0.25,
        "cyrillic": 0.25,
    }


def test_overlap_counts_rows_learned_with_another_answer_too(tmp_path: Path) -> None:
    validation = [chat()[3], conversation("What is number 5?", "Five."), conversation("New?", "Yes.")]
    report = report_of(tmp_path, lines(chat()), lines(validation))
    assert report.overlap is not None
    assert (report.overlap.rows, report.overlap.of, report.overlap.other_answer) == (2, 3, 1)


def test_a_parquet_file_has_rows_and_no_lines(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    rows = labelled()
    rows[4]["label"] = None
    pq.write_table(pa.Table.from_pylist(rows), path)
    report = examine(DataFile(path, "mine.parquet"))
    first = report.findings[0]
    assert (first.id, first.unit, first.lines, first.seen) == ("field_is_null", "row", (5,), "null")
    assert (report.training.name, report.training.notation, report.training.rows) == (
        "mine.parquet",
        "parquet",
        23,
    )
    assert report.training.bytes == path.stat().st_size


def test_a_folder_that_datasets_saved_is_examined_whole(tmp_path: Path) -> None:
    folder = save_arrow_folder(labelled(), tmp_path / "saved", class_names=["ham", "spam"])
    report = examine(DataFile(folder, "mine/train"), DataFile(folder, "mine/test"))
    assert (report.training.notation, report.training.rows, report.training.label_count) == ("arrow", 24, 2)
    assert report.training.bytes == sum(path.stat().st_size for path in folder.iterdir())
    assert [(one.id, one.count) for one in report.findings] == [("validation_overlaps", 24)]


def test_a_file_that_is_too_large_is_a_finding(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(lines(labelled()))
    report = examine(DataFile(path, "rows.jsonl"), limits=DatasetLimits(source_bytes=100))
    assert [(one.id, one.severity) for one in report.findings] == [("dataset_too_large", "error")]
    assert "Split the data set" in everything_said(report.findings[0])
    assert not report.usable


def test_an_examiner_that_takes_too_long_is_a_finding(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(lines(labelled()))
    report = examine(DataFile(path, "rows.jsonl"), limits=DatasetLimits(wall_seconds=0.001))
    assert [(one.id, one.severity) for one in report.findings] == [("reader_out_of_time", "error")]
    assert report.training.rows == 0


def test_columns_that_no_format_has_are_refused_and_no_finding(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(lines(labelled()))
    with pytest.raises(InvalidField):
        examine(DataFile(path, "rows.jsonl"), columns={"messages": "a", "label": "b"})


def test_rows_beyond_the_bound_of_those_compared_are_told(tmp_path: Path) -> None:
    training, validation = tmp_path / "rows.jsonl", tmp_path / "validation.jsonl"
    training.write_bytes(lines(chat()))
    validation.write_bytes(lines([chat()[20], chat()[1]]))
    report = examine(
        DataFile(training, "t"), DataFile(validation, "v"), limits=DatasetLimits(rows_compared=10)
    )
    assert report.overlap is not None
    assert report.overlap.rows == 1
    assert "overlap_not_counted" in {one.id for one in report.findings}

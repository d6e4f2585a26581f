"""What the owner of usable rows is told: labels, repeats, contradictions, fields left out."""

import json
import unicodedata
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from shared.datasets.limits import DatasetLimits
from shared.datasets.prepare import prepare_dataset
from shared.messages.render import shown
from shared.schemas.datasets import DatasetSummary, DatasetWarning

Rows = list[dict[str, Any]]
WORDS: list[dict[str, Any]] = [
    {"text": f"message {number}", "label": ("ham", "spam")[number % 2]} for number in range(20)
]


def read(
    folder: Path, rows: Rows | str, name: str = "rows.jsonl", **options: Any
) -> tuple[DatasetSummary, Rows]:
    source, result = folder / name, folder / "result.jsonl"
    text = (
        rows if isinstance(rows, str) else "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    )
    source.write_text(text, encoding="utf-8")
    summary = prepare_dataset(source, result, **options)
    with result.open(encoding="utf-8") as lines:
        return summary, [json.loads(line) for line in lines]


def told(summary: DatasetSummary) -> dict[str, DatasetWarning]:
    assert len({warning.code for warning in summary.warnings}) == len(summary.warnings)
    return {warning.code: warning for warning in summary.warnings}


def test_plain_rows_are_told_nothing(tmp_path: Path) -> None:
    assert read(tmp_path, WORDS)[0].warnings == []


def test_one_label_in_two_unicode_forms_is_one_class_and_that_is_told(tmp_path: Path) -> None:
    rows = [
        {"text": f"말 {number}", "label": unicodedata.normalize(("NFC", "NFD")[number % 4 // 2], label)}
        for number, label in enumerate(["스팸", "정상"] * 10)
    ]
    summary, kept = read(tmp_path, rows)
    assert summary.labels == ["스팸", "정상"]
    assert {row["label"] for row in kept} == {"스팸", "정상"}
    warning = told(summary)["labels_normalised"]
    assert (warning.count, warning.lines, warning.level) == (10, [3, 4, 7, 8, 11], "info")
    assert "NFC" in shown(warning.message)


def test_row_text_is_never_changed(tmp_path: Path) -> None:
    text = unicodedata.normalize("NFD", " 말\u200b ")
    assert read(tmp_path, [*WORDS, {"text": text, "label": "ham"}])[1][-1]["text"] == text


def test_whole_numbers_of_a_csv_are_the_classes_that_json_would_give(tmp_path: Path) -> None:
    table = "text,label\n" + "".join(f"message {number},{number % 2}.0\n" for number in range(20))
    summary, _ = read(tmp_path, table, "rows.csv")
    assert summary.labels == ["0", "1"]
    assert told(summary)["labels_normalised"].count == 20


def test_labels_that_differ_by_case_stay_apart_and_are_named_with_their_counts(tmp_path: Path) -> None:
    rows = [*WORDS, {"text": "one more", "label": "SPAM"}]
    summary, _ = read(tmp_path, rows)
    assert summary.labels == ["SPAM", "ham", "spam"]
    warning = told(summary)["labels_look_alike"]
    assert "`SPAM` (1) and `spam` (10)" in shown(warning.message)
    assert warning.count == 11


def test_contradicting_and_repeated_rows_are_counted_with_their_lines(tmp_path: Path) -> None:
    rows: Rows = [*WORDS, {"text": "message 0 ", "label": "spam"}, WORDS[1], {**WORDS[1], "id": 5}]
    warnings = told(read(tmp_path, rows)[0])
    assert (warnings["contradicting_labels"].count, warnings["contradicting_labels"].lines) == (1, [21])
    assert "Line 21 contradicts line 1." in shown(warnings["contradicting_labels"].message)
    assert (warnings["repeated_rows"].count, warnings["repeated_rows"].lines) == (2, [22, 23])


def test_repeated_chats_are_counted_and_two_answers_to_one_question_are_not(tmp_path: Path) -> None:
    rows = [{"prompt": "a", "completion": answer} for answer in ("b", "c", "b")]
    warnings = told(read(tmp_path, rows)[0])
    assert warnings["repeated_rows"].lines == [3]
    assert "contradicting_labels" not in warnings


def test_beyond_the_bound_repeats_are_not_looked_for_and_that_is_told(tmp_path: Path) -> None:
    summary, _ = read(tmp_path, [*WORDS, WORDS[-1]], limits=DatasetLimits(rows_compared=10))
    assert set(told(summary)) == {"repeats_not_counted"}


def test_a_field_with_words_that_no_format_uses_is_named_with_its_count(tmp_path: Path) -> None:
    rows = [
        {**row, "id": str(number), "note": "read me" if number < 3 else ""}
        for number, row in enumerate(WORDS)
    ]
    warnings = told(read(tmp_path, rows)[0])
    assert set(warnings) == {"fields_unused"}
    assert "`note` (3)" in shown(warnings["fields_unused"].message)
    assert "`id`" not in shown(warnings["fields_unused"].message)


def test_a_mapping_that_leaves_words_out_is_told(tmp_path: Path) -> None:
    rows = [{"instruction": f"say {n}", "input": f"word {n}", "output": f"answer {n}"} for n in range(20)]
    summary, _ = read(tmp_path, rows, columns={"prompt": "instruction", "completion": "output"})
    assert "`input` (20)" in shown(told(summary)["fields_unused"].message)


def test_unused_texts_of_a_parquet_file_are_counted_too(tmp_path: Path) -> None:
    notes = ["see", None, "", "12"] * 5
    table = pa.table({"text": [row["text"] for row in WORDS], "note": notes, "id": list(range(20))})
    pq.write_table(table, tmp_path / "rows.parquet")
    summary = prepare_dataset(tmp_path / "rows.parquet", tmp_path / "result.jsonl")
    assert "`note` (5)" in shown(told(summary)["fields_unused"].message)
    assert "`id`" not in shown(told(summary)["fields_unused"].message)


def test_a_label_in_most_rows_of_its_own_is_no_class(tmp_path: Path) -> None:
    rows = [{"text": f"message {number}", "label": f"customer {number}"} for number in range(20)]
    assert "20 different labels in 20 rows" in shown(told(read(tmp_path, rows)[0])["labels_many"].message)


def test_one_label_for_all_rows_is_told(tmp_path: Path) -> None:
    rows = [{"text": f"message {number}", "label": "ham"} for number in range(20)]
    assert "no classes to distinguish" in shown(told(read(tmp_path, rows)[0])["labels_one"].message)


def test_words_for_a_missing_label_and_truth_in_two_forms_are_told(tmp_path: Path) -> None:
    labels = ["nan", True, 1, 0] * 5
    rows = [{"text": f"message {number}", "label": label} for number, label in enumerate(labels)]
    warnings = told(read(tmp_path, rows)[0])
    assert (warnings["labels_missing"].count, warnings["labels_mixed"].count) == (5, 20)


def test_letters_that_an_encoding_lost_or_mixed_up_are_told(tmp_path: Path) -> None:
    mixed = "안녕하세요".encode().decode("cp1252", "replace").replace("\ufffd", "")
    spoiled = [
        "안녕하세요".encode().decode("latin-1"),
        "déjà, café".encode().decode("cp1252", "ignore"),
        "“quoted” – text".encode().decode("cp1252", "ignore"),
        "말\ufffd\ufffd",
    ]
    whole = [
        "안녕하세요",
        "déjà vu, café",
        "«NÃO» e «CAFÉ»",
        "“quoted” – text…",
        "caffè”… è così",
        "àéîõü",
        mixed[:1],
    ]
    rows = [{"text": text, "label": "ham"} for text in [*whole, *spoiled]]
    warning = told(read(tmp_path, [*WORDS, *rows])[0])["text_damaged"]
    first = len(WORDS) + len(whole) + 1
    assert (warning.count, warning.lines) == (4, [first, first + 1, first + 2, first + 3])


def test_answers_that_are_a_word_for_nothing_are_told(tmp_path: Path) -> None:
    pairs = [{"prompt": f"p {number}", "completion": f"c {number}"} for number in range(9)]
    pairs[3]["completion"] = "nan"
    assert told(read(tmp_path, pairs)[0])["text_missing"].lines == [4]
    chats = [
        {"messages": [{"role": "user", "content": "None"}, {"role": "assistant", "content": answer}]}
        for answer in ("a", "None", "none of these")
    ]
    assert told(read(tmp_path, chats)[0])["text_missing"].lines == [2]

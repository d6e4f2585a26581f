"""`check-data` reads a file here, without a service, and says what is wrong with it."""

import json
from pathlib import Path

import pytest

from services.cli.__main__ import main
from tests.shared.datasets.faults import chat, labelled, lines


@pytest.fixture
def no_service(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A folder of its own, with the settings of a service that does not run."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TUNEDOCK_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("TUNEDOCK_DATASETS_DIR", str(tmp_path / "datasets"))
    return tmp_path


def test_good_rows_are_told_in_a_few_lines_and_end_well(
    no_service: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (no_service / "rows.jsonl").write_bytes(lines(labelled()))
    assert main(["check-data", "rows.jsonl"]) == 0
    told = capsys.readouterr().out
    assert told.startswith("rows.jsonl (")
    assert "24 rows can be used" in told
    assert "2: ham (12) and spam (12)" in told
    assert told.endswith("Nothing keeps this data set from being learned.\n")


def test_a_fault_has_its_line_its_value_and_what_to_do_and_fails(
    no_service: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (no_service / "rows.csv").write_text("text,label\n" + "one,ham\n" * 4 + "two, three,ham\n")
    assert main(["check-data", "rows.csv"]) == 1
    told = capsys.readouterr().out
    assert "1. error · too_many_quoted_cells\n" in told
    assert "Line 6: It has 3 cells, and the table has 2 columns." in told
    assert "seen: two, three,ham" in told
    assert "can't be learned until" in told


def test_advice_is_in_the_words_of_the_command(no_service: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (no_service / "rows.csv").write_text("review,stars\n" + "a good film,1\nnot so good,0\n" * 5)
    assert main(["check-data", "rows.csv"]) == 1
    assert "--column text=review" in capsys.readouterr().out


def test_validation_rows_are_compared(no_service: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (no_service / "rows.jsonl").write_bytes(lines(chat()))
    (no_service / "other.jsonl").write_bytes(lines(chat()[:4]))
    assert main(["check-data", "rows.jsonl", "--validation", "other.jsonl"]) == 0
    told = capsys.readouterr().out
    assert "4 of 4 validation rows are learned, too" in told
    assert "warning in the validation rows · validation_overlaps · lines 1, 2, 3, and 4\n" in told


def test_a_data_set_of_the_server_is_found_by_its_name(
    no_service: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (no_service / "datasets").mkdir()
    (no_service / "datasets" / "mine.jsonl").write_bytes(lines(labelled()))
    assert main(["check-data", "--dataset", "mine"]) == 0
    assert capsys.readouterr().out.startswith("mine (")
    assert main(["check-data", "--dataset", "other"]) == 2


def test_the_report_is_one_json_document(no_service: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (no_service / "rows.jsonl").write_bytes(lines(labelled()) + b"{\n")
    assert main(["check-data", "rows.jsonl", "--json"]) == 1
    report = json.loads(capsys.readouterr().out)
    assert (report["usable"], report["job"]) == (False, None)
    assert report["findings"][0]["title"].startswith("Line 25: It is not JSON")
    assert report["findings"][0]["lines"] == [25]


@pytest.mark.parametrize(
    "words",
    [
        ["check-data"],
        ["check-data", "rows.jsonl", "--dataset", "mine"],
        ["check-data", "rows.jsonl", "--model", "m", "--max-seq-length", "1"],
        ["check-data", "rows.jsonl", "--max-seq-length", "64"],
        ["check-data", "rows.jsonl", "--priority", "5"],
        ["check-data", "rows.jsonl", "--column", "messages=a", "--column", "label=b"],
    ],
)
def test_wrong_words_are_wrong_usage(no_service: Path, words: list[str]) -> None:
    (no_service / "rows.jsonl").write_bytes(lines(labelled()))
    assert main(words) == 2


def test_a_model_needs_the_service_and_the_report_comes_first(
    no_service: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (no_service / "rows.jsonl").write_bytes(lines(labelled()))
    assert main(["check-data", "rows.jsonl", "--model", "tiny"]) == 1
    assert "24 rows can be used" in capsys.readouterr().out

"""The sample data set of the demo: enough, balanced, in two languages, and no message twice."""

import json
import re
from itertools import combinations
from pathlib import Path

import pytest

from shared.datasets.names import resolve_dataset
from shared.datasets.prepare import prepare_dataset
from shared.settings import PROJECT_ROOT
from tests.samples.arrow_folder import save_arrow_folder

DATASETS = PROJECT_ROOT / "datasets"
SPLITS = [("sample_spam", 320), ("sample_spam/held_out", 80)]
HANGUL = re.compile("[가-힣]")


def rows_of(name: str) -> list[dict[str, str]]:
    lines = resolve_dataset(name, DATASETS).read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def all_texts() -> list[str]:
    return [row["text"] for name, _ in SPLITS for row in rows_of(name)]


@pytest.mark.parametrize(("name", "count"), SPLITS)
def test_it_passes_the_same_checks_as_any_data_set(tmp_path: Path, name: str, count: int) -> None:
    summary = prepare_dataset(resolve_dataset(name, DATASETS), tmp_path / "rows.jsonl")
    assert (summary.format, summary.rows, summary.labels) == ("classification", count, ["ham", "spam"])


@pytest.mark.parametrize(("name", "count"), SPLITS)
def test_labels_and_languages_are_balanced(name: str, count: int) -> None:
    rows = rows_of(name)
    spam = [row for row in rows if row["label"] == "spam"]
    assert 0.4 <= len(spam) / count <= 0.5
    for part in (rows, spam):
        assert 0.45 <= sum(bool(HANGUL.search(row["text"])) for row in part) / len(part) <= 0.55


def test_no_message_comes_twice_or_nearly_so() -> None:
    words = [frozenset(re.findall(r"\w+", text.lower())) for text in all_texts()]
    assert len(set(words)) == len(words) == 400
    alike = [(one, two) for one, two in combinations(words, 2) if len(one & two) > 0.7 * len(one | two)]
    assert alike == []


def test_messages_are_short_and_name_nothing_real() -> None:
    for text in all_texts():
        assert 3 <= len(text) <= 120, text
        assert re.findall(r"[\w-]+\.(?:com|net|org|kr|ly|me|io)\b", text) in ([], ["example.com"]), text
        assert all(
            number.startswith(("010-0000-", "080-000-", "0900-000-", "000-000-", "0000-1111-"))
            for number in re.findall(r"\d{3,4}-\d{3,4}-\d{4}", text)
        ), text


def test_saved_as_an_arrow_folder_it_gives_the_same_rows(tmp_path: Path) -> None:
    rows = rows_of("sample_spam")
    save_arrow_folder(rows, tmp_path / "datasets" / "sample", class_names=["ham", "spam"])
    summary = prepare_dataset(resolve_dataset("sample", tmp_path / "datasets"), tmp_path / "arrow.jsonl")
    assert (
        summary.sha256
        == prepare_dataset(resolve_dataset("sample_spam", DATASETS), tmp_path / "own.jsonl").sha256
    )

"""The sample data sets, for the demo in English, and in Korean: enough, balanced, and no message twice."""

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
ENGLISH, KOREAN = "sample_spam", "sample_spam_ko"
SPLITS = [(ENGLISH, 1183), (f"{ENGLISH}/held_out", 80), (KOREAN, 160), (f"{KOREAN}/held_out", 40)]
MOST_SHARED = 0.35  # of the 5-grams of the shorter message; a copy with a few words changed has more
HANGUL = re.compile("[가-힣]")


def rows_of(name: str) -> list[dict[str, str]]:
    lines = resolve_dataset(name, DATASETS).read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def all_texts() -> list[str]:
    return [row["text"] for name, _ in SPLITS for row in rows_of(name)]


def five_grams(text: str) -> frozenset[str]:
    """Of the letters alone: spaces, marks, case, links and the values of numbers make no difference."""
    letters = re.sub(r"[\W_]+", "", re.sub(r"\d+", "0", re.sub(r"example\.com\S*", "", text.lower())))
    return frozenset(letters[start : start + 5] for start in range(max(1, len(letters) - 4)))


def shared_part(one: frozenset[str], two: frozenset[str]) -> float:
    """Of the shorter one's 5-grams, those that both have, 0 to 1."""
    return len(one & two) / min(len(one), len(two))


@pytest.mark.parametrize(("name", "count"), SPLITS)
def test_it_passes_the_same_checks_as_any_data_set(tmp_path: Path, name: str, count: int) -> None:
    summary = prepare_dataset(resolve_dataset(name, DATASETS), tmp_path / "rows.jsonl")
    assert (summary.format, summary.rows, summary.labels) == ("classification", count, ["ham", "spam"])


@pytest.mark.parametrize(("name", "count"), SPLITS)
def test_labels_are_balanced(name: str, count: int) -> None:
    spam = [row for row in rows_of(name) if row["label"] == "spam"]
    assert 0.4 <= len(spam) / count <= 0.5


@pytest.mark.parametrize(("name", "_"), SPLITS)
def test_every_message_is_in_the_language_of_its_data_set(name: str, _: int) -> None:
    """The demo's model was trained on English: a Korean message would measure something else."""
    korean = name.startswith(KOREAN)
    assert [row["text"] for row in rows_of(name) if bool(HANGUL.search(row["text"])) != korean] == []


def test_no_message_comes_twice_or_nearly_so() -> None:
    words = [frozenset(re.findall(r"\w+", text.lower())) for text in all_texts()]
    assert len(set(words)) == len(words) == 1463
    alike = [(one, two) for one, two in combinations(words, 2) if len(one & two) > 0.7 * len(one | two)]
    assert alike == []


@pytest.mark.parametrize("name", [ENGLISH, KOREAN])
def test_no_message_that_is_trained_on_nearly_equals_one_held_out(name: str) -> None:
    held_out = [(row["text"], five_grams(row["text"])) for row in rows_of(f"{name}/held_out")]
    trained_on = [(row["text"], five_grams(row["text"])) for row in rows_of(name)]
    alike = [
        (text, held)
        for text, grams in trained_on
        for held, held_grams in held_out
        if shared_part(grams, held_grams) > MOST_SHARED
    ]
    assert alike == []


@pytest.mark.parametrize(
    ("message", "copy"),
    [
        ("통신요금 43,200원이 25일 자동 납부됩니다", "통신요금 51,000원이 20일에 자동 납부됩니다."),
        ("Can you pick up milk and bread on the way back?", "can you pick up eggs and bread on the way home"),
        (
            "원금보장 월 8% 이자 지급 펀드 선착순 모집",
            "[광고] 원금 보장! 월 12% 이자지급 펀드 모집 example.com/a",
        ),
    ],
)
def test_a_copy_with_a_few_words_changed_counts_as_nearly_equal(message: str, copy: str) -> None:
    assert shared_part(five_grams(message), five_grams(copy)) > MOST_SHARED


def test_messages_are_short_and_name_nothing_real() -> None:
    for text in all_texts():
        assert 3 <= len(text) <= 120, text
        assert re.findall(r"[\w-]+\.(?:com|net|org|kr|ly|me|io)\b", text) in ([], ["example.com"]), text
        assert all(
            number.startswith(("010-0000-", "080-000-", "0900-000-", "000-000-", "0000-1111-"))
            for number in re.findall(r"\d{3,4}-\d{3,4}-\d{4}", text)
        ), text


def test_saved_as_an_arrow_folder_it_gives_the_same_rows(tmp_path: Path) -> None:
    rows = rows_of(ENGLISH)
    save_arrow_folder(rows, tmp_path / "datasets" / "sample", class_names=["ham", "spam"])
    summary = prepare_dataset(resolve_dataset("sample", tmp_path / "datasets"), tmp_path / "arrow.jsonl")
    assert (
        summary.sha256 == prepare_dataset(resolve_dataset(ENGLISH, DATASETS), tmp_path / "own.jsonl").sha256
    )

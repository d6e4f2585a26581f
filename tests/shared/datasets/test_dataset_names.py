"""Names of data sets: what they find, and that they find nothing outside the folder."""

import os
from pathlib import Path

import pytest

from shared.datasets.names import dataset_names, resolve_dataset
from shared.errors import DatasetUnknown, InvalidField
from tests.samples.arrow_folder import save_arrow_folder, save_arrow_splits

ROWS = [{"text": "a", "label": "ham"}]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A datasets folder with one data set of each layout, and beside it a file out of reach."""
    home = tmp_path / "datasets"
    (home / "spam").mkdir(parents=True)
    for name in ("spam/train.jsonl", "spam/held_out.jsonl", "alone.csv"):
        (home / name).write_text("content")
    save_arrow_folder(ROWS, home / "arrow")
    save_arrow_splits({"train": ROWS, "validation": ROWS}, home / "splits")
    (tmp_path / "secret.jsonl").write_text("secret")
    return home


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("alone", "alone.csv"),
        ("alone.csv", "alone.csv"),
        ("spam", "spam/train.jsonl"),
        ("spam/", "spam/train.jsonl"),
        ("spam/held_out", "spam/held_out.jsonl"),
        ("arrow", "arrow"),
        ("splits", "splits/train"),
        ("splits/validation", "splits/validation"),
    ],
)
def test_a_name_finds_its_file_or_arrow_folder(home: Path, name: str, path: str) -> None:
    assert resolve_dataset(name, home) == home / path


@pytest.mark.parametrize(
    "name", ["../secret", "spam/../../secret", "/etc/passwd", "..", ".", "a\\b", "a\x00b", ""]
)
def test_a_name_that_can_lead_out_is_refused_with_the_value_seen(home: Path, name: str) -> None:
    with pytest.raises(InvalidField) as caught:
        resolve_dataset(name, home, param="validation_dataset")
    assert caught.value.param == "validation_dataset"
    assert repr(name) in caught.value.message


@pytest.mark.parametrize("name", ["nothing", "spam/nothing", "가" * 200, "\ud800", "alone.csv/x"])
def test_an_unknown_name_is_told_with_what_there_is(home: Path, name: str) -> None:
    with pytest.raises(DatasetUnknown) as caught:
        resolve_dataset(name, home)
    assert (
        "alone, arrow, spam/held_out, spam/train, splits/train, and splits/validation" in caught.value.message
    )


def test_an_absent_folder_has_nothing(tmp_path: Path) -> None:
    assert dataset_names(tmp_path / "absent") == []
    with pytest.raises(DatasetUnknown, match="has none"):
        resolve_dataset("spam", tmp_path / "absent")


def test_every_name_listed_finds_a_data_set(home: Path) -> None:
    for name in ("Rows.JSONL", "twice.csv", "twice.jsonl", "notes.csv", "v1.0.csv", "spam/Held.CSV"):
        (home / name).write_text("content")
    (home / "notes").mkdir()
    (home / "notes" / "README.md").write_text("no rows")
    names = dataset_names(home)
    assert {"Rows.JSONL", "twice", "twice.csv", "notes.csv", "v1.0", "spam/Held.CSV"} <= set(names)
    assert len({resolve_dataset(name, home) for name in names}) == len(names)


def test_what_may_not_be_read_is_left_out_of_the_list(home: Path) -> None:
    (home / "lost+found").mkdir(mode=0)
    (home / "link to a name too long").symlink_to("x" * 300)  # even root can't look at that
    with pytest.raises(DatasetUnknown, match="alone, arrow, spam/held_out"):
        resolve_dataset("nothing", home)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
@pytest.mark.parametrize("mode", [0, 0o100])
def test_an_arrow_folder_that_may_not_be_read_is_unknown(home: Path, mode: int) -> None:
    (home / "arrow").chmod(mode)
    with pytest.raises(DatasetUnknown):
        resolve_dataset("arrow", home)


def test_links_that_lead_out_are_refused(home: Path) -> None:
    (home / "link.jsonl").symlink_to(home.parent / "secret.jsonl")
    (home / "folder").symlink_to(home.parent)
    (home / "arrow" / "more.arrow").symlink_to(home.parent / "secret.jsonl")
    for name in ("link", "folder/secret", "arrow"):
        with pytest.raises(InvalidField, match="has a link"):
            resolve_dataset(name, home)


def test_links_within_the_folder_are_followed(home: Path) -> None:
    (home / "same.csv").symlink_to(home / "alone.csv")
    assert resolve_dataset("same", home) == home / "same.csv"

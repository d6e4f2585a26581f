"""Arrow folders as `datasets` writes them: classes, nulls, old layouts, and files that are not theirs."""

import json
from pathlib import Path

import pyarrow as pa
import pytest

from shared.datasets.arrow import open_arrow_file, open_arrow_folder
from shared.datasets.names import resolve_dataset
from shared.datasets.source import Problem, Record, Source, Unreadable
from shared.messages.said import say
from shared.settings import PROJECT_ROOT
from tests.samples.arrow_folder import save_arrow_folder

WANTED = {"text", "label", "messages", "prompt", "completion"}
ROWS = [{"text": "a", "label": "ham", "id": "7"}, {"text": "b", "label": "spam", "id": "8"}]


def fields(source: Source) -> list[dict[str, object]]:
    return [item.fields for item in source.items if isinstance(item, Record)]


def save_stream(table: pa.Table, path: Path) -> Path:
    with pa.ipc.new_stream(str(path), table.schema) as stream:
        stream.write_table(table)
    return path


def test_class_labels_become_their_names_and_unwanted_columns_stay_unread(tmp_path: Path) -> None:
    source = open_arrow_folder(save_arrow_folder(ROWS, tmp_path / "d", class_names=["spam", "ham"]), WANTED)
    assert source.fields == ("text", "label", "id")
    assert fields(source) == [{"text": "a", "label": "ham"}, {"text": "b", "label": "spam"}]


def test_a_number_that_names_no_class_is_a_problem_of_its_row(tmp_path: Path) -> None:
    folder = save_arrow_folder(ROWS, tmp_path / "d", class_names=["spam", "ham"])
    table = pa.table({"text": ["a", "b", "c"], "label": [0, -1, 2]})
    save_stream(table, folder / "data-00000-of-00001.arrow")
    said = say("number-without-class", name="`label`")
    assert list(open_arrow_folder(folder, WANTED).items) == [
        Record(1, {"text": "a", "label": "spam"}),
        Problem(2, said),
        Problem(3, said),
    ]


@pytest.mark.parametrize(
    ("name", "rows"),
    [
        ("chat", [{"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}]),
        ("labels", [{"text": "c", "label": "ham"}, {"text": "b", "label": "spam"}]),
        ("splits", [{"text": "c", "label": "ham"}]),
        ("splits/validation", [{"text": "b", "label": "spam"}]),
    ],
)
def test_what_the_datasets_library_saved_is_read(name: str, rows: list[dict[str, object]]) -> None:
    """`save_to_disk` of release 5.2.0 made the folders; `labels` was permuted and saved in two shards."""
    saved = PROJECT_ROOT / "tests" / "samples" / "saved_by_datasets"
    assert fields(open_arrow_folder(resolve_dataset(name, saved), WANTED)) == rows


def test_a_single_file_takes_its_class_names_from_the_schema(tmp_path: Path) -> None:
    saved = {"info": {"features": {"label": {"names": ["no", "yes"], "_type": "ClassLabel"}}}}
    table = pa.table({"text": ["a"], "label": [1]}).replace_schema_metadata(
        {"huggingface": json.dumps(saved)}
    )
    source = open_arrow_file(save_stream(table, tmp_path / "a.arrow"), WANTED)
    assert fields(source) == [{"text": "a", "label": "yes"}]


def test_messages_as_a_struct_of_lists_are_turned_round(tmp_path: Path) -> None:
    table = pa.table({"messages": [{"role": ["user", "assistant"], "content": ["a", "b"]}]})
    source = open_arrow_file(save_stream(table, tmp_path / "a.arrow"), WANTED)
    assert fields(source)[0]["messages"] == [
        {"role": "user", "content": "a"},
        {"role": "assistant", "content": "b"},
    ]


def test_fields_that_are_null_in_a_message_count_as_not_given(tmp_path: Path) -> None:
    messages = [
        {"role": "user", "content": "a", "weight": 1},
        {"role": "assistant", "content": "b", "weight": None},
    ]
    table = pa.Table.from_pylist([{"messages": messages}])
    source = open_arrow_file(save_stream(table, tmp_path / "a.arrow"), WANTED)
    assert fields(source)[0]["messages"] == [messages[0], {"role": "assistant", "content": "b"}]


@pytest.mark.parametrize("name", ["../outside.arrow", "/etc/passwd", "..", "", None, "sub/data.arrow"])
def test_a_state_that_names_files_elsewhere_is_refused(tmp_path: Path, name: str | None) -> None:
    folder = save_arrow_folder(ROWS, tmp_path / "d")
    (folder / "state.json").write_text(json.dumps({"_data_files": [{"filename": name}]}))
    with pytest.raises(Unreadable, match="outside its folder"):
        open_arrow_folder(folder, WANTED)


def test_a_link_that_leads_out_is_refused(tmp_path: Path) -> None:
    folder = save_arrow_folder(ROWS, tmp_path / "d")
    file = folder / "data-00000-of-00001.arrow"
    file.rename(tmp_path / "elsewhere.arrow")
    file.symlink_to(tmp_path / "elsewhere.arrow")
    with pytest.raises(Unreadable, match=r"`data-00000-of-00001.arrow` is a link"):
        open_arrow_folder(folder, WANTED)


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ("{", "is not JSON"),
        ("[]", "is not a JSON object"),
        ("{}", "names no data file"),
        ('{"_data_files": [{"filename": "gone.arrow"}]}', "`gone.arrow` is missing"),
        ('{"_indices_data_files": [{}], "_data_files": []}', "Save it again with a recent one"),
    ],
)
def test_a_damaged_state_is_told_by_its_fault(tmp_path: Path, state: str, words: str) -> None:
    folder = save_arrow_folder(ROWS, tmp_path / "d")
    (folder / "state.json").write_text(state)
    with pytest.raises(Unreadable, match=words):
        open_arrow_folder(folder, WANTED)


@pytest.mark.parametrize("type_name", ["date32", "timestamp[us]", "timestamp[s]"])
def test_a_value_beyond_python_is_refused_without_repeating_it(tmp_path: Path, type_name: str) -> None:
    number = pa.array([987_654_321 if type_name == "date32" else 987_654_321 * 10**9])
    column = number.cast("int32" if type_name == "date32" else "int64").cast(type_name)
    file = save_stream(pa.table({"text": ["a"], "label": column}), tmp_path / "a.arrow")
    with pytest.raises(Unreadable, match="a value that can't be read, such as a date after") as caught:
        list(open_arrow_file(file, WANTED).items)
    assert "987" not in str(caught.value)


def test_files_with_different_columns_are_refused(tmp_path: Path) -> None:
    folder = save_arrow_folder(ROWS, tmp_path / "d")
    save_stream(pa.table({"other": [1]}), folder / "two.arrow")
    names = [{"filename": "data-00000-of-00001.arrow"}, {"filename": "two.arrow"}]
    (folder / "state.json").write_text(json.dumps({"_data_files": names}))
    with pytest.raises(Unreadable, match="different columns"):
        list(open_arrow_folder(folder, WANTED).items)

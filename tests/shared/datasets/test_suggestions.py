"""What is said of rows whose fields are called otherwise: names that are there, never what just failed."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from shared.datasets.prepare import prepare_dataset
from shared.errors import InvalidDataset
from shared.field_values import reworded
from shared.messages.render import shown

TALES = [{"a": "once upon a time there was a hare", "b": "yes"}, {"a": "it ran up the hill", "b": "no"}]
ALIKE = [{"foo": "hello there", "bar": "good bye now"}, {"foo": "see you then", "bar": "until later"}]
UNSMILE = "comments\tgender\thate\nthat is not good\tFalse\tnone\nbad\tFalse\thate\n"


def refused(folder: Path, content: str | list[dict[str, Any]], name: str = "a.jsonl", **options: Any) -> str:
    source = folder / name
    lines = content if isinstance(content, str) else "".join(json.dumps(row) + "\n" for row in content)
    source.write_text(lines, encoding="utf-8")
    with pytest.raises(InvalidDataset) as caught:
        prepare_dataset(source, folder / "rows.jsonl", **options)
    return caught.value.message


def suggested(message: str) -> list[dict[str, Any]]:
    """Every setting that the message gives."""
    found: list[dict[str, Any]] = []

    def words(fields: Mapping[str, object]) -> str:
        found.append(dict(fields))
        return ""

    reworded(message, words)
    return found


@pytest.mark.parametrize("format", ["auto", "classification"])
def test_a_mapping_to_a_column_that_is_not_there_names_it_and_those_that_are(
    tmp_path: Path, format: str
) -> None:
    columns = {"text": "message", "label": "category"}
    message = refused(tmp_path, UNSMILE, "a.tsv", columns=columns, format=format)
    assert "It does not have the columns `message` and `category`. " in message
    assert "These columns were seen: `comments`, `gender`, and `hate`." in message
    assert {"columns": columns} not in suggested(message)
    names = {name for setting in suggested(message) for name in setting["columns"].values()}
    assert names <= {"comments", "gender", "hate", "NAME"}


@pytest.mark.parametrize("format", ["auto", "text"])
def test_the_same_is_said_once_of_fields_of_json(tmp_path: Path, format: str) -> None:
    message = refused(tmp_path, ALIKE, columns={"text": "message"}, format=format)
    assert "It has no field `message`. These fields were seen: `bar` and `foo`. A row needs " in message
    assert suggested(message)[0]["columns"]["text"] == "NAME"


def test_what_of_a_mapping_fits_is_kept(tmp_path: Path) -> None:
    message = refused(tmp_path, TALES, columns={"text": "a", "label": "kind"})
    assert "It has no field `kind`. " in message
    assert suggested(message)[0] == {"columns": {"text": "a", "label": "NAME"}}


def test_half_of_a_pair_is_told_which_half_is_missing(tmp_path: Path) -> None:
    message = refused(tmp_path, TALES, columns={"prompt": "a"})
    assert suggested(message) == [{"columns": {"prompt": "a", "completion": "NAME"}}]


def test_a_text_that_is_much_longer_is_suggested(tmp_path: Path) -> None:
    assert suggested(refused(tmp_path, TALES))[0] == {"columns": {"text": "a"}}


def test_texts_of_like_length_are_for_the_reader_to_choose_from(tmp_path: Path) -> None:
    message = refused(tmp_path, ALIKE)
    assert "These fields were seen: `bar` and `foo`." in message
    assert suggested(message) == [{"columns": {"text": "NAME", "label": "NAME"}}]


def test_a_marked_setting_is_all_that_a_border_rewords() -> None:
    sentence = 'each {"text": "a"}, give `"columns": {"text": "a\\u0060b"}` or `{"label": "b"}`'
    assert reworded(sentence, str) == (
        'each {"text": "a"}, give {\'columns\': {\'text\': \'a`b\'}} or `{"label": "b"}`'
    )


def test_pairs_of_any_name_become_a_chat_where_that_is_asked_for(tmp_path: Path) -> None:
    source, result = tmp_path / "a.jsonl", tmp_path / "rows.jsonl"
    source.write_text('{"q": "why?", "chosen": "so", "rejected": "no"}\n')
    summary = prepare_dataset(source, result, format="chat", columns={"prompt": "q", "completion": "chosen"})
    assert summary.format == "chat"
    assert shown(summary.warnings[0].message) == (
        "`q` is read as the user's message and `chosen` as the assistant's."
    )
    messages = [{"role": "user", "content": "why?"}, {"role": "assistant", "content": "so"}]
    assert json.loads(result.read_text()) == {"messages": messages}


@pytest.mark.parametrize(("measured", "words"), [(False, "is learned again"), (True, "is counted again")])
def test_rows_that_are_measured_are_not_said_to_be_learned(
    tmp_path: Path, measured: bool, words: str
) -> None:
    source = tmp_path / "a.csv"
    source.write_text("text,label\na,x\na,x\na,y\nb,nan\nc,X\n")
    summary = prepare_dataset(source, tmp_path / "rows.jsonl", measured=measured)
    told = " ".join(shown(warning.message) for warning in summary.warnings)
    assert words in told
    assert {"repeated_rows", "contradicting_labels", "labels_look_alike", "labels_missing"} <= {
        warning.code for warning in summary.warnings
    }
    assert ("learned" in told) is not measured


@pytest.mark.parametrize(("columns", "advised"), [({}, True), ({"prompt": "q", "completion": "a"}, False)])
def test_who_named_the_fields_is_told_what_is_not_read_without_advice(
    tmp_path: Path, columns: dict[str, str], advised: bool
) -> None:
    source = tmp_path / "a.jsonl"
    source.write_text('{"q": "why?", "a": "so", "rejected": "no"}\n')
    (unused,) = prepare_dataset(source, tmp_path / "rows.jsonl", columns=columns).warnings[-1:]
    if not advised:
        assert unused.level == "info"
    assert "not used, each with the number of rows that have content in it: `rejected` (1)." in shown(
        unused.message
    )
    assert ("write it into that field" in shown(unused.message)) is advised


@pytest.mark.parametrize(
    ("name", "content", "options", "step"),
    [
        ("a.jsonl", "hello\n", {}, "A line must be one whole JSON object"),
        ("a.pdf", "%PDF-1.4\n", {}, 'Write each piece of its text as a line {"text": "…"} of a .jsonl file'),
        (
            "a.rtf",
            "{\\rtf1 a}\n",
            {},
            'Write each piece of its text as a line {"text": "…"} of a .jsonl file',
        ),
        (
            "a.jsonl",
            '{"prompt": "a", "completion": "b"}\n',
            {"format": "chat", "columns": {"messages": "messages2"}},
            "no field `messages2`. These fields were seen: `completion` and `prompt`. A row needs",
        ),
        (
            "a.jsonl",
            '{"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}\n',
            {"format": "classification"},
            'If all rows are like this, leave `format` out or give `"format": "chat"`.',
        ),
        (
            "a.jsonl",
            '{"messages": [{"role": "user", "content": "a"}, {"role": "user", "content": "b"}, '
            '{"role": "assistant", "content": "c"}]}\n',
            {},
            "Write the two messages of the user as one, or write the answer between them.",
        ),
        (
            "a.jsonl",
            '{"messages": [{"role": "assistant", "content": "c"}]}\n',
            {},
            "Otherwise add the user's message there, or remove this message.",
        ),
    ],
)
def test_a_refused_file_is_told_the_next_step(
    tmp_path: Path, name: str, content: str, options: dict[str, Any], step: str
) -> None:
    assert step in refused(tmp_path, content, name, **options)


def test_two_columns_of_other_names_are_a_text_and_a_label_where_values_come_again(tmp_path: Path) -> None:
    """Else whoever follows the words learns the texts alone, without a word of the labels."""
    table = "내용,분류\n" + "".join(
        f"문장 {number} 입니다,{('정상', '스팸')[number % 2]}\n" for number in range(6)
    )
    assert suggested(refused(tmp_path, table, "a.csv"))[0]["columns"] == {"text": "내용", "label": "분류"}
    table = "내용,번호\n" + "".join(f"문장 {number} 입니다,{number}\n" for number in range(6))
    assert suggested(refused(tmp_path, table, "a.csv"))[0]["columns"] == {"text": "내용"}

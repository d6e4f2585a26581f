"""Rows as other projects write them, and the rows of ours that they become."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from shared.datasets.prepare import prepare_dataset
from shared.errors import InvalidDataset
from shared.messages.render import shown

Rows = list[dict[str, Any]]


def read(folder: Path, *rows: dict[str, Any], **options: Any) -> tuple[str, Rows, list[str]]:
    source, result = folder / "rows.jsonl", folder / "result.jsonl"
    source.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    summary = prepare_dataset(source, result, **options)
    kept = [json.loads(line) for line in result.read_text(encoding="utf-8").splitlines()]
    return summary.format, kept, [warning.code for warning in summary.warnings]


def chat(*turns: str, system: str | None = None) -> dict[str, Any]:
    messages = [{"role": "system", "content": system}] if system else []
    messages += [
        {"role": ("user", "assistant")[number % 2], "content": turn} for number, turn in enumerate(turns)
    ]
    return {"messages": messages}


@pytest.mark.parametrize(
    ("row", "wanted"),
    [
        ({"instruction": "옮겨라", "input": "고양이", "output": "cat"}, chat("옮겨라\n\n고양이", "cat")),
        ({"instruction": "인사해", "input": "", "output": "안녕"}, chat("인사해", "안녕")),
        ({"instruction": "인사해", "output": "안녕"}, chat("인사해", "안녕")),
        ({"instruction": "a", "context": "b", "response": "c"}, chat("a\n\nb", "c")),
        ({"instruction": "a", "output": "b", "system": "s"}, chat("a", "b", system="s")),
        ({"instruction": "c", "output": "d", "history": [["a", "b"]]}, chat("a", "b", "c", "d")),
        ({"instruction": "a", "input": "b", "output": "c", "text": "a b c"}, chat("a\n\nb", "c")),
        ({"question": "a", "answer": "b"}, chat("a", "b")),
        ({"question": "a", "context": "c", "answer": "b"}, chat("a\n\nc", "b")),
        ({"query": "a", "response": "b"}, chat("a", "b")),
        ({"Q": "a", "A": "b"}, chat("a", "b")),
        (
            {"conversations": [{"from": "human", "value": "a"}, {"from": "gpt", "value": "b"}]},
            chat("a", "b"),
        ),
        (
            {
                "system": "s",
                "conversations": [{"from": "human", "value": "a"}, {"from": "gpt", "value": "b"}],
            },
            chat("a", "b", system="s"),
        ),
        (
            {"conversations": [{"role": "User", "content": "a"}, {"role": "Assistant", "content": "b"}]},
            chat("a", "b"),
        ),
        (
            {"messages": [{"role": "developer", "content": "s"}, *chat("a", "b")["messages"]]},
            chat("a", "b", system="s"),
        ),
        ({"messages": json.dumps(chat("a", "b")["messages"])}, chat("a", "b")),
        (
            {
                "messages": [
                    {
                        "role": "user",
                        "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}],
                    },
                    {"role": "assistant", "content": "c", "refusal": None, "tool_calls": []},
                ]
            },
            chat("ab", "c"),
        ),
        (
            {"prompt": chat("a")["messages"], "completion": [{"role": "assistant", "content": "b"}]},
            chat("a", "b"),
        ),
    ],
    ids=lambda value: ",".join(value) if isinstance(value, dict) else "",
)
def test_rows_of_other_projects_become_chats_with_all_their_words(
    tmp_path: Path, row: dict[str, Any], wanted: dict[str, Any]
) -> None:
    kind, rows, _ = read(tmp_path, row)
    assert (kind, rows) == ("chat", [wanted])


def test_what_is_read_as_what_is_told(tmp_path: Path) -> None:
    source, result = tmp_path / "rows.jsonl", tmp_path / "result.jsonl"
    source.write_text(json.dumps({"instruction": "a", "input": "b", "output": "c"}), encoding="utf-8")
    [warning] = prepare_dataset(source, result).warnings
    assert (warning.code, warning.level) == ("fields_read_as", "info")
    assert shown(warning.message) == (
        "`instruction` is read as the user's message and `output` as the assistant's. "
        "The content of `input` is put below `instruction`."
    )


def test_rows_with_and_without_something_beside_the_question_are_one_shape(tmp_path: Path) -> None:
    rows = ({"instruction": "a", "output": "b"}, {"instruction": "a", "input": "i", "output": "b"})
    assert read(tmp_path, *rows)[1] == [chat("a", "b"), chat("a\n\ni", "b")]


def test_the_plain_form_of_a_pair_is_asked_for_by_the_format(tmp_path: Path) -> None:
    row = {"instruction": "a", "input": "b", "output": "c"}
    kind, rows, _ = read(tmp_path, row, format="prompt_completion")
    assert (kind, rows) == ("prompt_completion", [{"prompt": "a\n\nb", "completion": "c"}])


def test_plain_prompts_become_a_chat_where_that_is_asked_for(tmp_path: Path) -> None:
    assert read(tmp_path, {"prompt": "a", "completion": "b"}, format="chat")[1] == [chat("a", "b")]


def test_an_assistants_words_in_a_prompt_are_not_learned(tmp_path: Path) -> None:
    row = {"prompt": chat("a", "b", "c")["messages"], "completion": [{"role": "assistant", "content": "d"}]}
    _, [kept], _ = read(tmp_path, row)
    assert [message.get("weight") for message in kept["messages"]] == [None, 0, None, None]


def test_a_weight_of_zero_is_kept_and_told(tmp_path: Path) -> None:
    row = chat("a", "b", "c", "d")
    row["messages"][1]["weight"], row["messages"][3]["weight"] = 0, 1
    _, [kept], codes = read(tmp_path, row)
    assert [message.get("weight") for message in kept["messages"]] == [None, 0, None, None]
    assert codes == ["weight_zero"]


@pytest.mark.parametrize("field", ["messages", "conversations"])
@pytest.mark.parametrize("write", [lambda tools: tools, json.dumps], ids=["list", "string"])
def test_tools_beside_a_conversation_are_kept_for_the_template(
    tmp_path: Path, field: str, write: Callable[[object], object]
) -> None:
    tools = [{"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}]
    messages = chat("a", "b")["messages"]
    _, rows, codes = read(tmp_path, {field: messages, "tools": write(tools)}, {field: messages, "tools": []})
    assert rows == [{"messages": messages, "tools": tools}, {"messages": messages}]
    assert "fields_unused" not in codes


def test_tools_that_are_no_list_are_told_as_unused(tmp_path: Path) -> None:
    assert read(tmp_path, {**chat("a", "b"), "tools": "the weather"})[2] == ["fields_unused"]


def test_two_answers_in_a_row_are_left_to_the_models_template(tmp_path: Path) -> None:
    row = chat("a", "b")
    row["messages"].append({"role": "assistant", "content": "c"})
    assert read(tmp_path, row)[1] == [row]


def test_a_mapped_conversation_is_read_in_either_notation(tmp_path: Path) -> None:
    row = {"chosen": [{"from": "human", "value": "a"}, {"from": "gpt", "value": "b"}]}
    assert read(tmp_path, row, columns={"messages": "chosen"})[1] == [chat("a", "b")]


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (
            {"prompt": "a", "chosen": "b", "rejected": "c"},
            'give `"format": "chat", "columns": {"prompt": "prompt", "completion": "chosen"}` if you',
        ),
        (
            {"chosen": chat("a", "b")["messages"], "rejected": chat("a", "c")["messages"]},
            'To learn the chosen answers, give `"columns": {"messages": "chosen"}`',
        ),
        ({"id": "1", "document": "재밌다", "label": 1}, 'give `"columns": {"text": "document"}`'),
        ({"question": "a", "context": "b", "answers": {"text": ["c"]}}, "as in SQuAD and KorQuAD"),
        (
            {"instruction": "a", "input": "b", "output": ""},
            "Line 1: `output` is empty or only white space. Give it a value, or remove the row.",
        ),
        ({"instruction": "a", "output": "b", "history": "c"}, "`history` must be a list of pairs"),
        ({"conversations": [{"from": "human", "value": "a"}]}, "No message has the role `assistant`"),
    ],
)
def test_what_can_be_no_row_says_what_to_do(tmp_path: Path, row: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidDataset) as caught:
        read(tmp_path, row)
    assert words in caught.value.message


@pytest.mark.parametrize(
    ("row", "columns"),
    [
        ({"prompt": "a", "chosen": "b", "rejected": "c"}, {"prompt": "prompt", "completion": "chosen"}),
        ({"id": "1", "document": "재밌다", "label": "good"}, {"text": "document"}),
    ],
)
def test_what_a_message_says_to_set_works_and_tells_what_it_leaves_out(
    tmp_path: Path, row: dict[str, Any], columns: dict[str, str]
) -> None:
    _, rows, codes = read(tmp_path, row, columns=columns)
    assert len(rows) == 1
    assert ("fields_unused" in codes) == ("rejected" in row)

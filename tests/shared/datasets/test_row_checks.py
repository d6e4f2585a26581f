"""One row of each format: what is kept, what is refused and in which words."""

import json

import pytest

from shared.datasets.choice import Choice, choose
from shared.datasets.formats import format_of
from shared.datasets.limits import DatasetLimits
from shared.datasets.rows import normalise_row
from shared.datasets.source import Source, Unreadable
from shared.datasets.texts import BadRow

LIMITS = DatasetLimits()
QUESTION_FIRST = (
    "has the role `assistant`, but no message of the role `user` stands before it. If the messages are in "
    "the wrong order, exchange them. Otherwise add the user's message there, or remove this message."
)
BY_TURNS = (
    "has the role `user`, but no answer of the role `assistant` stands between it and the question "
    "before. Write the two messages of the user as one, or write the answer between them."
)
HALF = (
    "has only half of a character (`{}`, half of a surrogate pair). Write the whole character, or remove "
    "the row."
)
WITHOUT_TOOLS = (
    ", which can't be learned here. Remove such rows. Or write each call into `content` as text, give what "
    "the tool answered in a message of the role `user`, and remove these fields and roles."
)
SYSTEM, USER, ASSISTANT = ({"role": role, "content": "안녕"} for role in ("system", "user", "assistant"))


def chat(*messages: object) -> dict[str, object]:
    return {"messages": list(messages)}


def refusal(fields: dict[str, object], format: str, **columns: str) -> str:
    with pytest.raises(BadRow) as caught:
        normalise_row(fields, format, columns, LIMITS)  # type: ignore[arg-type]
    return str(caught.value)


def test_only_the_formats_fields_are_kept_and_text_as_it_is() -> None:
    row = normalise_row({"id": 7, "label": " spam\n", "text": "  a b "}, "classification", {}, LIMITS)
    assert list(row.items()) == [("text", "  a b "), ("label", "spam")]


@pytest.mark.parametrize(
    ("label", "kept"), [(1, "1"), (0, "0"), (1.0, "1"), (-2.0, "-2"), (True, "true"), ("스팸", "스팸")]
)
def test_labels_become_strings(label: object, kept: str) -> None:
    assert normalise_row({"text": "a", "label": label}, "classification", {}, LIMITS)["label"] == kept


def test_columns_map_our_fields_to_the_sources_names() -> None:
    fields: dict[str, object] = {"message": "hi", "category": "ham"}
    columns = {"text": "message", "label": "category"}
    assert normalise_row(fields, "classification", columns, LIMITS) == {"text": "hi", "label": "ham"}


def test_a_missing_field_is_told_with_the_fields_seen_and_the_knob() -> None:
    message = refusal({"message": "secret words", "category": "ham"}, "classification")
    assert message.startswith(
        "It has no field `text`. These fields were seen: `category` and `message`. If all rows call it "
        "by another name, give that name with `columns`."
    )
    assert "secret" not in message


@pytest.mark.parametrize(
    ("fields", "format", "message"),
    [
        ({"text": ""}, "text", "`text` is empty or only white space. Give it a value, or remove the row."),
        (
            {"text": " \n\t"},
            "text",
            "`text` is empty or only white space. Give it a value, or remove the row.",
        ),
        ({"text": "\u200b\ufeff \u3164"}, "text", "`text` is empty: all its characters are invisible."),
        (
            chat(USER, {**ASSISTANT, "reasoning_content": "hm"}),
            "chat",
            "Message 2 has `reasoning_content`. Write the thought into `content`, before the answer and "
            "between <think> and </think> or the tags of the model.",
        ),
        ({"text": None}, "text", "`text` is null. Give it a value, or remove the row."),
        ({"text": 5}, "text", "`text` must be a string, not a number."),
        ({"text": ["a"]}, "text", "`text` must be a string, not a list."),
        ({"text": "a\x00b"}, "text", "`text` has a NUL character."),
        ({"text": "a\ud800b"}, "text", "`text` " + HALF.format("\\ud800")),
        ({"text": "\ud83d"}, "text", "`text` " + HALF.format("\\ud83d")),
        ({"text": "a", "label": "\udc00"}, "classification", "`label` " + HALF.format("\\udc00")),
        (
            chat({**USER, "content": "\ud83d"}, ASSISTANT),
            "chat",
            "`content` of message 1 " + HALF.format("\\ud83d"),
        ),
        (
            {"text": "a", "label": " "},
            "classification",
            "`label` is empty or only white space. Give it a value, or remove the row.",
        ),
        (
            {"text": "a", "label": 1.5},
            "classification",
            "`label` is a number with a fraction, but a label is the name of a class that many rows share. "
            "Write a class in its place, such as low or high.",
        ),
        (
            {"text": "a", "label": "x" * 201},
            "classification",
            "`label` is longer than 200 characters. Check that it is the label.",
        ),
        (
            {"prompt": "a", "completion": ""},
            "prompt_completion",
            "`completion` is empty or only white space. Give it a value, or remove the row.",
        ),
        (
            {"messages": []},
            "classification",
            "It has the fields of `chat`, but the data set is in the format `classification`. If all rows "
            'are like this, leave `format` out or give `"format": "chat"`. Otherwise put these rows into a '
            "file of their own.",
        ),
        ({"messages": "hi"}, "chat", "`messages` must be a list of messages, not a string."),
        (chat(), "chat", "`messages` is empty."),
        (chat("hi"), "chat", "Message 1 must be an object, not a string."),
        (chat(USER), "chat", "No message has the role `assistant`, so there is nothing to learn."),
        (chat(ASSISTANT), "chat", "Message 1 " + QUESTION_FIRST),
        (
            chat(USER, USER, ASSISTANT),
            "chat",
            "Message 2 " + BY_TURNS,
        ),
        (
            chat(USER, SYSTEM, ASSISTANT),
            "chat",
            "Message 2 has the role `system`. Only the first message may have it.",
        ),
        (
            chat(SYSTEM, ASSISTANT),
            "chat",
            "Message 2 " + QUESTION_FIRST,
        ),
        (
            chat(USER, ASSISTANT, USER),
            "chat",
            "The last message, message 3, must have the role `assistant`. Remove the messages after the last "
            "answer, or "
            "add an answer.",
        ),
        (chat(USER, {"role": "assistant"}), "chat", "Message 2 has no `content`."),
        (
            chat(USER, {"role": "bot", "content": "a"}),
            "chat",
            "Message 2 has the role `bot`. A role is `system`, `user` or `assistant`.",
        ),
        (
            chat(USER, {"role": ["assistant"], "content": "a"}),
            "chat",
            "Message 2 has no `role`. A role is `system`, `user` or `assistant`.",
        ),
        (
            chat(USER, {**ASSISTANT, "audio": {"id": "a"}}),
            "chat",
            "Message 2 has `audio`, which is not supported. A message has `role` and `content`.",
        ),
        (
            chat(USER, {**ASSISTANT, "tool_calls": [{"id": "c1"}]}),
            "chat",
            "Message 2 belongs to calls of tools (`tool_calls`)" + WITHOUT_TOOLS,
        ),
        (
            chat(
                USER,
                {"role": "assistant", "content": None, "tool_calls": [{"id": "c1"}]},
                {"role": "tool", "tool_call_id": "c1", "content": "5"},
                ASSISTANT,
            ),
            "chat",
            "Message 2 and 1 more belong to calls of tools (`role: tool`, `tool_call_id`, and `tool_calls`)"
            + WITHOUT_TOOLS,
        ),
        (
            chat({"from": "human", "value": "a"}, {"from": "function_call", "value": "f()"}),
            "chat",
            "Message 2 belongs to calls of tools (`role: function_call`)" + WITHOUT_TOOLS,
        ),
        (
            {**chat(USER, {**ASSISTANT, "tool_calls": [{"id": "c1"}]}), "tools": [{"type": "function"}]},
            "chat",
            "Message 2 belongs to calls of tools (`tool_calls`)"
            + WITHOUT_TOOLS
            + " The field `tools` of the row can stay: it is shown to the model where the model's chat"
            " template writes tools.",
        ),
        (chat(USER, {**ASSISTANT, "weight": 0.5}), "chat", "The `weight` of message 2 must be 0 or 1."),
        (
            chat(USER, {**ASSISTANT, "weight": 0}),
            "chat",
            "Every message of the assistant has `weight` 0, so there is nothing to learn.",
        ),
        (
            chat(USER, {**ASSISTANT, "content": [{"type": "image_url", "image_url": {}}]}),
            "chat",
            "Message 2 has a part of the type `image_url`. Only text can be learned here.",
        ),
        (
            {"messages": "[{'role': 'user', 'content': 'a'}]"},
            "chat",
            "`messages` is a string with a list in Python's notation. It must become a JSON list.",
        ),
    ],
)
def test_each_bad_row_is_told_by_its_fault(fields: dict[str, object], format: str, message: str) -> None:
    assert refusal(fields, format) == message


@pytest.mark.parametrize("messages", [(USER, ASSISTANT), (SYSTEM, USER, ASSISTANT, USER, ASSISTANT)])
def test_sound_chats_are_kept(messages: tuple[object, ...]) -> None:
    assert normalise_row(chat(*messages), "chat", {}, LIMITS) == chat(*messages)


@pytest.mark.parametrize(
    ("seen", "format"),
    [
        (["messages"], "chat"),
        (["prompt", "completion", "id"], "prompt_completion"),
        (["text", "label"], "classification"),
        (["text", "url"], "text"),
        (["prompt"], None),
        ([], None),
    ],
)
def test_the_format_is_detected_by_the_fields(seen: list[str], format: str | None) -> None:
    assert format_of(seen, {}) == format


def test_a_mapped_label_means_classification() -> None:
    assert format_of(["text", "category"], {"label": "category"}) == "classification"
    assert format_of(["text"], {"label": "category"}) is None


def of_rows(*rows: dict[str, object]) -> Choice | None:
    return choose(Source("line", None, iter(())), rows, "auto", {})


def test_one_bad_row_does_not_rename_the_data_set() -> None:
    labelled: dict[str, object] = {"text": "a", "label": "b"}
    assert of_rows({"text": "a"}, labelled, labelled) == Choice("classification")


def test_unknown_fields_are_told_with_the_columns_to_set() -> None:
    with pytest.raises(Unreadable) as caught:
        of_rows({"message": "see you later", "category": "ham"})
    assert "These fields were seen: `category` and `message`." in str(caught.value)
    assert '{"text": "message", "label": "category"}' in str(caught.value)


WEATHER = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object", "x": None}}}


@pytest.mark.parametrize("tools", [[WEATHER], json.dumps([WEATHER])])
def test_the_tools_of_a_chat_row_are_kept_for_the_template(tools: object) -> None:
    row = normalise_row({**chat(USER, ASSISTANT), "tools": tools}, "chat", {}, LIMITS)
    function = {"name": "weather", "parameters": {"type": "object"}}
    assert row["tools"] == [{"type": "function", "function": function}]


@pytest.mark.parametrize("tools", [None, [], "[]", "weather", [1]])
def test_what_holds_no_tools_is_not_kept_as_such(tools: object) -> None:
    assert "tools" not in normalise_row({**chat(USER, ASSISTANT), "tools": tools}, "chat", {}, LIMITS)

"""One row of each format: what is kept, what is refused and in which words."""

import pytest

from shared.datasets.formats import choose_format, format_of
from shared.datasets.limits import DatasetLimits
from shared.datasets.rows import BadRow, normalise_row
from shared.datasets.source import Unreadable

LIMITS = DatasetLimits()
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
        "has no field `text`; the fields seen are `category`, `message`; `columns` maps"
    )
    assert "secret" not in message


@pytest.mark.parametrize(
    ("fields", "format", "message"),
    [
        ({"text": ""}, "text", "`text` is empty"),
        ({"text": " \n\t"}, "text", "`text` is empty"),
        ({"text": None}, "text", "`text` is null"),
        ({"text": 5}, "text", "`text` must be a string, not a number"),
        ({"text": ["a"]}, "text", "`text` must be a string, not a list"),
        ({"text": "a\x00b"}, "text", "`text` has a NUL character"),
        ({"text": "a\ud800b"}, "text", "`text` has half of a surrogate pair, which is not a character"),
        ({"text": "a", "label": " "}, "classification", "`label` is empty"),
        ({"text": "a", "label": 1.5}, "classification", "`label` must be a string, not a number"),
        (
            {"text": "a", "label": "x" * 201},
            "classification",
            "`label` is longer than 200 characters; is it the label?",
        ),
        ({"prompt": "a", "completion": ""}, "prompt_completion", "`completion` is empty"),
        (
            {"messages": []},
            "classification",
            "has the fields of `chat`, but the data set is in the format `classification`",
        ),
        ({"messages": "hi"}, "chat", "`messages` must be a list, not a string"),
        (chat(), "chat", "`messages` is empty"),
        (chat("hi"), "chat", "message 1 must be an object, not a string"),
        (chat(USER), "chat", "no message is the assistant's: there is nothing to learn"),
        (chat(ASSISTANT), "chat", "message 1 is of role `assistant` where `user` is due"),
        (chat(USER, USER, ASSISTANT), "chat", "message 2 is of role `user` where `assistant` is due"),
        (chat(USER, SYSTEM, ASSISTANT), "chat", "message 2 is of role `system` where `assistant` is due"),
        (chat(SYSTEM, ASSISTANT), "chat", "message 2 is of role `assistant` where `user` is due"),
        (chat(USER, ASSISTANT, USER), "chat", "the last message must be the assistant's"),
        (chat(USER, {"role": "assistant"}), "chat", "`content` of message 2 must be a string, not null"),
        (
            chat(USER, {"role": "bot", "content": "a"}),
            "chat",
            "message 2 has an unknown `role`; wanted is one of `system`, `user`, `assistant`",
        ),
        (
            chat(USER, {"role": ["assistant"], "content": "a"}),
            "chat",
            "message 2 has an unknown `role`; wanted is one of `system`, `user`, `assistant`",
        ),
        (
            chat(USER, {**ASSISTANT, "tool_calls": []}),
            "chat",
            "message 2 has `tool_calls`, which is not supported; wanted are `role` and `content`",
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


def test_one_bad_row_does_not_rename_the_data_set() -> None:
    assert choose_format([["text"], ["text", "label"], ["text", "label"]], {}) == "classification"


def test_unknown_fields_are_told_with_an_example_of_columns() -> None:
    with pytest.raises(Unreadable) as caught:
        choose_format([["message", "category"]], {})
    assert "the fields seen are `category`, `message`" in str(caught.value)
    assert '{"text": "message", "label": "category"}' in str(caught.value)

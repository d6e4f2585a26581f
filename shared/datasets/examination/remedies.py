"""What to change where a row can't be used, for faults whose sentence does not say it."""

from shared.messages.message import Message, say

# By the id of the fault's message.
_BY_FAULT: dict[str, Message] = {
    "line-too-long": say("shorten-the-line"),
    "no-json": say("correct-json-there"),
    "row-too-long": say("split-long-one"),
    "no-json-object": say("write-one-object-a-line", example='{"text": "…", "label": "…"}'),
    "nested-too-deep": say("flatten-it"),
    "number-too-long": say("write-number-as-text"),
    "key-twice": say("keep-one-key"),
    "number-not-in-json": say("write-null-or-remove"),
    "text-has-nul": say("remove-character", character="\\u0000"),
    "must-be-list": say("write-list-of-messages"),
    "list-is-empty": say("write-messages-or-remove"),
    "list-is-python": say("convert-python-list"),
    "no-assistant": say("add-answer-or-remove"),
    "system-not-first": say("move-system-message"),
    "all-weights-zero": say("set-one-weight"),
    "message-has-more": say("remove-other-fields"),
    "role-unknown": say("rename-role"),
    "role-missing": say("add-role"),
    "part-of-kind": say("remove-part-or-all"),
    "part-of-type": say("write-part-as-text"),
    "part-without-text": say("write-part-as-text"),
    "json-twice": say("write-json-once"),
    "rest-not-read": say("put-rows-into-list"),
    "weight-unknown": say("write-zero-or-one"),
    "history-not-pairs": say("write-pairs-or-messages"),
    "text-is-invisible": say("give-text-or-remove-it"),
    "row-lacks-field": say("add-field-or-remove-it"),
    "row-has-no-field": say("add-field-or-remove-it"),
    "content-is-missing": say("write-content-or-remove"),
    "label-is-no-number": say("give-label-or-remove-it"),
    "too-few-cells": say("add-cells-or-remove-line"),
    "no-csv": say("quote-cells"),
    "label-too-long": say("choose-label-column"),
    "file-damaged": say("copy-whole-file-again"),
    "columns-of-one-name": say("rename-column"),
    "no-rows": say("put-rows-in"),
    "dataset-too-large": say("split-the-file"),
    "too-many-rows": say("split-the-file"),
    "rows-too-large": say("split-the-file"),
}


def remedy_of(fault: Message, *, has_utf8_letters: bool = False, is_binary: bool = False) -> Message | None:
    """What to do about a fault of a row or of a file; None where its own sentences say so.

    `has_utf8_letters`: lines without the fault have letters that are UTF-8. `is_binary`: no text file.
    """
    if fault.message_id == "reading-ends" and isinstance(inner := fault.values.get("fault"), Message):
        return remedy_of(inner)
    if fault.message_id == "line-not-utf-8":
        encoding = str(fault.values["encoding"])
        return say("write-bytes-again", encoding=encoding) if has_utf8_letters else _converted(encoding)
    if fault.message_id == "must-be-string" and is_binary and fault.values["type"] not in ("list", "object"):
        return say("make-column-of-texts", type=fault.values["type"])
    return _by_values(fault) or _BY_FAULT.get(fault.message_id)


def _by_values(fault: Message) -> Message | None:
    """Of faults that need one thing or another."""
    match fault.message_id:
        case "must-be-string":
            holds_more = fault.values["type"] in ("list", "object")
            return say("write-one-text" if holds_more else "write-as-string")
        case "message-must-be-object":
            return say(
                "remove-outer-brackets" if fault.values["type"] == "list" else "write-message-as-object"
            )
        case "no-json-line" if fault.values["place"] == 1:
            return _BY_FAULT["no-json-object"]
    return None


def _converted(encoding: str) -> Message:
    """How to make UTF-8 of a file that seems to be in another encoding, which may be "none" that is known."""
    command = f"iconv -f {'CP949' if encoding == 'none' else encoding} -t UTF-8 FILE > NEW"
    return say("save-as-utf-8" if encoding == "none" else "convert-file", command=command)

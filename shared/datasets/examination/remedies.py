"""What to change where a row can't be used, for faults whose sentence does not say it."""

from shared.messages.message import Message, say

# By the id of the fault's message.
_BY_FAULT: dict[str, Message] = {
    "line-too-long": say("shorten-the-line"),
    "line-not-utf-8": say("save-as-utf-8", command="iconv -f CP949 -t UTF-8 FILE > NEW"),
    "no-json-object": say("write-one-object-a-line", example='{"text": "…", "label": "…"}'),
    "nested-too-deep": say("flatten-it"),
    "number-too-long": say("write-number-as-text"),
    "key-twice": say("keep-one-key"),
    "number-not-in-json": say("write-null-or-remove"),
    "text-has-nul": say("remove-character", character="\\u0000"),
    "must-be-string": say("write-as-string"),
    "must-be-list": say("write-list-of-messages"),
    "list-is-empty": say("write-messages-or-remove"),
    "list-is-python": say("convert-python-list"),
    "no-assistant": say("add-answer-or-remove"),
    "system-not-first": say("move-system-message"),
    "all-weights-zero": say("set-one-weight"),
    "message-must-be-object": say("write-message-as-object"),
    "message-has-more": say("remove-other-fields"),
    "role-unknown": say("rename-role"),
    "role-missing": say("add-role"),
    "part-of-kind": say("remove-part-or-all"),
    "part-of-type": say("write-part-as-text"),
    "weight-unknown": say("write-zero-or-one"),
    "history-not-pairs": say("write-pairs-or-messages"),
    "text-is-invisible": say("give-text-or-remove-it"),
    "row-lacks-field": say("add-field-or-remove-it"),
    "too-few-cells": say("add-cells-or-remove-line"),
    "no-csv": say("quote-cells"),
    "label-too-long": say("choose-label-column"),
    "row-too-long-or-cut-off": say("copy-file-again"),
    "columns-of-one-name": say("rename-column"),
    "no-rows": say("put-rows-in"),
    "dataset-too-large": say("split-the-file"),
    "too-many-rows": say("split-the-file"),
    "rows-too-large": say("split-the-file"),
}


def remedy_of(fault: Message) -> Message | None:
    """What to do about a fault of a row or of a file; None where its own sentences say so."""
    if fault.message_id == "reading-ends" and isinstance(inner := fault.values.get("fault"), Message):
        return remedy_of(inner)
    return _BY_FAULT.get(fault.message_id)

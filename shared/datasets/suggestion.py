"""What somebody may do whose rows are in none of our formats, told from the rows themselves."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from shared.datasets.labels import printable
from shared.datasets.texts import carries_words
from shared.field_values import NAME, marked
from shared.messages.said import Said, say

_LABEL_NAMES = (
    "label",
    "labels",
    "category",
    "class",
    "target",
    "sentiment",
    "intent",
    "type",
    "topic",
    "tag",
)


_MUCH_LONGER = 1.5  # a text is told from other words by its length
_LONGEST_NAME = 40
_ROWS_FOR_LABEL = 4  # fewer say nothing of how often a value comes again


def suggestion(
    seen: Collection[str], rows: Sequence[Mapping[str, object]], columns: Mapping[str, str]
) -> Said | None:
    """What to do about fields with these names, or None where nothing can be guessed.

    `columns` is the mapping that did not fit: it is never suggested again, and what of it fits is kept.
    """
    names = {name.lower(): name for name in seen}
    if not columns and {"chosen", "rejected"} <= set(names):
        return _preferences(rows, names)
    if not columns and {"answers", "question"} <= set(names):
        return say("answers-with-places")
    return _mapping(rows, names, columns) if columns.keys() <= {"text", "label"} else None


def rows_inside(only_row: Mapping[str, object]) -> Said | None:
    """What to do where a file has one row that seems to hold the rows: in a list, or field by field."""
    for name, value in only_row.items():
        for path, inner in ((name, value), *_fields_of(name, value)):
            if isinstance(inner, list) and inner and all(map(_may_be_row, inner)):
                return say("rows-in-list", name=f"`{printable(path)}`", rows=len(inner))
    if len(only_row) > 1 and all(isinstance(value, dict) for value in only_row.values()):
        return say("rows-by-names", rows=len(only_row))
    return None


def _may_be_row(value: object) -> bool:
    """Whether it is an object, and none with the fields of a message."""
    return isinstance(value, dict) and not {"role", "from"} & value.keys()


def _fields_of(name: str, value: object) -> list[tuple[str, object]]:
    return [(f"{name}.{key}", inner) for key, inner in value.items()] if isinstance(value, dict) else []


def _preferences(rows: Sequence[Mapping[str, object]], names: Mapping[str, str]) -> Said:
    chosen = names["chosen"]
    prompt = next(
        (names[name] for name in ("prompt", "question", "instruction", "input") if name in names), None
    )
    if any(isinstance(row.get(chosen), list) for row in rows) or prompt is None:
        return say("preferences", setting=marked({"messages": chosen}))
    pair = {"prompt": prompt, "completion": chosen}
    return say("preferences-with-prompt", chat_setting=marked(pair, format="chat"), setting=marked(pair))


def _mapping(
    rows: Sequence[Mapping[str, object]], names: Mapping[str, str], columns: Mapping[str, str]
) -> Said | None:
    """A field that looks like a text as `text`, with a label if a field is called or looks like one."""
    there = {field: name for field, name in columns.items() if name in names.values()}
    label = there.get("label") or next((names[name] for name in _LABEL_NAMES if name in names), None)
    text = there.get("text") or _likely_text(rows, [name for name in names.values() if name != label])
    if text is None or text == label:
        return None
    label = label or _likely_label(rows, [name for name in names.values() if name != text])
    wanted = {"text": text}
    if label or "label" in columns:
        wanted["label"] = label or NAME
    mapped = {field: name for field, name in wanted.items() if field != name}
    if not mapped or mapped == {field: name for field, name in columns.items() if field != name}:
        return None
    pair = marked({"prompt": NAME, "completion": NAME})
    if "label" not in wanted:
        labelled = marked({**mapped, "label": NAME})
        return say("map-text", setting=marked(mapped), label_setting=labelled, pair_setting=pair)
    label = f"`{printable(label or 'label')}`"
    return say("map-labelled-text", label=label, setting=marked(mapped), pair_setting=pair)


def _likely_label(rows: Sequence[Mapping[str, object]], names: Sequence[str]) -> str | None:
    """The only field beside the text, if each of its values comes twice on average, and is short."""
    if len(names) != 1 or len(rows) < _ROWS_FOR_LABEL or not names[0].isprintable():
        return None
    values = [row.get(names[0]) for row in rows]
    if any(not isinstance(value, str | int) or len(str(value)) > _LONGEST_NAME for value in values):
        return None
    return names[0] if 1 < len(set(values)) <= len(values) / 2 else None


def _likely_text(rows: Sequence[Mapping[str, object]], names: Sequence[str]) -> str | None:
    """The only field with words in it, or the one whose words are much longer than all others'."""
    words = {name: [value for row in rows if carries_words(value := row.get(name))] for name in names}
    lengths = {
        name: sum(len(value) for value in values if isinstance(value, str)) for name, values in words.items()
    }
    ranked = sorted((name for name in names if lengths[name]), key=lambda name: -lengths[name])
    if not ranked or len(ranked[0]) > _LONGEST_NAME or not ranked[0].isprintable():
        return None
    if len(ranked) > 1 and lengths[ranked[0]] < _MUCH_LONGER * lengths[ranked[1]]:
        return None
    return ranked[0]

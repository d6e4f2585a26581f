"""What somebody may do whose rows are in none of our formats, told from the rows themselves."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence

from shared.datasets.labels import printable

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


def suggestion(seen: Collection[str], rows: Sequence[Mapping[str, object]]) -> str | None:
    """What to do about fields with these names, or None where nothing can be guessed."""
    names = {name.lower(): name for name in seen}
    if not names:
        return None
    if {"chosen", "rejected"} <= set(names):
        return _preferences(rows, names)
    if "answers" in names and "question" in names:
        return (
            "`answers` is a list of answers with their places, as in SQuAD and KorQuAD; write the text of "
            "the first into a field `answer`, and `question`, `context` and `answer` are read as they are"
        )
    return _mapping(rows, names)


def _preferences(rows: Sequence[Mapping[str, object]], names: Mapping[str, str]) -> str:
    chosen = names["chosen"]
    prompt = next(
        (names[name] for name in ("prompt", "question", "instruction", "input") if name in names), None
    )
    if any(isinstance(row.get(chosen), list) for row in rows) or prompt is None:
        columns = {"messages": chosen}
    else:
        columns = {"prompt": prompt, "completion": chosen}
    return (
        "these are pairs of a chosen and a rejected answer (for DPO), and here a model learns answers, not "
        f"preferences; to learn the chosen ones, {_setting(columns)}"
    )


def _setting(columns: Mapping[str, str]) -> str:
    """The setting, over HTTP and on the command line."""
    options = " ".join(f"--column {field}={name}" for field, name in columns.items())
    return f"set `columns` to {json.dumps(columns, ensure_ascii=False)} (on the command line: {options})"


def _mapping(rows: Sequence[Mapping[str, object]], names: Mapping[str, str]) -> str | None:
    """The longest text as `text`, with a label if a field is called like one."""
    lengths = {
        name: sum(len(value) for row in rows if isinstance(value := row.get(name), str))
        for name in names.values()
    }
    label = next((names[name] for name in _LABEL_NAMES if name in names), None)
    texts = {name: length for name, length in lengths.items() if length and name != label}
    if not texts:
        return None
    text = max(texts, key=lambda name: texts[name])
    if len(text) > 40 or not text.isprintable():
        return None
    wanted = {"text": text} | ({"label": label} if label else {})
    mapped = {field: name for field, name in wanted.items() if field != name}
    if not mapped:
        return None
    what = f"to learn which {printable(label)} a text has" if label else "to learn the texts as they are"
    return (
        f"{what}, {_setting(mapped)}; for questions and answers, set "
        '`columns` to {"prompt": "…", "completion": "…"} with the names of your fields'
    )

"""Checks one row of each format and reduces it to that format's fields."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from shared.datasets.conversations import conversation
from shared.datasets.formats import FORMAT_FIELDS, format_of
from shared.datasets.labels import clean_label
from shared.datasets.limits import DatasetLimits
from shared.datasets.shapes import conversation_shape, pair_shape
from shared.datasets.source import names_text
from shared.datasets.texts import BadRow, Row, checked_text, json_type
from shared.datasets.tools import offered_tools
from shared.field_values import marked

if TYPE_CHECKING:
    from shared.schemas import RowFormat


def normalise_row(
    fields: Mapping[str, object],
    format: RowFormat,
    columns: Mapping[str, str],
    limits: DatasetLimits,
    told: set[str] | None = None,
) -> Row:
    """The row with the format's own field names, in their order, and a chat's `tools`.

    `told` gets what its owner should hear.

    Raises BadRow.
    """
    row: Row = {}
    for field in FORMAT_FIELDS[format]:
        column = columns.get(field, field)
        if fields.get(column) is None:
            raise BadRow(_missing(column, fields, format, columns))
        if field == "messages":
            row[field] = conversation(fields[column], f"`{column}`", set() if told is None else told)
        elif field == "label":
            row[field] = _label(fields[column], column, limits)
        else:
            row[field] = checked_text(fields[column], f"`{column}`")
    if format == "chat" and (tools := offered_tools(fields.get("tools"))):
        row["tools"] = tools
    return row


def _missing(column: str, fields: Mapping[str, object], format: RowFormat, columns: Mapping[str, str]) -> str:
    if column in fields:
        return f"`{column}` is null; give it a value, or take the row out"
    other = format_of(fields, {})
    if other is not None and other != format and FORMAT_FIELDS[other] != ("text",):
        return (
            f"has the fields of `{other}`, but the data set is in the format `{format}`; if all rows are "
            f"such, leave `format` out or give {marked(format=other)}, else put them into a file of their own"
        )
    seen = names_text(sorted(fields))
    if not columns and (conversation_shape(fields) or pair_shape(fields)):
        return (
            f"has no field `{column}`, as the rows in the format `{format}` have; the fields seen are "
            f"{seen}; write such rows like the others, or put them into a file of their own"
        )
    return f"has no field `{column}`; the fields seen are {seen}; `columns` maps a field to another name"


def _label(value: object, column: str, limits: DatasetLimits) -> str:
    """Labels become strings in one spelling: 1 and 1.0 are "1", true is "true"; see `labels`."""
    if isinstance(value, float):
        if not value.is_integer():
            raise BadRow(
                f"`{column}` is a number with a fraction or none at all, and a label names a class; write "
                "classes such as low and high, and take out rows without a value"
            )
        value = int(value)  # as pandas writes whole numbers beside a missing one
    if isinstance(value, int):
        value = str(value).lower()
    if isinstance(value, list | dict):
        raise BadRow(
            f"`{column}` is {json_type(value)}, and a row has one label here; write it as a string, or "
            "write several as one text into `completion`, with the text in `prompt`"
        )
    label = clean_label(checked_text(value, f"`{column}`"))[0]
    if not label:
        raise BadRow(f"`{column}` is empty: all its characters are invisible")
    if len(label) > limits.label_characters:
        raise BadRow(f"`{column}` is longer than {limits.label_characters} characters; is it the label?")
    return label

"""Checks one row of each format and reduces it to that format's fields."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from shared.datasets.conversations import conversation
from shared.datasets.formats import FORMAT_FIELDS, format_of
from shared.datasets.labels import clean_label
from shared.datasets.limits import DatasetLimits
from shared.datasets.shapes import conversation_shape, pair_shape
from shared.datasets.source import listed
from shared.datasets.texts import BadRow, Row, checked_text, json_type
from shared.datasets.tools import offered_tools
from shared.field_values import marked
from shared.messages.said import Said, say

if TYPE_CHECKING:
    from shared.schemas.fields import RowFormat


def normalise_row(
    fields: Mapping[str, object],
    format: RowFormat,
    columns: Mapping[str, str],
    limits: DatasetLimits,
    told: set[str] | None = None,
    *,
    asked: bool = True,
) -> Row:
    """The row with the format's own field names, in their order, and a chat's `tools`.

    `told` gets what its owner should hear. `asked`: somebody asked for this format.

    Raises BadRow.
    """
    row: Row = {}
    faults: list[Said] = []
    for field in FORMAT_FIELDS[format]:
        column = columns.get(field, field)
        try:
            if fields.get(column) is None:
                raise BadRow(_missing(column, fields, format, columns, asked=asked))
            if field == "messages":
                remarks = set() if told is None else told
                row[field] = conversation(fields[column], f"`{column}`", remarks, tools=fields.get("tools"))
            elif field == "label":
                row[field] = _label(fields[column], column, limits)
            else:
                row[field] = checked_text(fields[column], f"`{column}`")
        except BadRow as error:
            faults += [fault for fault in error.faults if fault not in faults]
    if faults:
        raise BadRow(*faults)
    if format == "chat" and (tools := offered_tools(fields.get("tools"))):
        row["tools"] = tools
    return row


def _missing(
    column: str, fields: Mapping[str, object], format: RowFormat, columns: Mapping[str, str], *, asked: bool
) -> Said:
    if column in fields:
        return say("field-is-null", name=f"`{column}`")
    other = format_of(fields, {})
    if other is not None and other != format and FORMAT_FIELDS[other] != ("text",):
        if not asked:
            return say("row-unlike-most", other=other, format=format)
        return say("row-of-other-format", other=other, format=format, setting=marked(format=other))
    seen = listed(sorted(fields))
    if not columns and (conversation_shape(fields) or pair_shape(fields)):
        return say("row-lacks-field-of-format", name=f"`{column}`", format=format, seen=seen)
    return say("row-lacks-field", name=f"`{column}`", seen=seen)


def _label(value: object, column: str, limits: DatasetLimits) -> str:
    """Labels become strings in one spelling: 1 and 1.0 are "1", true is "true"; see `labels`."""
    if isinstance(value, float):
        if not value.is_integer():
            has_value = value == value  # NaN, which tables have where a value is missing, equals nothing
            raise BadRow(say("label-is-fraction" if has_value else "label-is-no-number", name=f"`{column}`"))
        value = int(value)  # as pandas writes whole numbers beside a missing one
    if isinstance(value, int):
        value = str(value).lower()
    if isinstance(value, list | dict):
        raise BadRow(say("label-is-several", name=f"`{column}`", type=json_type(value)))
    label = clean_label(checked_text(value, f"`{column}`"))[0]
    if not label:
        raise BadRow(say("text-is-invisible", name=f"`{column}`"))
    if len(label) > limits.label_characters:
        raise BadRow(say("label-too-long", name=f"`{column}`", most=limits.label_characters))
    return label

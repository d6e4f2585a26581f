"""The formats a row can have, and the fields by which each is known."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

from shared.field_values import NAME, marked
from shared.messages.said import Said, say

if TYPE_CHECKING:  # pydantic would cost the sandboxed reader more than reading a small file
    from shared.schemas.fields import RowFormat

FORMAT_FIELDS: dict[RowFormat, tuple[str, ...]] = {
    "chat": ("messages",),
    "prompt_completion": ("prompt", "completion"),
    "classification": ("text", "label"),
    "text": ("text",),
}


def format_of(seen: Collection[str], columns: Mapping[str, str]) -> RowFormat | None:
    """The first format, in the order above, all of whose fields are among the names seen."""
    for name in _candidates(columns):
        if all(columns.get(field, field) in seen for field in FORMAT_FIELDS[name]):
            return name
    return None


def wanted_fields(
    seen: Collection[str], columns: Mapping[str, str], sets_of_fields: Sequence[Sequence[str]] | None = None
) -> Said:
    """What fields there should be, and the knob that maps those `seen` to them; names only what is there."""
    choices = sets_of_fields or [FORMAT_FIELDS[name] for name in _candidates(columns)]
    wanted = [" + ".join(f"`{field}`" for field in fields) for fields in choices]
    example = next((fields for fields in choices if "label" in fields), choices[0])
    form = {field: name if (name := columns.get(field, "")) in seen else NAME for field in example}
    return say("fields-wanted", field_choices=wanted, setting=marked(form))


def _candidates(columns: Mapping[str, str]) -> list[RowFormat]:
    """The formats that have every field `columns` maps; all when it maps none."""
    return [name for name, fields in FORMAT_FIELDS.items() if set(columns) <= set(fields)]

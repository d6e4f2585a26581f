"""The formats a row can have, and the fields by which each is known."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # pydantic would cost the sandboxed reader more than reading a small file
    from shared.schemas import RowFormat

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


def wanted_text(columns: Mapping[str, str], format: RowFormat | None = None) -> str:
    """What fields there should be, and the knob that maps others to them."""
    wanted = " or ".join(
        " and ".join(f"`{columns.get(field, field)}`" for field in FORMAT_FIELDS[name])
        for name in ([format] if format else _candidates(columns))
    )
    return (
        f'wanted are {wanted}; `columns` maps them, for example {{"text": "message", "label": "category"}} '
        "(on the command line: --column text=message --column label=category)"
    )


def _candidates(columns: Mapping[str, str]) -> list[RowFormat]:
    """The formats that have every field `columns` maps; all when it maps none."""
    return [name for name, fields in FORMAT_FIELDS.items() if set(columns) <= set(fields)]

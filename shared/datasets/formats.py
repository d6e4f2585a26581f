"""The formats a row can have, and which of them a data set is in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

from shared.datasets.source import Unreadable, names_text

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


def choose_format(first_rows: Sequence[Collection[str]], columns: Mapping[str, str]) -> RowFormat:
    """What most of the first rows look like, so that one bad row does not rename the data set.

    Raises Unreadable when none of them is in any format.
    """
    found = Counter(name for seen in first_rows if (name := format_of(seen, columns)) is not None)
    if found:
        return max(found, key=lambda name: found[name])
    seen = sorted({name for names in first_rows for name in names})
    raise Unreadable(f"the fields seen are {names_text(seen)}; {wanted_text(columns)}")


def wanted_text(columns: Mapping[str, str], format: RowFormat | None = None) -> str:
    """What fields there should be, and the knob that maps others to them."""
    wanted = " or ".join(
        " and ".join(f"`{columns.get(field, field)}`" for field in FORMAT_FIELDS[name])
        for name in ([format] if format else _candidates(columns))
    )
    return f'wanted are {wanted}; `columns` maps them, for example {{"text": "message", "label": "category"}}'


def _candidates(columns: Mapping[str, str]) -> list[RowFormat]:
    """The formats that have every field `columns` maps; all when it maps none."""
    return [name for name, fields in FORMAT_FIELDS.items() if set(columns) <= set(fields)]

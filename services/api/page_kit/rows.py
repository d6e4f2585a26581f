"""Facts as rows of tables."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """`is_code`: a path, a name or a setting, shown as it would be typed."""

    label: str
    value: str
    is_code: bool = False


@dataclass(frozen=True)
class Group:
    title: str
    rows: tuple[Row, ...]

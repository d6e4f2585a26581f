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
    """`has_keys`: its labels are settings in their own words, which are long."""

    title: str
    rows: tuple[Row, ...]
    has_keys: bool = False

"""How large and how deep a data set may be."""

from dataclasses import dataclass

MIB, GIB = 1024**2, 1024**3


@dataclass(frozen=True)
class DatasetLimits:
    """Bounds of one data set and of the process that reads it (`memory_bytes` is its address space)."""

    source_bytes: int = 2 * GIB
    line_bytes: int = 1 * MIB
    depth: int = 32
    rows: int = 10_000_000
    labels: int = 1000
    label_characters: int = 200
    problems_shown: int = 20
    rows_compared: int = 1_000_000
    normalised_bytes: int = 4 * GIB
    wall_seconds: float = 900.0
    cpu_seconds: int = 900
    memory_bytes: int = 4 * GIB

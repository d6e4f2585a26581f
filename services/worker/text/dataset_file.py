"""A data set as the worker gets it: a file of normalised rows, and what reading it found."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shared.schemas.datasets import DatasetSummary

Row = dict[str, Any]


@dataclass(frozen=True)
class DatasetFile:
    """`path` is JSONL written by us, one row a line, in the shape that `summary.format` names."""

    path: Path
    summary: DatasetSummary


def read_rows(data: DatasetFile) -> Iterator[Row]:
    """The rows in file order."""
    with data.path.open(encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)

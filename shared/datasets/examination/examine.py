"""Examines a data set, and the one it is validated on, in a sandbox: their report without a model."""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from pydantic import TypeAdapter, ValidationError

from shared.datasets.examination.assemble import assembled
from shared.datasets.examination.claims import Examined
from shared.datasets.limits import DatasetLimits
from shared.datasets.prepare import check_columns, reader_death
from shared.datasets.source_files import source_bytes, source_fault
from shared.messages.message import Message, say
from shared.reports.data import DataReport
from shared.sandbox import SandboxLimits, run_in_sandbox
from shared.schemas.fields import RowFormat

CAUSES_SHOWN = 50
_ANSWER = TypeAdapter(list[Examined])


@dataclass(frozen=True)
class DataFile:
    """A file, or an Arrow folder, and the name that its owner gave it."""

    path: Path
    name: str

    @property
    def bytes(self) -> int:
        """Of all files of a folder; 0 where they may not be read."""
        return source_bytes(self.path)


def examine(
    training: DataFile,
    validation: DataFile | None = None,
    *,
    format: Literal["auto"] | RowFormat = "auto",
    columns: Mapping[str, str] | None = None,
    limits: DatasetLimits | None = None,
) -> DataReport:
    """Read every row of both and say what is in them; whatever is wrong with a file is a finding.

    Nothing is written. The files are read in a process of their own, in bounded memory, row by row.
    Raises InvalidField for `columns` that no format has, FileNotFoundError for files that are gone.
    """
    started = time.monotonic()
    columns, limits = columns or {}, limits or DatasetLimits(problems_shown=CAUSES_SHOWN)
    check_columns(format, columns)
    files = [training] if validation is None else [training, validation]
    faults = (source_fault(file.path, file.name, limits) for file in files)
    if fault := next(filter(None, faults), None):
        examined: list[Examined] = []
        dead: Message | None = fault
    else:
        examined, dead = _read(files, format, columns, limits)
    return assembled(
        [(file.name, file.bytes) for file in files],
        examined,
        dead,
        read_seconds=time.monotonic() - started,
    )


def _read(
    files: Sequence[DataFile], format: str, columns: Mapping[str, str], limits: DatasetLimits
) -> tuple[list[Examined], Message | None]:
    """What the sandboxed examiner says of each file, or why it said nothing."""
    order = {
        "parts": [{"source": str(file.path.absolute()), "file_name": file.name} for file in files],
        "format": format,
        "columns": dict(columns),
        "limits": asdict(limits),
    }
    bounds = SandboxLimits(
        wall_seconds=limits.wall_seconds,
        cpu_seconds=limits.cpu_seconds,
        memory_bytes=limits.memory_bytes,
    )
    result = run_in_sandbox(
        "shared.datasets.examination.sandboxed",
        [json.dumps(order)],
        bounds,
        readable=[file.path.absolute() for file in files],
        environment={"ARROW_DEFAULT_MEMORY_POOL": "system", "OMP_NUM_THREADS": "1"},
    )
    if result.reason != "ok":
        return [], reader_death(result, limits)
    try:
        return _ANSWER.validate_python(result.value), None
    except ValidationError:
        return [], say("reader-answer-unsound")

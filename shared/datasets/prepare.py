"""Turns any data set into checked, normalised JSON lines, whatever the source tries."""

import hashlib
import json
import os
import tempfile
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints, ValidationError

from shared.datasets.formats import FORMAT_FIELDS
from shared.datasets.limits import MIB, DatasetLimits
from shared.datasets.source_files import source_fault
from shared.errors import DiskFull, FieldError, InvalidDataset, InvalidField
from shared.messages.message import Message, say
from shared.sandbox import SandboxLimits, SandboxResult, run_in_sandbox
from shared.schemas.datasets import DatasetSummary, DatasetWarning, Words, printable
from shared.schemas.fields import RowFormat
from shared.schemas.frozen import Frozen


class OtherRows(Frozen):
    count: int
    numbers: list[int]


class RowFault(Frozen):
    """What is wrong with one row, and with how many others; `shared.datasets.normalise.Cause`.

    `seen`: the value at fault, which only a report shows.
    """

    unit: Literal["line", "row"]
    number: int
    said: Words
    likeness: str
    others: OtherRows
    seen: Annotated[str, StringConstraints(max_length=400), AfterValidator(printable)] | None = None

    @property
    def error(self) -> FieldError:
        """The row as its path, with what is wrong and where else."""
        return FieldError(f"{self.unit} {self.number}", self._said_of_all)

    @property
    def first(self) -> Message:
        return say("problem-of-row", unit=self.unit, number=self.number, problem=self._said_of_all)

    @property
    def _said_of_all(self) -> Message:
        if not self.others.count:
            return self.said
        return say(
            "problem-of-others",
            problem=self.said,
            others=self.others.count,
            unit=self.unit,
            numbers=[str(number) for number in self.others.numbers],
            more=self.others.count - len(self.others.numbers),
        )


class _Reading(Frozen):
    """What the sandboxed reader says it found; `shared.datasets.normalise.Reading` on this side."""

    format: RowFormat | None
    rows: int
    labels: list[str]
    causes: list[RowFault]
    problem_count: int
    unreadable: list[Words]
    disk_full: bool
    fields: list[str]
    findings: Annotated[list[DatasetWarning], Field(max_length=200)]


def prepare_dataset(
    source: Path,
    destination: Path,
    *,
    format: Literal["auto"] | RowFormat = "auto",
    columns: Mapping[str, str] | None = None,
    file_name: str | None = None,
    limits: DatasetLimits | None = None,
    measured: bool = False,
) -> DatasetSummary:
    """Check every row of `source` and write those rows, and nothing else, to `destination` at once.

    `source` is a JSONL, CSV, TSV, Parquet or Arrow file or an Arrow folder, read in a sandbox of its own;
    `file_name` is the name it was given by its owner. `columns` maps our fields to the source's names.
    `measured`: the rows are counted in a measurement and not learned, and are told of so.
    `destination` gets one JSON object a line, UTF-8, with the format's fields in order.
    Raises InvalidDataset (with up to `limits.problems_shown` rows in `errors`), InvalidField, DiskFull.
    """
    started = time.monotonic()
    columns, limits, file_name = columns or {}, limits or DatasetLimits(), file_name or source.name
    check_columns(format, columns)
    if fault := source_fault(source, file_name, limits):
        raise InvalidDataset(fault)
    with tempfile.TemporaryDirectory(prefix=".reading-", dir=destination.parent) as folder:
        written = Path(folder) / "rows.jsonl"
        result = _read(source, written, format, columns, file_name, limits, measured)
        reading = _understood(result, file_name, limits)
        if reading.format is None:
            raise InvalidDataset(say("dataset-without-rows", dataset=file_name))
        size_bytes, sha256 = _publish(written, destination)
    return DatasetSummary(
        format=reading.format,
        rows=reading.rows,
        bytes=size_bytes,
        sha256=sha256,
        labels=reading.labels if reading.format == "classification" else None,
        read_seconds=time.monotonic() - started,
        warnings=reading.findings,
    )


def check_columns(format: Literal["auto"] | RowFormat, columns: Mapping[str, str]) -> None:
    """Raises InvalidField for fields that no format, or not this one, has together."""
    possible = [*FORMAT_FIELDS.values()] if format == "auto" else [FORMAT_FIELDS[format]]
    if format == "chat":
        possible.append(FORMAT_FIELDS["prompt_completion"])
    if not any(set(columns) <= set(fields) for fields in possible):
        mapped = [f"`{field}`" for field in sorted(columns)]
        said = (
            say("columns-of-no-format", fields=mapped)
            if format == "auto"
            else say("columns-of-other-format", fields=mapped, format=f"`{format}`")
        )
        raise InvalidField(said, param="columns")


def _read(
    source: Path,
    written: Path,
    format: str,
    columns: Mapping[str, str],
    file_name: str,
    limits: DatasetLimits,
    measured: bool,
) -> SandboxResult:
    order = {
        "source": str(source.absolute()),
        "destination": str(written.absolute()),
        "format": format,
        "columns": dict(columns),
        "file_name": file_name,
        "limits": asdict(limits),
        "measured": measured,
    }
    bounds = SandboxLimits(
        wall_seconds=limits.wall_seconds,
        cpu_seconds=limits.cpu_seconds,
        memory_bytes=limits.memory_bytes,
        file_bytes=limits.normalised_bytes,
    )
    return run_in_sandbox(
        "shared.datasets.normalise",
        [json.dumps(order)],
        bounds,
        readable=[source.absolute()],
        writable=[written.parent],
        environment={"ARROW_DEFAULT_MEMORY_POOL": "system", "OMP_NUM_THREADS": "1"},
    )


def _understood(result: SandboxResult, file_name: str, limits: DatasetLimits) -> _Reading:
    """The reader's findings; raises the refusal they amount to. A reader that died is a finding as well."""
    if result.reason != "ok":
        raise _unreadable(file_name, reader_death(result, limits))
    try:
        reading = _Reading.model_validate(result.value)
    except ValidationError as error:
        raise _unreadable(file_name, say("reader-answer-unsound")) from error
    if reading.disk_full:
        raise DiskFull(say("no-room-for-rows"))
    if reading.unreadable:
        raise _unreadable(file_name, *reading.unreadable)
    if reading.problem_count:
        raise _refusal(reading, file_name, limits)
    return reading


def _unreadable(file_name: str, *reasons: Message) -> InvalidDataset:
    return InvalidDataset(say("dataset-unreadable", dataset=file_name, reasons=reasons))


def _refusal(reading: _Reading, file_name: str, limits: DatasetLimits) -> InvalidDataset:
    """The first reason in words; each border shows the others, which come with it, as it shows errors."""
    errors = tuple(cause.error for cause in reading.causes)
    said = say(
        "rows-unusable",
        dataset=file_name,
        rows=reading.problem_count,
        reasons=len(errors),
        are_all=len(errors) < limits.problems_shown,
        first=reading.causes[0].first,
    )
    return InvalidDataset(said, errors=errors)


def reader_death(result: SandboxResult, limits: DatasetLimits) -> Message:
    """Why the sandboxed reader gave no answer."""
    match result.reason:
        case "time":
            return say("reader-out-of-time", most_seconds=limits.wall_seconds)
        case "memory":
            return say("reader-out-of-memory", most_bytes=limits.memory_bytes)
        case "file_size":
            return say("rows-too-large", most_bytes=limits.normalised_bytes)
        case "signal":
            return say("reader-crashed")
        case _:
            return say("reader-failed")


def _publish(written: Path, destination: Path) -> tuple[int, str]:
    """Move the finished file to its place, durably; its size in bytes and its hash."""
    digest, size_bytes = hashlib.sha256(), 0
    descriptor = os.open(written, os.O_RDONLY | os.O_NOFOLLOW)
    with os.fdopen(descriptor, "rb") as stream:
        while chunk := stream.read(MIB):
            digest.update(chunk)
            size_bytes += len(chunk)
        os.fsync(stream.fileno())
    written.replace(destination)
    folder = os.open(destination.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    return size_bytes, digest.hexdigest()

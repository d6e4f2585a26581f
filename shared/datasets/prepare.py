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

from pydantic import Field, ValidationError

from shared.datasets.findings import rows_text
from shared.datasets.formats import FORMAT_FIELDS
from shared.datasets.limits import MIB, DatasetLimits
from shared.errors import DiskFull, FieldError, InvalidDataset, InvalidField
from shared.messages.render import shown
from shared.sandbox import SandboxLimits, SandboxResult, run_in_sandbox
from shared.schemas import DatasetSummary, DatasetWarning, Frozen, RowFormat


class _Others(Frozen):
    count: int
    numbers: list[int]


class _Cause(Frozen):
    """What is wrong with one row, and with how many others; `shared.datasets.normalise.Cause`."""

    path: str
    message: str
    likeness: str
    others: _Others

    @property
    def error(self) -> FieldError:
        if not self.others.count:
            return FieldError(self.path, self.message)
        unit = self.path.split(" ")[0]
        listed = ", ".join(str(number) for number in self.others.numbers)
        more = ", …" if self.others.count > len(self.others.numbers) else ""
        where = f"{unit}{'s' if self.others.count > 1 else ''} {listed}{more}"
        return FieldError(self.path, f"{self.message} (and {self.others.count:,} more: {where})")


class _Reading(Frozen):
    """What the sandboxed reader says it found; `shared.datasets.normalise.Reading` on this side."""

    format: RowFormat | None
    rows: int
    labels: list[str]
    causes: list[_Cause]
    problem_count: int
    unreadable: str | None
    disk_full: bool
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
    _check_columns(format, columns)
    _check_size(source, file_name, limits)
    with tempfile.TemporaryDirectory(prefix=".reading-", dir=destination.parent) as folder:
        written = Path(folder) / "rows.jsonl"
        result = _read(source, written, format, columns, file_name, limits, measured)
        reading = _understood(result, file_name, limits)
        if reading.format is None:
            raise InvalidDataset(f"data set `{file_name}` has no row in any format")
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


def _check_columns(format: Literal["auto"] | RowFormat, columns: Mapping[str, str]) -> None:
    possible = [*FORMAT_FIELDS.values()] if format == "auto" else [FORMAT_FIELDS[format]]
    if format == "chat":
        possible.append(FORMAT_FIELDS["prompt_completion"])
    if not any(set(columns) <= set(fields) for fields in possible):
        mapped = ", ".join(f"`{field}`" for field in sorted(columns))
        where = "no format has" if format == "auto" else f"the format `{format}` does not have"
        raise InvalidField(f"`columns` maps {mapped}, which {where} together", param="columns")


def _check_size(source: Path, file_name: str, limits: DatasetLimits) -> None:
    files = [path for path in source.iterdir() if path.is_file()] if source.is_dir() else [source]
    size_bytes = sum(path.stat().st_size for path in files)
    if size_bytes > limits.source_bytes:
        raise InvalidDataset(
            f"data set `{file_name}` has {size_bytes:,} bytes; at most {limits.source_bytes:,} are read"
        )


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
        raise InvalidDataset(f"data set `{file_name}` can't be read: {_death(result, limits)}")
    try:
        reading = _Reading.model_validate(result.value)
    except ValidationError as error:
        raise InvalidDataset(
            f"data set `{file_name}` can't be read: its reader gave no sound answer"
        ) from error
    if reading.disk_full:
        raise DiskFull("not enough free space in the data folder for the data set's normalised rows")
    if reading.unreadable is not None:
        raise InvalidDataset(f"data set `{file_name}` can't be read: {shown(reading.unreadable)}")
    if reading.problem_count:
        raise _refusal(reading, file_name, limits)
    return reading


def _refusal(reading: _Reading, file_name: str, limits: DatasetLimits) -> InvalidDataset:
    """The first reason in words; each border shows the others, which come with it, as it shows errors."""
    errors = tuple(cause.error for cause in reading.causes)
    or_more = " or more" if len(errors) == limits.problems_shown else ""
    reasons = f", for {len(errors)}{or_more} reasons; the first is" if len(errors) > 1 else ""
    return InvalidDataset(
        f"data set `{file_name}`: {rows_text(reading.problem_count)} can't be used{reasons}: "
        f"{errors[0].path} {errors[0].message}",
        errors=errors,
    )


def _death(result: SandboxResult, limits: DatasetLimits) -> str:
    match result.reason:
        case "time":
            return f"reading took longer than {limits.wall_seconds:g} seconds; split it into smaller files"
        case "memory":
            return f"reading took more than {limits.memory_bytes // MIB:,} MiB of memory; is it damaged?"
        case "file_size":
            return f"its rows take more than {limits.normalised_bytes:,} bytes"
        case "signal":
            return "it is damaged: its reader crashed on it, which harmed nothing else"
        case _:
            return "it is damaged, or its reader has a fault; save it again, as JSON lines if need be"


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

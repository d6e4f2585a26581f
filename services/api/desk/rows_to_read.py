"""The rows that a job may read: uploaded files and the data sets of the folder, newest and nearest first."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from services.api.service import Service
from services.api.uploads import StoredFile
from shared.datasets.names import dataset_names, resolve_dataset
from shared.errors import InvalidField, NotFound
from shared.schemas.records import JobRecord

MOST_FILES = 30
MOST_DATASETS = 60
SAMPLE = "sample_"  # how the folders of the samples in datasets/ begin

Field = Literal["training_file", "dataset"]


@dataclass(frozen=True)
class RowSource:
    """`field` of a training names it by `value`; `name` is what people know it by."""

    field: Field
    value: str
    name: str
    size_bytes: int
    at: float | None
    is_sample: bool = False

    @property
    def key(self) -> str:
        """One text that names both, for a form's choice."""
        return f"{self.field}:{self.value}"


def rows_to_read(service: Service) -> tuple[RowSource, ...]:
    files = [_file(stored) for stored in service.files.all()[:MOST_FILES]]
    names = dataset_names(service.settings.datasets_dir)[:MOST_DATASETS]
    return (*files, *(found for name in names for found in _dataset(service, name)))


def source_of_key(key: str) -> tuple[Field, str] | None:
    """What `RowSource.key` named."""
    field, _, value = key.partition(":")
    if not value:
        return None
    return ("training_file", value) if field == "training_file" else ("dataset", value)


def name_of(service: Service, field: Field, value: str) -> str:
    """What people know the rows by. Raises `NotFound` for a file that is gone."""
    return service.files.get(value).filename if field == "training_file" else value


def rows_name(service: Service, record: JobRecord) -> str:
    """What people know the rows by that a job reads; empty of a job that reads none."""
    if file := record.request.get("training_file") or record.request.get("file"):
        try:
            return name_of(service, "training_file", str(file))
        except NotFound:  # deleted since: the job has its own copy
            return str(file)
    return str(record.request.get("dataset") or "")


def _file(stored: StoredFile) -> RowSource:
    return RowSource("training_file", stored.id, stored.filename, stored.bytes, stored.created_at)


def _dataset(service: Service, name: str) -> Iterator[RowSource]:
    """None where the name is refused: a link that leads out of the folder."""
    try:
        path = resolve_dataset(name, service.settings.datasets_dir)
    except InvalidField:
        return
    yield RowSource("dataset", name, name, _size_bytes(path), None, is_sample=name.startswith(SAMPLE))


def _size_bytes(path: Path) -> int:
    try:
        files = list(path.iterdir()) if path.is_dir() else [path]
        return sum(file.stat().st_size for file in files)
    except OSError:
        return 0

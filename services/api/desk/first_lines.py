"""The first lines of a data set as they stand in its file: a look before anything is read."""

from pathlib import Path

from services.api.desk.rows_to_read import Field
from services.api.service import Service
from shared.datasets.names import resolve_dataset
from shared.visible import visible

MOST_LINES = 5
MOST_CHARACTERS = 300
_LOOK_BYTES = 32 * 1024


def first_lines(service: Service, field: Field, value: str) -> tuple[str, ...]:
    """Cut short; none of what is no text, such as Parquet. Raises `NotFound` and refusals of the name."""
    if field == "training_file":
        path = service.files.content(value)
    else:
        path = resolve_dataset(value, service.settings.datasets_dir)
    return _lines(path)


def _lines(path: Path) -> tuple[str, ...]:
    try:
        with path.open("rb") as file:
            start = file.read(_LOOK_BYTES)
    except OSError:  # a folder, or a file that is not ours to read
        return ()
    if b"\x00" in start:
        return ()
    lines = start.decode("utf-8-sig", "replace").splitlines()[:MOST_LINES]
    return tuple(_cut(visible(line)) for line in lines)


def _cut(line: str) -> str:
    return line if len(line) <= MOST_CHARACTERS else f"{line[:MOST_CHARACTERS]}…"

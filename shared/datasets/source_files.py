"""What keeps a file or a folder of rows from being read, before a byte of it is understood."""

import os
from collections.abc import Iterable
from pathlib import Path

from shared.datasets.limits import DatasetLimits
from shared.messages.message import Message, say


def source_fault(source: Path, name: str, limits: DatasetLimits) -> Message | None:
    """Why nothing of it is read: it may not be, or it is too large. Raises FileNotFoundError."""
    try:
        size_bytes = sum(_bytes_if_readable(path) for path in source_files(source))
    except FileNotFoundError:
        raise
    except OSError as error:
        return say("dataset-not-readable", dataset=name, error=str(error.strerror))
    if size_bytes > limits.source_bytes:
        return say("dataset-too-large", dataset=name, file_bytes=size_bytes, most_bytes=limits.source_bytes)
    return None


def source_files(source: Path) -> Iterable[Path]:
    """The file, or all files of the folder. Raises OSError."""
    return [path for path in source.iterdir() if path.is_file()] if source.is_dir() else [source]


def source_bytes(source: Path) -> int:
    """Of all its files; 0 where they may not be read. Raises FileNotFoundError."""
    try:
        return sum(path.stat().st_size for path in source_files(source))
    except PermissionError:
        return 0


def _bytes_if_readable(path: Path) -> int:
    with path.open("rb") as file:
        return os.fstat(file.fileno()).st_size

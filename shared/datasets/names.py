"""Finds the data set a request names, and nothing outside the folder data sets lie in."""

from contextlib import suppress
from pathlib import Path, PurePosixPath

from shared.errors import DatasetUnknown, InvalidField
from shared.messages.message import say

EXTENSIONS = (".jsonl", ".json", ".ndjson", ".csv", ".tsv", ".parquet", ".arrow")
ARROW_FOLDER = "state.json"
NOT_ROWS = (ARROW_FOLDER, "dataset_info.json", "dataset_dict.json")
DEFAULT_SPLIT = "train"
NAMES_SHOWN = 20


def resolve_dataset(name: str, datasets_dir: Path, *, param: str = "dataset") -> Path:
    """The file or Arrow folder that `name` means under `datasets_dir`.

    A name is a path below that folder, with or without the file's extension; of a folder with splits (as
    `datasets` saves them, or files called after them) without a split in the name it is `train`.
    Raises InvalidField for a name that can't be one, DatasetUnknown where nothing lies.
    """
    parts = PurePosixPath(name).parts
    if name.startswith("/") or "\\" in name or "\x00" in name or ".." in parts or not parts:
        raise InvalidField(say("dataset-name-invalid", name=repr(name)), param=param)
    try:
        found = _find(datasets_dir.joinpath(*parts))
        if found is not None:
            _stay_inside(found, datasets_dir, name, param)
    except OSError:  # not ours to read, or longer than the filesystem's names can be
        found = None
    if found is None:
        there = dataset_names(datasets_dir)
        raise DatasetUnknown(
            say("dataset-unknown", name=repr(name), count=len(there), names=there[:NAMES_SHOWN]), param=param
        )
    return found


def dataset_names(datasets_dir: Path) -> list[str]:
    """The names `resolve_dataset` takes, two levels deep, in order; what may not be read is left out."""
    if not datasets_dir.is_dir():
        return []
    found: list[str] = []
    for path in sorted(datasets_dir.iterdir()):
        with suppress(OSError):
            found += _names_at(path)
    return found


def _names_at(path: Path) -> list[str]:
    if _is_dataset(path):
        return [_name(path)]
    if not path.is_dir():
        return []
    return [f"{path.name}/{_name(entry)}" for entry in sorted(path.iterdir()) if _is_dataset(entry)]


def _find(path: Path) -> Path | None:
    if _is_dataset(path):
        return path
    if path.is_dir():
        return _find(path / DEFAULT_SPLIT)
    named = [path.with_name(path.name + extension) for extension in EXTENSIONS]
    return next((candidate for candidate in named if candidate.is_file()), None)


def _is_dataset(path: Path) -> bool:
    """A file of a kind we read, or a folder with one Arrow split."""
    if path.is_dir():
        return (path / ARROW_FOLDER).is_file()
    return path.is_file() and path.suffix.lower() in EXTENSIONS and path.name not in NOT_ROWS


def _name(path: Path) -> str:
    """Without the extension where that finds the same file."""
    short = path.with_suffix("")
    return short.name if _find(short) == path else path.name


def _stay_inside(found: Path, datasets_dir: Path, name: str, param: str) -> None:
    """Refuse links that lead out: of the datasets folder, and of an Arrow folder for the files in it."""
    home = datasets_dir.resolve()
    entries = list(found.iterdir()) if found.is_dir() else []
    outside = not found.resolve().is_relative_to(home)
    if outside or any(not entry.resolve().is_relative_to(found.resolve()) for entry in entries):
        raise InvalidField(say("dataset-leads-out", name=repr(name)), param=param)

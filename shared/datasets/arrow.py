"""Reads Arrow folders saved by the `datasets` library, single Arrow files and Parquet, with pyarrow alone.

Every batch is validated in full before a value of it is touched: pyarrow trusts offsets otherwise.
The saved features (`dataset_info.json`, or the schema's metadata) say which integers are names of classes.
"""

import json
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from shared.datasets.limits import MIB
from shared.datasets.source import Problem, Record, Source, Unreadable, refuse_one_name
from shared.messages.said import say

ROWS_AT_ONCE = 512
LARGEST_JSON_BYTES = 16 * MIB
ClassNames = dict[str, list[str]]


def open_arrow_folder(folder: Path, wanted: Collection[str]) -> Source:
    """One split as `Dataset.save_to_disk` writes it: state.json, dataset_info.json, data-*.arrow streams.

    Only the `wanted` columns are turned into values. Raises Unreadable, as do the other two.
    """
    state = _json_object(folder / "state.json")
    if state.get("_indices_data_files"):
        raise Unreadable(say("saved-with-index"))
    names = [entry.get("filename") for entry in state.get("_data_files") or [] if isinstance(entry, dict)]
    if not names:
        raise Unreadable(say("state-without-file"))
    files = [_inside(folder, name) for name in names]
    classes = _class_names(_json_object(folder / "dataset_info.json").get("features"))
    return _source(_schema(files[0]), _ipc_batches(files), wanted, classes)


def open_arrow_file(path: Path, wanted: Collection[str]) -> Source:
    """An Arrow IPC file or stream."""
    return _source(_schema(path), _ipc_batches([path]), wanted)


def open_parquet(path: Path, wanted: Collection[str]) -> Source:
    """A Parquet file."""
    with _damage_told():
        parquet = pq.ParquetFile(path, memory_map=False)
        schema = parquet.schema_arrow
    there = [field.name for field in schema if _is_wanted(field.name, wanted) or _is_text(field)]
    batches = parquet.iter_batches(batch_size=ROWS_AT_ONCE, columns=there, use_threads=False)
    return _source(schema, batches, wanted)


def _source(
    schema: Any, batches: Iterator[Any], wanted: Collection[str], classes: ClassNames | None = None
) -> Source:
    with _damage_told():
        names = tuple(schema.names)
    refuse_one_name(names)
    classes = _features_in(schema) if classes is None else classes
    read = [name for name in names if _is_wanted(name, wanted)]
    unread = {field.name: 0 for field in schema if field.name not in read and _is_text(field)}
    return Source("row", names, _records(batches, read, classes, unread), unread=unread)


def _is_wanted(name: str, wanted: Collection[str]) -> bool:
    return name in wanted or name.lower() in wanted


def _is_text(field: Any) -> bool:
    return bool(pa.types.is_string(field.type) or pa.types.is_large_string(field.type))


def _records(
    batches: Iterator[Any], names: Sequence[str], classes: ClassNames, unread: dict[str, int]
) -> Iterator[Record | Problem]:
    number = 0
    for batch in _sound(batches):
        for name in unread:
            unread[name] += _with_letters(batch.column(name))
        columns = batch.select(names)
        for start in range(0, batch.num_rows, ROWS_AT_ONCE):
            with _damage_told():
                rows = columns.slice(start, ROWS_AT_ONCE).to_pylist()
            for fields in rows:
                number += 1
                yield _record(number, fields, classes)


def _with_letters(column: Any) -> int:
    """How many of a column's texts have a letter."""
    with _damage_told():
        return int(pc.sum(pc.match_substring_regex(column, r"\p{L}")).as_py() or 0)


def _sound(batches: Iterator[Any]) -> Iterator[Any]:
    while True:
        with _damage_told():
            batch = next(batches, None)
            if batch is None:
                return
            batch.validate(full=True)
        yield batch


def _record(number: int, fields: dict[str, Any], classes: ClassNames) -> Record | Problem:
    for name, value in fields.items():
        if name in classes and isinstance(value, int):
            if not 0 <= value < len(classes[name]):
                return Problem(number, say("number-without-class", name=f"`{name}`"))
            fields[name] = classes[name][value]
        elif isinstance(value, dict | list):
            fields[name] = _without_nulls(_rows_of(value))
    return Record(number, fields)


def _rows_of(value: Any) -> Any:
    """A list of structs, which older versions of `datasets` kept as a struct of lists."""
    if not isinstance(value, dict) or not all(isinstance(inner, list) for inner in value.values()):
        return value
    if len({len(inner) for inner in value.values()}) != 1:
        return value
    return [dict(zip(value, inner, strict=True)) for inner in zip(*value.values(), strict=True)]


def _without_nulls(value: Any) -> Any:
    """Arrow gives every struct every field: null there means that the field was not given."""
    if not isinstance(value, list):
        return value
    return [
        {name: inner for name, inner in item.items() if inner is not None} if isinstance(item, dict) else item
        for item in value
    ]


def _ipc_batches(files: Sequence[Path]) -> Iterator[Any]:
    first = None
    for path in files:
        with _opened(path) as (reader, batches):
            first = first or reader.schema
            if not reader.schema.equals(first):
                raise Unreadable(say("files-of-other-columns"))
            yield from batches


def _schema(path: Path) -> Any:
    with _damage_told(), _opened(path) as (reader, _):
        return reader.schema


@contextmanager
def _opened(path: Path) -> Iterator[tuple[Any, Iterator[Any]]]:
    """A reader and its batches, whether the file is an IPC file or a stream."""
    options = pa.ipc.IpcReadOptions(use_threads=False)
    with pa.OSFile(str(path)) as file:
        if file.read(6) == b"ARROW1":
            reader = pa.ipc.open_file(file, options=options)
            yield reader, (reader.get_batch(index) for index in range(reader.num_record_batches))
        else:
            file.seek(0)
            reader = pa.ipc.open_stream(file, options=options)
            yield reader, iter(reader)


@contextmanager
def _damage_told() -> Iterator[None]:
    try:
        yield
    except pa.ArrowMemoryError:
        raise
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        words = str(error).splitlines()[0][:200].rstrip(".") if str(error) else repr(error)
        raise Unreadable(say("file-damaged", error=words)) from error
    except (ValueError, OverflowError) as error:  # their words may repeat the value
        raise Unreadable(say("value-unreadable")) from error


def _inside(folder: Path, name: object) -> Path:
    if not isinstance(name, str) or "/" in name or name in ("", ".", ".."):
        raise Unreadable(say("data-file-outside"))
    path = folder / name
    if not path.is_file():
        raise Unreadable(say("data-file-missing", file=name))
    if path.resolve().parent != folder.resolve():
        raise Unreadable(say("data-file-leads-out", file=name))
    return path


def _json_object(path: Path) -> dict[str, Any]:
    """The object in a small JSON file; empty where there is no such file."""
    if not path.is_file():
        return {}
    try:
        with path.open("rb") as stream:
            value = json.loads(stream.read(LARGEST_JSON_BYTES))
    except (ValueError, RecursionError) as error:
        raise Unreadable(say("no-json-file", file=path.name)) from error
    if not isinstance(value, dict):
        raise Unreadable(say("no-json-object-file", file=path.name))
    return value


def _features_in(schema: Any) -> ClassNames:
    """Class names from the metadata that `datasets` leaves in a schema."""
    try:
        saved = json.loads((schema.metadata or {}).get(b"huggingface", b"{}"))
        return _class_names(saved["info"]["features"])
    except (ValueError, RecursionError, KeyError, TypeError):
        return {}


def _class_names(features: object) -> ClassNames:
    if not isinstance(features, dict):
        return {}
    found = {
        name: feature["names"]
        for name, feature in features.items()
        if isinstance(feature, dict) and feature.get("_type") == "ClassLabel"
    }
    return {
        name: names
        for name, names in found.items()
        if isinstance(names, list) and all(isinstance(each, str) for each in names)
    }

"""Makes Arrow folders laid out as the `datasets` library saves them, with pyarrow alone."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa


def save_arrow_folder(
    rows: Sequence[Mapping[str, Any]], folder: Path, *, class_names: Sequence[str] = ()
) -> Path:
    """One split as `Dataset.save_to_disk` writes it; `class_names` make the labels a ClassLabel."""
    folder.mkdir(parents=True)
    features: dict[str, Any] = {name: {"dtype": "string", "_type": "Value"} for name in rows[0]}
    if class_names:
        rows = [{**row, "label": list(class_names).index(row["label"])} for row in rows]
        features["label"] = {"names": list(class_names), "_type": "ClassLabel"}
    table = pa.Table.from_pylist([dict(row) for row in rows])
    name = "data-00000-of-00001.arrow"
    with pa.ipc.new_stream(str(folder / name), table.schema) as stream:
        stream.write_table(table, max_chunksize=100)
    (folder / "dataset_info.json").write_text(json.dumps({"features": features}))
    (folder / "state.json").write_text(json.dumps({"_data_files": [{"filename": name}], "_split": None}))
    return folder


def save_arrow_splits(splits: Mapping[str, Sequence[Mapping[str, Any]]], folder: Path) -> Path:
    """Several splits as `DatasetDict.save_to_disk` writes them."""
    for name, rows in splits.items():
        save_arrow_folder(rows, folder / name)
    (folder / "dataset_dict.json").write_text(json.dumps({"splits": list(splits)}))
    return folder

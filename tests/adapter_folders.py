"""Sealed folders of an adapter as the API sees them; what is in their files does not matter to it."""

import json
from pathlib import Path

from shared.adapters import CONFIG, WEIGHTS

ADAPTER_FILES = (CONFIG, WEIGHTS)
CHECKPOINT_FILES = (*ADAPTER_FILES, "optimizer.safetensors", "state.json")


def lay_out_adapter(folder: Path, files: tuple[str, ...] = ADAPTER_FILES) -> Path:
    folder.mkdir(parents=True)
    for name in files:
        (folder / name).write_text(f"{name} of {folder.name}")
    (folder / "manifest.json").write_text(json.dumps({"files": {name: {} for name in files}}))
    return folder

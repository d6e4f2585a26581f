"""`set-aside/<time>/` in the data folder: what a repair or a restore takes away, under its old path."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from shared.durable import fsync_path

SET_ASIDE = "set-aside"


@dataclass(frozen=True)
class Aside:
    """One folder of things set aside; made when the first comes."""

    data_dir: Path
    folder: Path

    @classmethod
    def now(cls, data_dir: Path) -> "Aside":
        stamp = datetime.now(UTC).strftime("%Y-%m-%d-%H%M%S")
        folder, number = data_dir / SET_ASIDE / stamp, 1
        while folder.exists():
            number += 1
            folder = data_dir / SET_ASIDE / f"{stamp}-{number}"
        return cls(data_dir, folder)

    @property
    def is_used(self) -> bool:
        return self.folder.exists()

    def move(self, path: Path) -> None:
        """Give a file or folder of the data folder a place here, durably. Raises OSError."""
        target = self.folder / path.relative_to(self.data_dir)
        target.parent.mkdir(parents=True, exist_ok=True)
        path.rename(target)
        fsync_path(target.parent)
        fsync_path(path.parent)

    def keep_entries(self, entries: Iterable[dict[str, Any]]) -> None:
        """What the store had, one key a line. Raises OSError."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "store.jsonl").open("a", encoding="utf-8", errors="backslashreplace") as file:
            file.writelines(json.dumps(entry) + "\n" for entry in entries)
            file.flush()
        fsync_path(self.folder / "store.jsonl")

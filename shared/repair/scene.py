"""What a repair works on: the store, the data folder, and the place for what is taken out of the way."""

import time
from dataclasses import dataclass, field
from pathlib import Path

from shared.job_folder import JobFolder
from shared.repair.aside import Aside
from shared.repair_store import RepairStore


@dataclass(frozen=True)
class Scene:
    """`is_running`: a worker or an API may change it meanwhile, so what they still write is left alone."""

    store: RepairStore
    data_dir: Path
    aside: Aside
    is_running: bool
    now: float = field(default_factory=time.time)

    def set_aside(self, path: Path) -> bool:
        """False where it has gone meanwhile. Raises OSError."""
        try:
            self.aside.move(path)
        except FileNotFoundError:
            return False
        return True

    def folder(self, job_id: str) -> JobFolder:
        return JobFolder.of(self.data_dir, job_id)


def milliseconds(seconds: float) -> str:
    return str(round(seconds * 1000))

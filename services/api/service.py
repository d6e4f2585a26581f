"""What every route works with: the settings, the store, the doorbell, the keys and the uploaded files."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from services.api.auth import KeyRing
from services.api.uploads import FileShelf
from shared.event_log import EventLog
from shared.job_folder import JobFolder
from shared.job_store import JobStore
from shared.settings import Settings


@dataclass(frozen=True)
class Service:
    """The parts of a running API. `ring` wakes the worker for a job, best effort."""

    settings: Settings
    store: JobStore
    ring: Callable[[str], None]
    keys: KeyRing
    files: FileShelf

    @property
    def events(self) -> EventLog:
        return EventLog(self.store, self.settings.data_dir)

    @property
    def model_folders(self) -> tuple[Path, ...]:
        """Where a model named by its folder is looked for, first match first."""
        return (self.settings.models_dir, self.settings.data_dir / "models")

    def job_folder(self, job_id: str) -> JobFolder:
        return JobFolder.of(self.settings.data_dir, job_id)

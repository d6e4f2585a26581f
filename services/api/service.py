"""What every route works with: the settings, the store, the doorbell, the keys and the uploaded files."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from services.api.auth import KeyRing
from services.api.uploads import FileShelf
from shared.ended_copy import keep_ended_copy
from shared.errors import StoreUnavailable
from shared.event_log import EventLog
from shared.job_folder import JobFolder
from shared.job_store import JobStore
from shared.keeper_store import KeeperStore
from shared.schemas.records import JobRecord
from shared.settings import Settings


@dataclass(frozen=True)
class Service:
    """The parts of a running API. `ring` wakes the worker for a job, best effort.

    `streams_are_full`: whether this process sends as many streams of events as it may.
    """

    settings: Settings
    store: JobStore
    ring: Callable[[str], None]
    keys: KeyRing
    files: FileShelf
    streams_are_full: Callable[[], bool]

    @property
    def events(self) -> EventLog:
        return EventLog(self.store, self.settings.data_dir)

    @property
    def model_folders(self) -> tuple[Path, ...]:
        """Where a model named by its folder is looked for, first match first."""
        return (self.settings.models_dir, self.settings.data_dir / "models")

    def cancel(self, job_id: str) -> JobRecord:
        """Raises `NotFound` and `InvalidTransition`. A record that ends at once is copied to the disk."""
        record = self.store.cancel(job_id)
        folder = self.job_folder(job_id)
        if record.status == "cancelled" and folder.path.is_dir() and not folder.result.exists():
            with suppress(OSError, StoreUnavailable):  # the sweep makes up for it
                if copy := KeeperStore.of(self.store).ended_copy(job_id):
                    keep_ended_copy(folder, copy)
        return record

    def job_folder(self, job_id: str) -> JobFolder:
        return JobFolder.of(self.settings.data_dir, job_id)

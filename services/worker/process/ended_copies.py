"""Copies on disk of how jobs ended that no process ended itself: those after a job that did not succeed."""

import logging

from shared.ended_copy import keep_ended_copy
from shared.errors import NotFound
from shared.job_folder import JobFolder
from shared.keeper_store import KeeperStore
from shared.schemas.fields import JobStatus
from shared.settings import Settings

logger = logging.getLogger(__name__)

NEWEST = 50  # jobs in each round; the sweep looks at all of them
_ENDS: tuple[JobStatus, ...] = ("cancelled", "failed")


class EndedCopies:
    """Keeps each copy soon after the end, so that a store that is lost then takes no end with it."""

    def __init__(self, settings: Settings, store: KeeperStore) -> None:
        self._settings = settings
        self._store = store
        self._seen: set[str] = set()

    def round(self) -> None:
        """Raises `StoreUnavailable`. What the disk does not take is left to the next round."""
        for record in self._store.list_jobs(status=_ENDS, limit=NEWEST).records:
            if record.id not in self._seen and self._is_kept(record.id):
                self._seen.add(record.id)

    def _is_kept(self, job_id: str) -> bool:
        folder = JobFolder.of(self._settings.data_dir, job_id)
        try:
            if (
                folder.path.is_dir()
                and not folder.result.exists()
                and (copy := self._store.ended_copy(job_id))
            ):
                keep_ended_copy(folder, copy)
        except (OSError, NotFound) as error:
            logger.warning("the copy of how job %s ended could not be written: %s", job_id, error)
            return False
        return True

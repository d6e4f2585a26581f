"""Jobs and models leave for good: their record and their files, whole or, after a crash, at the next sweep.

A mark in the job's folder comes first, then the store's decision, then the files. So a crash leaves either
all, or a mark by which `Removal.finish` goes on; a record never names files that are gone. Only what carries
a mark is ever finished: a store that was emptied, or restored from an old backup, makes no file go.
"""

import logging
import secrets
import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from shared.disk_errors import is_full, takes_nothing
from shared.durable import fsync_path, write_durably
from shared.errors import InvalidTransition, NotFound, StoreTakesNoWrites
from shared.job_folder import JOB_MARK, MODEL_MARK, JobFolder
from shared.jobs import TERMINAL
from shared.keeper_store import KeeperStore

GONE = ".deleted-"  # folders on their way out: nobody's any more

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Removal:
    """Removes jobs, and models of jobs, from the store and from the folder `jobs`."""

    store: KeeperStore
    jobs: Path

    def remove_job(self, job_id: str) -> None:
        """Raises `NotFound`, `InvalidTransition` while the job has not ended, `InUse`, `StoreUnavailable`.

        After `StoreUnavailable` the store may have done it or not; a repeat, or the sweep, ends it.
        """
        folder = self._folder(job_id)
        # An id from outside names no folder before the store has known it; nothing is marked that is refused.
        if self.store.get(job_id).status in TERMINAL:
            _mark(folder, JOB_MARK)
        try:
            self.store.delete_job(job_id)
        except NotFound:  # somebody else was quicker; the files are theirs to remove, or ours
            self._discard(folder.path)
            raise
        except (InvalidTransition, StoreTakesNoWrites):
            _unmark(folder, JOB_MARK)
            raise
        self._discard(folder.path)

    def remove_model(self, job_id: str) -> None:
        """Remove a job's adapter and checkpoints, and keep the rest. Raises as `remove_job`; a repeat is
        harmless.
        """
        folder = self._folder(job_id)
        if self.store.get(job_id).status == "succeeded":
            _mark(folder, MODEL_MARK)
        try:
            self.store.delete_model(job_id)
        except (NotFound, InvalidTransition, StoreTakesNoWrites):
            _unmark(folder, MODEL_MARK)
            raise
        for part in folder.model_parts():
            self._discard(part)

    def finish(self) -> list[str]:
        """Bring what a crash, or a store that was away, cut short to its end. Returns the ids of those whose
        files are out of sight now; what a disk does not let go is tried again at the next call.
        """
        for folder in self.jobs.glob(f"{GONE}*"):
            shutil.rmtree(folder, ignore_errors=True)
        finished = [job_id for job_id in self._marked(JOB_MARK) if self._finish_job(job_id)]
        finished += [job_id for job_id in self._marked(MODEL_MARK) if self._finish_model(job_id)]
        return finished

    def _folder(self, job_id: str) -> JobFolder:
        return JobFolder(self.jobs / job_id)

    def _marked(self, mark: str) -> list[str]:
        return [path.parent.name for path in self.jobs.glob(f"*/{mark}")]

    def _finish_job(self, job_id: str) -> bool:
        folder = self._folder(job_id)
        try:
            self.remove_job(job_id)
        except NotFound:
            self._discard(folder.path)
        except InvalidTransition as refusal:
            logger.warning("the deletion of job %s is taken back: %s", job_id, refusal.message)
            _unmark(folder, JOB_MARK)
            return False
        return not folder.path.exists()

    def _finish_model(self, job_id: str) -> bool:
        """A mark whose files are gone costs one question to the store, which may have forgotten it."""
        parts = self._folder(job_id).model_parts()
        had_files = any(part.exists() for part in parts)
        with suppress(NotFound, InvalidTransition):
            self.remove_model(job_id)
            return had_files and not any(part.exists() for part in parts)
        return False

    def _discard(self, folder: Path) -> None:
        """Out of sight at once, then off the disk; what a crash or the disk leaves is swept up later."""
        gone = self.jobs / f"{GONE}{secrets.token_hex(12)}"
        try:
            folder.rename(gone)
            fsync_path(folder.parent)
        except FileNotFoundError:
            return
        except OSError as error:
            if not takes_nothing(error):
                raise
            logger.warning("%s stays until a sweep can remove it: %s", folder, error)
            return
        shutil.rmtree(gone, ignore_errors=True)


def _mark(folder: JobFolder, name: str) -> None:
    """A job whose folder is gone already has nothing to mark; a full disk must not keep it from going."""
    if folder.mark(name).exists():
        return
    try:
        write_durably(folder.mark(name), b"")
    except FileNotFoundError:
        return
    except OSError as error:
        if not is_full(error):
            raise
        logger.warning("the disk is full: a crash now would leave %s behind", folder.path)


def _unmark(folder: JobFolder, name: str) -> None:
    """Durably: after a power loss a sweep would go on with a deletion that was refused."""
    folder.mark(name).unlink(missing_ok=True)
    with suppress(OSError):  # the refusal is what must be told
        fsync_path(folder.path)

"""Gives disk and store back what nobody needs: a thread of the worker's main process, no torch."""

import logging
import shutil

from services.worker import metrics
from services.worker.adapters.ended_run import give_back
from shared.acceptance import Acceptance, mark_accepted
from shared.disk_use import disk_use
from shared.ended_copy import keep_ended_copy
from shared.errors import NotFound, StoreUnavailable
from shared.job_folder import JobFolder, jobs_folder
from shared.jobs import is_whole_job_id
from shared.keeper_store import KeeperStore
from shared.messages.render import in_english
from shared.old_uploads import is_abandoned, remove_abandoned, remove_expired
from shared.pruning import kept_jobs, remove
from shared.removal import Removal
from shared.repair.on_disk import unknown_jobs
from shared.repair_store import RepairStore
from shared.retention import DAY_SECONDS, RetentionRule, leaving
from shared.settings import Settings
from shared.steady_thread import SteadyThread
from shared.sweep_hold import may_sweep
from shared.units import size

logger = logging.getLogger(__name__)

SWEEP_SECONDS = 600.0
RETRY_SECONDS = 60.0


class Sweeper:
    """Every ten minutes: finishes deletions, drops what ended jobs need no more, deletes by the rule.

    What a repair would need, and a death kept from being written, is written then.
    """

    def __init__(self, settings: Settings, store: KeeperStore) -> None:
        self._settings = settings
        self._store = store
        self._removal = Removal(store, jobs_folder(settings.data_dir))
        self._has_compared = False
        self._lean: set[str] = set()  # ended jobs that have nothing more to give back

    def start(self) -> None:
        SteadyThread("sweeper", self._turn).start()

    def _turn(self) -> float:
        return SWEEP_SECONDS if self.sweep() else RETRY_SECONDS

    def sweep(self) -> bool:
        """Go through everything once; what fails is tried again next time. False if the store is away."""
        try:
            with may_sweep(self._settings.data_dir) as is_free:
                if not is_free:
                    logger.info("the sweep waits: a backup is being made")
                    return False
                self._sweep_jobs()
        except StoreUnavailable:
            logger.warning("the sweep waits: the store is away")
            return False
        except Exception:
            logger.exception("a sweep failed")
        finally:
            self._look_after_files()
        return True

    def _sweep_jobs(self) -> None:
        if not self._has_compared:
            self._tell_unknown()
        for job_id in self._removal.finish():
            logger.info("finished the deletion of %s", job_id)
        self._remove_leftovers()
        self._give_back()
        self._remove_by_rule()

    def _tell_unknown(self) -> None:
        """Once, for installations whose store no supervisor of ours starts."""
        unknown = unknown_jobs(RepairStore.of(self._store), self._settings.data_dir)
        self._has_compared = True
        if unknown:
            logger.warning(
                "the store does not know %d jobs on disk, such as %s: it was lost or is older. "
                "`tunedock doctor --repair` rebuilds their records",
                len(unknown),
                unknown[0],
            )

    def _remove_leftovers(self) -> None:
        """Remove what submits left behind whose answer the API never got and which the store never took."""
        for folder in jobs_folder(self._settings.data_dir).glob("*/"):
            if not is_whole_job_id(folder.name) or not JobFolder(folder).is_leftover:
                continue
            if is_abandoned(folder):
                try:
                    self._mark_accepted(JobFolder(folder))
                except NotFound:
                    logger.info("removing %s: its submit never reached the store", folder)
                    shutil.rmtree(folder, ignore_errors=True)

    def _mark_accepted(self, folder: JobFolder) -> None:
        """The API died between the store's answer and the mark. Raises `NotFound`."""
        job_id = folder.path.name
        created_at = self._store.get(job_id).created_at
        mark_accepted(folder, Acceptance(number=self._store.number_of(job_id), created_at=created_at))

    def _give_back(self) -> None:
        """Also for jobs that ended before their worker did this itself, or while the disk refused."""
        ended = {job.id: job.status == "succeeded" for job in self._store.ended_jobs()}
        freed = sum(self._given_back(job_id, ended[job_id]) for job_id in ended.keys() - self._lean)
        self._lean &= ended.keys()
        if freed:
            logger.info("dropped %s of states that no job goes on from", size(freed))

    def _given_back(self, job_id: str, has_succeeded: bool) -> int:
        folder = JobFolder.of(self._settings.data_dir, job_id)
        try:
            self._keep_copy(job_id, folder)
            freed = give_back(folder, has_succeeded=has_succeeded)
        except OSError as error:
            logger.warning("could not remove what job %s needs no more: %s", job_id, error)
            return 0
        self._lean.add(job_id)
        return freed

    def _keep_copy(self, job_id: str, folder: JobFolder) -> None:
        """Of a job that no worker ended: cancelled while it waited, or its workers died. Raises OSError."""
        if folder.path.is_dir() and not folder.result.exists() and (copy := self._store.ended_copy(job_id)):
            keep_ended_copy(folder, copy)

    def _remove_by_rule(self) -> None:
        use = disk_use(self._settings.data_dir)
        jobs = kept_jobs(self._store, self._settings.data_dir, use)
        pruned = remove(self._removal, leaving(jobs, RetentionRule.of(self._settings), self._store.now()))
        for entry in pruned.removed:
            logger.info("deleted %s by the retention rule: %s", entry.job.id, in_english(entry.why))
        for entry, why in pruned.refused:
            logger.info("kept %s: %s", entry.job.id, in_english(why))

    def _look_after_files(self) -> None:
        files = self._settings.data_dir / "files"
        try:
            remove_abandoned(files)
            days = self._settings.keep_upload_days
            for file_id in remove_expired(files, keep_seconds=None if days is None else days * DAY_SECONDS):
                logger.info("deleted the upload %s: it was kept as long as was asked for", file_id)
            metrics.record_disk_use(disk_use(self._settings.data_dir).by_kind)
        except OSError as error:
            logger.warning("the files could not be looked after: %s", error)

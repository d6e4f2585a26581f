"""Trainings whose process died or hung: nobody in it could write their report, so the main process does."""

import json
import logging

from services.worker.explaining.lost_run import CODES, KINDS, lost_run_report
from services.worker.process.paths import state_file
from shared.durable import write_json_durably
from shared.job_folder import JobFolder
from shared.messages.message import Message, read_stored, say
from shared.reports.training import Ended
from shared.schemas.records import JobRecord
from shared.settings import Settings
from shared.worker_store import WorkerStore

logger = logging.getLogger(__name__)

NEWEST = 10  # of the failed jobs of each kind, in each round


class LostRuns:
    """Writes each report once; what can't be written is told in the log, and the job stays as it ended."""

    def __init__(self, settings: Settings, store: WorkerStore) -> None:
        self._settings = settings
        self._store = store
        self._seen: set[str] = set()

    def round(self) -> None:
        """Raises `StoreUnavailable`."""
        for kind in KINDS:
            for record in self._store.list_jobs(kind=kind, status="failed", limit=NEWEST).records:
                if record.id not in self._seen and self._look_after(record):
                    self._seen.add(record.id)

    def _look_after(self, record: JobRecord) -> bool:
        """Whether there is no more to do."""
        folder = JobFolder.of(self._settings.data_dir, record.id)
        if record.error is None or record.error.code not in CODES:
            return True
        if folder.report.exists() or not folder.path.is_dir():
            return True
        device = self._device()
        if device is None:
            return False  # the next process tells it, once it has the device
        try:
            ended = _ended(self._store.stored_failure(record.id))
            report = lost_run_report(record, ended, folder, device=device)
            write_json_durably(folder.report, report.model_dump(mode="json"))
        except (OSError, ValueError, KeyError, TypeError):
            logger.exception("the report of job %s, whose process ended", record.id)
        return True

    def _device(self) -> str | None:
        try:
            state = json.loads(state_file(self._settings.data_dir, self._settings.worker_host).read_text())
        except (OSError, ValueError):
            return None
        device = state.get("device") if isinstance(state, dict) else None
        return device if isinstance(device, str) else None


def _ended(failure: dict[str, str]) -> Ended:
    return Ended(
        status="failed",
        code=failure["code"],
        message=_message(failure["message"]),
        remedy=_message(failure["remedy"]),
    )


def _message(text: str) -> Message:
    """A text of an earlier release as a message, as reports hold them."""
    read = read_stored(text)
    return read if isinstance(read, Message) else say("sentences", sentences=[read])

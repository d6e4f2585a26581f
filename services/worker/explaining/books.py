"""Keeps the account of one fine-tuning job, and writes it as the job's report."""

import logging
import time
from contextlib import suppress

from services.worker.explaining.fine_tuned import UNSEEN, fine_tuning_report
from services.worker.machine.machine_watch import MachineWatch
from services.worker.machine.peak_memory import PeakMemory
from services.worker.models.load import LoadedModel
from services.worker.phase_clock import PhaseClock
from services.worker.report import JobStopped, Report
from services.worker.training.account import RunAccount
from shared.durable import write_json_durably
from shared.job_folder import JobFolder
from shared.messages.message import say

SECONDS_BETWEEN_LOOKS = 10.0  # at the card

logger = logging.getLogger(__name__)


class TrainingBooks:
    """A `Bookkeeper`. Whatever prevents the report costs the report, never the run.

    `base` is to be set once the model is loaded.
    """

    def __init__(self, attempt: int, folder: JobFolder, report: Report) -> None:
        self._folder, self._report = folder, report
        self._journals = [folder.attempt(number + 1).journal for number in range(attempt)]
        self._watch: MachineWatch | None = None
        self._peak: PeakMemory | None = None
        self._looked = time.monotonic()
        self.stages = PhaseClock(first=UNSEEN)
        self.base: LoadedModel | None = None

    def steps_begin(self) -> None:
        if self.base is None:
            return
        try:
            self._watch, self._peak = MachineWatch(self.base.device), PeakMemory(self.base.device)
            self._peak.restart()
        except Exception:
            logger.exception("the machine can't be watched")

    def look(self) -> None:
        """At the card, now and then."""
        if self._watch is None or time.monotonic() - self._looked < SECONDS_BETWEEN_LOOKS:
            return
        self._looked = time.monotonic()
        try:
            self._watch.look()
        except Exception:
            logger.exception("the card can't be looked at")

    def published(self, account: RunAccount) -> None:
        try:
            self._write(account)
        except Exception as error:
            logger.exception("the report in %s", self._folder.path)
            with suppress(JobStopped):  # the job is done
                self._report.event(
                    say("training-report-not-kept", error=str(error) or type(error).__name__),
                    level="warn",
                    data={"code": "report_not_kept"},
                )

    def _write(self, account: RunAccount) -> None:
        if self.base is None or self._watch is None or self._peak is None:
            raise ValueError("the machine was not watched")
        told = fine_tuning_report(
            self.base,
            account,
            stage_seconds=self.stages.take(then=UNSEEN),
            journals=self._journals,
            peak_bytes=self._peak.read(),
            seen=self._watch.read(),
        )
        write_json_durably(self._folder.report, told.model_dump(mode="json"))

"""Keeps the account of one fine-tuning job, and writes it as the job's report."""

import logging
import time
from collections.abc import Callable
from contextlib import suppress

import torch

from services.worker.explaining.ended import (
    BegunRun,
    ended_run_report,
    how_it_ended,
    report_without_steps,
)
from services.worker.explaining.fine_tuned import UNSEEN, fine_tuning_report
from services.worker.explaining.run_steps import run_steps
from services.worker.failures import Failure
from services.worker.machine.machine_watch import MachineWatch
from services.worker.machine.peak_memory import PeakMemory
from services.worker.models.load import LoadedModel
from services.worker.phase_clock import PhaseClock
from services.worker.running_job import JobStopped, RunningJob
from services.worker.training.account import RunAccount, RunOutline
from shared.durable import write_json_durably
from shared.job_folder import JobFolder
from shared.messages.message import say
from shared.reports.training import Ended, TrainingReport

SECONDS_BETWEEN_LOOKS = 10.0  # at the card

logger = logging.getLogger(__name__)


class TrainingBooks:
    """A `Bookkeeper`. Whatever prevents the report costs the report, never the run.

    `base` is to be set once the model is loaded.
    """

    def __init__(self, attempt: int, folder: JobFolder, job: RunningJob) -> None:
        self._folder, self._job = folder, job
        self._journals = [folder.attempt(number + 1).journal for number in range(attempt)]
        self._watch: MachineWatch | None = None
        self._peak: PeakMemory | None = None
        self._outline: RunOutline | None = None
        self._looked = time.monotonic()
        self.stages = PhaseClock(first=UNSEEN)
        self.base: LoadedModel | None = None

    def steps_begin(self, outline: RunOutline) -> None:
        self._outline = outline
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
        self._write(lambda: self._of_whole_run(account))

    def ended(self, failure: Failure | None, model: str, device: torch.device) -> None:
        """The job ended before its adapter had its name; `failure` None: it was cancelled."""
        self._write(lambda: self._of_ended_run(how_it_ended(failure), model, device))

    def _write(self, make: Callable[[], TrainingReport]) -> None:
        try:
            write_json_durably(self._folder.report, make().model_dump(mode="json"))
        except Exception as error:
            logger.exception("the report in %s", self._folder.path)
            with suppress(JobStopped):  # the job is done
                self._job.event(
                    say("training-report-not-kept", error=str(error) or type(error).__name__),
                    level="warn",
                    data={"code": "report_not_kept"},
                )

    def _of_whole_run(self, account: RunAccount) -> TrainingReport:
        if self.base is None or self._watch is None or self._peak is None:
            raise ValueError("the machine was not watched")
        return fine_tuning_report(
            self.base,
            account,
            stage_seconds=self.stages.take(then=UNSEEN),
            journals=self._journals,
            peak_bytes=self._peak.read(),
            seen=self._watch.read(),
        )

    def _of_ended_run(self, ended: Ended, model: str, device: torch.device) -> TrainingReport:
        stages = self.stages.take(then=UNSEEN)
        steps = run_steps(self._journals)
        if self.base and self._watch and self._peak and self._outline and steps.points:
            run = BegunRun(self.base, self._outline, steps, self._peak.read(), self._watch.read())
            return ended_run_report(run, ended, stages)
        name = self.base.files.name if self.base else model
        return report_without_steps("fine_tuning", name, device, ended, stages, outline=self._outline)

"""The runs that tell storage, quantizing and fixed costs apart: cold, warm, and from the prepared copy."""

from dataclasses import dataclass, field
from pathlib import Path

from services.worker.diagnosis.trial_load import try_copy, try_load
from services.worker.failures import JobFailed
from services.worker.models.files.weight_files import find_weights
from services.worker.models.hub.model_places import ModelFiles
from services.worker.models.quantized.nf4_artifact import WEIGHTS_NAME
from services.worker.models.quantized.nf4_load import ArtifactUnusable, why_unusable
from services.worker.models.reading.page_cache import fits_into_page_cache
from services.worker.models.residency import Residency
from services.worker.running_job import RunningJob
from shared.reports.load_facts import TrialFailure, TrialLoad
from shared.reports.model_files import PreparedCopy


@dataclass
class Trials:
    """What was loaded, one after the other; see the fields of the same names in `LoadFacts`."""

    trial: TrialLoad | None = None
    failure: TrialFailure | None = None
    warm: TrialLoad | None = None
    copy: PreparedCopy | None = None
    prepared: list[TrialLoad] = field(default_factory=list)


def run_trials(files: ModelFiles, *, cold: bool, residency: Residency, job: RunningJob) -> Trials:
    """Load the checkpoint as wanted, once more from memory, and what is prepared of it.

    The second load is left out where the first was one from memory, or memory can't hold the files; the
    copy's where there is none. The last model loaded stays resident. Raises JobStopped.
    """
    trials = Trials()
    try:
        trials.trial = try_load(files, cold=cold, residency=residency, job=job)
        if not trials.trial.is_warm and fits_into_page_cache(find_weights(files.folder).files):
            trials.warm = try_load(files, cold=False, residency=residency, job=job, warm=True)
    except JobFailed as failed:
        trials.failure = trial_failure(failed)
        return trials
    if folder := residency.prepared_copy(files):
        run_copy(trials, files, folder, cold=cold, residency=residency, job=job)
    return trials


def run_copy(
    trials: Trials, files: ModelFiles, folder: Path, *, cold: bool, residency: Residency, job: RunningJob
) -> None:
    """Add the loads of the prepared copy in `folder` to `trials`, or what is wrong with it."""
    copy = PreparedCopy(folder=str(folder), bytes=0)
    try:
        copy = copy.model_copy(update={"bytes": (folder / WEIGHTS_NAME).stat().st_size})
        for out_of_memory in (True, False) if cold else (False,):
            run = try_copy(files, folder, cold=out_of_memory, residency=residency, job=job)
            trials.prepared.append(run)
    except (ArtifactUnusable, OSError) as error:
        copy = copy.model_copy(update={"problem": why_unusable(error)})
    trials.copy = copy


def trial_failure(failed: JobFailed) -> TrialFailure:
    """Why a load did not end, as the worker's failures say it."""
    failure = failed.failure
    return TrialFailure(code=failure.code, message=failure.said, remedy=failure.advice)

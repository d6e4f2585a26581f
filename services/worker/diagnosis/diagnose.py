"""Diagnoses how one model loads: facts, findings, report."""

import time
from pathlib import Path

from huggingface_hub import constants

from services.worker.diagnosis.checks import run_checks
from services.worker.diagnosis.converted import describe_converted, find_converted
from services.worker.diagnosis.inspect import WATCH_SECONDS, inspect_model, with_converted
from services.worker.diagnosis.report import make_report
from services.worker.diagnosis.trial_load import describe_resident, device_of_trials
from services.worker.diagnosis.trials import Trials, run_trials, trial_failure
from services.worker.failures import JobFailed
from services.worker.models.families.look import look
from services.worker.models.files.weight_files import find_weights
from services.worker.models.hub.cache_folder import OWN_FOLDER
from services.worker.models.hub.model_places import ModelFiles, ModelPlaces
from services.worker.models.hub.resolve import as_safetensors, locate_model
from services.worker.models.residency import DTYPE, Residency
from services.worker.running_job import RunningJob
from shared.reports.load import LoadReport
from shared.reports.load_facts import TrialFailure
from shared.schemas.requests import LoadDiagnosticRequest
from shared.settings import OWN_CACHE, Settings


def diagnose(
    request: LoadDiagnosticRequest,
    *,
    settings: Settings,
    job: RunningJob,
    residency: Residency | None = None,
    watch_seconds: float = WATCH_SECONDS,
) -> LoadReport:
    """Find out how the request's model loads and what would make it faster.

    A trial load goes through `residency`, which then holds the model; without one the model is freed again.
    Without a trial the phases of a resident model are reported instead. Raises JobFailed when there is no
    such model; a model that can't be loaded is a finding.
    """
    started = time.perf_counter()
    name = request.model or settings.default_model
    places = ModelPlaces.of(settings)
    files = locate_model(
        name,
        request.revision,
        places,
        job=job,
        import_it=False,  # the slow place is the one to be looked at
        incomplete=True,
    )
    located = time.perf_counter() - started
    own_residency = residency or Residency(device_of_trials())

    copy = find_converted(files, settings.data_dir)
    copy_before = describe_converted(copy) if copy is not None else None
    try:
        facts = inspect_model(
            files,
            wanted_revision=request.revision,
            models_dir=settings.models_dir,
            locate_seconds=located,
            trial_loads=lambda: _trial_loads(request, files, places, own_residency, job),
            places=places_to_read_from(settings) if request.trial_load else {},
            job=job,
            watch_seconds=watch_seconds,
        )
        if copy is not None:
            facts = with_converted(facts, copy, copy_before, job)
        damaged = facts.converted and facts.converted.problem and not facts.converted.made_anew
        if damaged and own_residency.name == files.name:
            own_residency.evict()  # a job would go on with what was read from damaged files
    finally:
        if residency is None:
            own_residency.evict()
    return make_report(facts, run_checks(facts))


def _trial_loads(
    request: LoadDiagnosticRequest,
    files: ModelFiles,
    places: ModelPlaces,
    residency: Residency,
    job: RunningJob,
) -> Trials:
    """Trial loads, or where none is wanted what is known of a resident model's load."""
    if request.trial_load:
        try:
            loadable = as_safetensors(files, places, job=job)
        except JobFailed as failed:
            return Trials(failure=trial_failure(failed))
        return run_trials(loadable, cold=request.cold, residency=residency, job=job)
    resident = residency.peek(files)
    if resident is None and residency.name == files.name:  # of pickles a load reads the copy
        resident = residency.peek(as_safetensors(files, places, job=job))
    if resident is None:
        return Trials(failure=_failure_without_trial(files))
    return Trials(trial=describe_resident(resident))


def places_to_read_from(settings: Settings) -> dict[str, Path]:
    """By name: where prepared copies lie, and the storages that the hub's cache can be moved to."""
    moved = str(OWN_FOLDER) != constants.HF_HUB_CACHE
    return {
        "data": settings.data_dir / "models",
        **settings.storages,
        **({OWN_CACHE: OWN_FOLDER} if moved else {}),
    }


def _failure_without_trial(files: ModelFiles) -> TrialFailure | None:
    """Why a load would fail, as far as it looks before it reads weights; of pickles nothing is known."""
    try:
        if find_weights(files.folder).form == "safetensors":
            look(files.folder, quantization="nf4", dtype=DTYPE)
    except JobFailed as failed:
        return trial_failure(failed)
    return None

"""`model_preparation`: removes what makes a base model load slowly, and measures what each remedy brought."""

import shutil
import time
from dataclasses import dataclass, field
from pathlib import Path

from services.worker.diagnosis import predictions
from services.worker.diagnosis.applied import AppliedRemedy
from services.worker.diagnosis.checks import run_checks
from services.worker.diagnosis.diagnose import places_to_read_from
from services.worker.diagnosis.facts import LoadFacts, PreparedCopy, Target, TrialLoad
from services.worker.diagnosis.inspect import inspect_model
from services.worker.diagnosis.report import DiagnosisReport, make_report
from services.worker.diagnosis.trial_load import try_copy, try_load
from services.worker.diagnosis.trials import Trials
from services.worker.failures import FailureCode, JobFailed
from services.worker.loading.cache_move import (
    keep_move,
    move_model_cache,
    refuse_what_can_not_move,
    roll_back,
)
from services.worker.loading.hub_cache import ModelFiles, ModelPlaces, locate_model, resolve_model
from services.worker.loading.nf4_artifact import WEIGHTS_NAME, follow_source, is_disk_full, save_nf4
from services.worker.loading.nf4_load import ArtifactUnusable
from services.worker.loading.weight_files import find_weights
from services.worker.report import Report
from services.worker.residency import DTYPE, Residency
from shared.schemas import Frozen, ModelPreparationRequest
from shared.settings import Settings

_SLOWER = 1.1  # a load that takes so much longer from its new place is better off in the old one


class PreparedLoad(Frozen):
    """Seconds of cold loads by way of the prepared copy; null where there was nothing to measure."""

    before_seconds: float | None = None
    predicted_seconds: float | None = None
    after_seconds: float | None = None
    limit_seconds: float | None = None


class Preparation(Frozen):
    """The record's result. `artifact` is null for a checkpoint that holds 4-bit weights itself."""

    model: str
    artifact: str | None
    converted: bool
    source_bytes: int
    artifact_bytes: int | None = None
    save_seconds: float | None = None
    load: PreparedLoad = PreparedLoad()
    applied: tuple[AppliedRemedy, ...] = ()
    text: str = ""
    """The report for people, as plain lines."""


@dataclass
class _Course:
    """Where a preparation stands: the files as they lie now, what is known of them, what was done."""

    files: ModelFiles
    facts: LoadFacts
    settings: Settings
    residency: Residency
    report: Report
    applied: list[AppliedRemedy] = field(default_factory=list)
    copy: Path | None = None
    save_seconds: float | None = None

    def learn(self, **facts: object) -> None:
        self.facts = self.facts.model_copy(update=facts)

    def load_checkpoint(self) -> TrialLoad:
        """Load the checkpoint cold, unless that was done already and the model is still in memory."""
        known = self.facts.trial
        if known is None or self.residency.peek(self.files) is None:
            known = try_load(self.files, cold=True, residency=self.residency, report=self.report)
            self.learn(trial=known)
        return known


def prepare(
    request: ModelPreparationRequest, *, settings: Settings, residency: Residency, report: Report
) -> tuple[Preparation, DiagnosisReport]:
    """Convert pickles, move the cache where that is asked for, keep the model as quantized, load it from there.

    The model stays in memory. What exists and verifies is not made again. Returns the record's result and the diagnosis as it is now.
    Raises JobFailed as a load does, and DISK_FULL.
    """
    files, converted = _files(request, settings, report)
    residency.evict()
    course = _Course(files, _inspected(files, settings, report), settings, residency, report)
    if converted is not None:
        course.applied.append(converted)
    if request.move_cache_to is not None:
        _move_cache(course, request.move_cache_to)
    _keep_copy(course)
    if request.warm_page_cache:
        _warm_page_cache(course)
    diagnosis = make_report(course.facts, run_checks(course.facts), course.applied)
    copied = next((remedy for remedy in course.applied if remedy.remedy == "nf4_copy"), None)
    return (
        Preparation(
            model=files.name,
            artifact=course.copy.name if course.copy else None,
            converted=converted is not None,
            source_bytes=course.facts.checkpoint.opened_bytes,
            artifact_bytes=course.facts.copy_in_use.bytes if course.facts.copy_in_use else None,
            save_seconds=course.save_seconds,
            load=PreparedLoad(
                before_seconds=copied.before_seconds,
                predicted_seconds=copied.predicted_seconds,
                after_seconds=copied.measured_seconds,
                limit_seconds=copied.limit_seconds,
            )
            if copied
            else PreparedLoad(),
            applied=tuple(course.applied),
            text=diagnosis.text,
        ),
        diagnosis,
    )


def _files(
    request: ModelPreparationRequest, settings: Settings, report: Report
) -> tuple[ModelFiles, AppliedRemedy | None]:
    """The model as safetensors, and what was done for that."""
    name, places = request.model or settings.default_model, ModelPlaces.of(settings)
    located = locate_model(name, request.revision, places, report=report)
    pickles = find_weights(located.folder)
    if pickles.form != "bin":
        # What was found a moment ago is there; this adds the licence's notice.
        return resolve_model(name, request.revision, places, report=report), None
    if not request.convert_pickle:
        raise JobFailed(
            FailureCode.MODEL_REFUSED,
            f"{name!r} has `.bin` weights only, which are never opened as they are",
            "leave out `convert_pickle`, so that they are converted in a sandbox first",
        )
    files = resolve_model(name, request.revision, places, report=report)
    return files, AppliedRemedy(
        remedy="convert_pickle",
        action=f"converted {len(pickles.files)} pickle files to safetensors in a process without network",
        note="for safety: a pickle that torch can map is read as fast, so no gain is predicted",
    )


def _inspected(files: ModelFiles, settings: Settings, report: Report) -> LoadFacts:
    return inspect_model(
        files,
        models_dir=settings.models_dir,
        locate_seconds=None,
        attempt=Trials,
        places=places_to_read_from(settings),
        report=report,
    )


def _move_cache(course: _Course, storage: str) -> None:
    """Move the model's cache and load it cold from there; back, if that takes longer than before."""
    refuse_what_can_not_move(course.files, course.settings)
    before, old_files, old_facts = course.load_checkpoint(), course.files, course.facts
    target = old_facts.target(storage)
    predicted = predictions.from_target(old_facts, target) if target else None
    moved = move_model_cache(old_files, storage, course.settings, course.report)
    note, measured = None, None
    if moved.new_folder == moved.old_folder:
        note = "it was there already"
    else:
        try:
            course.files = locate_model(
                old_files.name, old_files.revision, ModelPlaces.of(course.settings), report=course.report
            )
            course.facts = _inspected(course.files, course.settings, course.report)
            measured = course.load_checkpoint()
        except JobFailed:
            roll_back(course.settings, course.report)
            raise
        if measured.total_seconds > _SLOWER * before.total_seconds:
            course.residency.evict()
            roll_back(course.settings, course.report)
            course.files, course.facts = old_files, old_facts
            note = "the load took longer from there, so the cache was put back where it was"
        else:
            keep_move(course.settings)
            follow_source(
                old_files.folder,
                course.files.folder,
                old_files.name,
                DTYPE,
                course.settings.data_dir / "models",
            )
    course.applied.append(
        AppliedRemedy(
            remedy="move_cache",
            action=f"moved the model's cache from {moved.old_folder} to {moved.new_folder}",
            before_seconds=before.total_seconds,
            predicted_seconds=predicted,
            measured_seconds=measured.total_seconds if measured else None,
            limit_seconds=_limit(old_facts.checkpoint.opened_bytes, target),
            note=note,
        )
    )


def _limit(size_bytes: int, target: Target | None) -> float | None:
    return size_bytes / target.limit_bytes_per_second if target and target.limit_bytes_per_second else None


def _keep_copy(course: _Course) -> None:
    """See that there is a prepared copy that works, and measure a cold load from it."""
    course.copy = course.residency.prepared_copy(course.files)
    if course.copy is not None:
        try:
            _measure_copy(course, before=None, predicted=None, action="the prepared copy is there already")
            return
        except (ArtifactUnusable, OSError) as error:
            course.report.event(f"The prepared copy can't be used and is made anew: {error}", level="warn")
            shutil.rmtree(course.copy, ignore_errors=True)
            course.copy = None
    before = course.load_checkpoint()
    predicted = predictions.from_copy(course.facts)
    _make_copy(course)
    if course.copy is not None:
        action = f"kept the model as quantized in {course.copy}"
        _measure_copy(course, before=before.total_seconds, predicted=predicted, action=action)


def _make_copy(course: _Course) -> None:
    """Save the resident model, unless its checkpoint is quantized itself."""
    loaded = course.residency.peek(course.files)
    if loaded is None or loaded.was_quantized:
        return
    started, data_dir = time.monotonic(), course.settings.data_dir
    try:
        course.copy = save_nf4(loaded, DTYPE, data_dir / "models", course.report)
    except OSError as error:
        if not is_disk_full(error):
            raise
        raise JobFailed(
            FailureCode.DISK_FULL,
            f"there is too little space for the quantized copy: {error.strerror}",
            f"free space in {data_dir}, or move TUNEDOCK_DATA_DIR to a larger disk",
        ) from error
    course.save_seconds = time.monotonic() - started


def _measure_copy(course: _Course, *, before: float | None, predicted: float | None, action: str) -> None:
    assert course.copy is not None
    size_bytes = (course.copy / WEIGHTS_NAME).stat().st_size
    run = try_copy(course.files, course.copy, cold=True, residency=course.residency, report=course.report)
    course.learn(copy_in_use=PreparedCopy(folder=str(course.copy), bytes=size_bytes), prepared=(run,))
    course.applied.append(
        AppliedRemedy(
            remedy="nf4_copy",
            action=action,
            before_seconds=before,
            predicted_seconds=predicted,
            measured_seconds=run.total_seconds,
            limit_seconds=_limit(size_bytes, course.facts.target("data")),
        )
    )


def _warm_page_cache(course: _Course) -> None:
    """Bring the file that jobs load into memory in large reads, and load it from there."""
    if course.copy is not None:
        predicted, before = predictions.from_warm_copy(course.facts), course.facts.prepared[0]
        run = try_copy(
            course.files, course.copy, cold=False, residency=course.residency, report=course.report
        )
        course.learn(prepared=(*course.facts.prepared, run))
    else:  # a checkpoint that is quantized itself
        predicted, before = predictions.without_storage(course.facts), course.load_checkpoint()
        run = try_load(course.files, cold=False, residency=course.residency, report=course.report, warm=True)
        course.learn(warm=run)
    course.applied.append(
        AppliedRemedy(
            remedy="warm_page_cache",
            action="read the weights into the page cache in large pieces; they stay while memory lasts",
            before_seconds=before.total_seconds,
            predicted_seconds=predicted,
            measured_seconds=run.total_seconds,
            note=None if run.is_warm else "memory has no room for them, so they were left where they are",
        )
    )

"""What each kind of job does: from a claim to the record's result."""

import json
import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from services.worker import metrics
from services.worker.diagnosis.diagnose import diagnose
from services.worker.evaluation.evaluate import evaluate
from services.worker.explaining.books import TrainingBooks
from services.worker.explaining.diagnosis import explain_training
from services.worker.explaining.ended import how_it_ended, report_without_steps
from services.worker.failures import Failure, FailureCode, JobFailed
from services.worker.models.families.model_errors import model_errors_explained
from services.worker.models.hub.cache_folder import apply_cache_folder
from services.worker.models.hub.untried_move import take_back_untried_move
from services.worker.models.residency import Residency
from services.worker.phase_clock import PhaseClock
from services.worker.preparing.prepare import prepare
from services.worker.process.failure_of import failure_of
from services.worker.process.job_inputs import adapter_of, base_model, datasets_of, rows_reader
from services.worker.process.job_metrics import observe_diagnosis, observe_predictions, observe_step
from services.worker.running_job import JobCancelled, JobStopped, RunningJob
from services.worker.text.token_report import token_report
from services.worker.training.done_step import DoneStep
from services.worker.training.fine_tuning import fine_tune
from shared.durable import write_json_durably
from shared.job_folder import JobFolder
from shared.job_records import Claim
from shared.messages.message import say
from shared.model_names import fine_tuned_model_id
from shared.reports.load import LoadReport
from shared.schemas.requests import (
    DatasetReportRequest,
    EvaluationRequest,
    FineTuningRequest,
    LoadDiagnosticRequest,
    ModelPreparationRequest,
    TrainingDiagnosticRequest,
)
from shared.settings import Settings
from shared.training_settings.outcome import ReadSettings

logger = logging.getLogger(__name__)
Result = dict[str, Any]


def do(claim: Claim, settings: Settings, residency: Residency, job: RunningJob) -> Result:
    """Do the work of one claimed job and return its record's result. Raises JobFailed and JobStopped."""
    work: dict[str, Callable[..., Result]] = {
        "fine_tuning": _fine_tune,
        "evaluation": _evaluate,
        "load_diagnostic": _diagnose,
        "training_diagnostic": _explain,
        "model_preparation": _prepare,
        "dataset_report": _report_rows,
    }
    take_back_untried_move(claim.job_id, settings, job)
    apply_cache_folder(settings)  # the storage it was moved to may be back, or gone
    try:
        return work[claim.kind](claim, settings, residency, job)
    except (PermissionError, FileNotFoundError) as error:
        raise _unreadable(error, settings, claim.job_id) from error


@contextmanager
def _told_how_it_ended(
    tell: Callable[[Failure | None], None], settings: Settings, job_id: str
) -> Iterator[None]:
    """`tell` hears of a failure within, and, by None, of a cancel; not of an attempt that is followed by
    another one. What goes wrong in telling changes nothing about how the job ends.
    """

    def told(failure: Failure | None) -> None:
        try:
            tell(failure)
        except Exception:
            logger.exception("the report of job %s, which ended early", job_id)

    try:
        yield
    except JobCancelled:
        told(None)
        raise
    except JobStopped:
        raise
    except Exception as error:
        if isinstance(error, PermissionError | FileNotFoundError):
            told(failure_of(_unreadable(error, settings, job_id)))
        else:
            told(failure_of(error))
        raise


def _unreadable(error: OSError, settings: Settings, job_id: str) -> Exception:
    """A file that may not be read, or vanished, is a failure: the user's, or what this job is to do. Another
    of ours is a fault.
    """
    path = Path(str(error.filename)) if error.filename is not None else None
    folder = JobFolder.of(settings.data_dir, job_id)
    if path is not None and (path == folder.spec or path.is_relative_to(folder.rows)):
        lost = say("job-file-lost", name=str(path.relative_to(folder.path)), error=error.strerror or "")
        return JobFailed(FailureCode.JOB_FILES_LOST, lost, say("restore-or-submit-again"))
    if path is None or path.is_relative_to(settings.data_dir):
        return error
    if isinstance(error, FileNotFoundError):
        return JobFailed(
            FailureCode.MODEL_UNREADABLE,
            say("file-vanished", path=path),
            say("let-writer-finish"),
        )
    return JobFailed(
        FailureCode.MODEL_UNREADABLE,
        say("file-not-readable", path=path, user=str(os.geteuid())),
        say("let-everybody-read", folder=path.parent),
    )


def _fine_tune(claim: Claim, settings: Settings, residency: Residency, job: RunningJob) -> Result:
    folder = JobFolder.of(settings.data_dir, claim.job_id)
    books = TrainingBooks(claim.attempt, folder, job)
    request = FineTuningRequest.model_validate(claim.request)

    def ended(failure: Failure | None) -> None:
        books.ended(failure, request.model or settings.default_model, residency.device)

    with _told_how_it_ended(ended, settings, claim.job_id):
        result = _train(claim, request, books, settings, residency, job)
    if not request.dry_run:
        observe_predictions(result)
    return result


def _train(
    claim: Claim,
    request: FineTuningRequest,
    books: TrainingBooks,
    settings: Settings,
    residency: Residency,
    job: RunningJob,
) -> Result:
    folder = JobFolder.of(settings.data_dir, claim.job_id)
    books.stages.turn("data_load")
    datasets = datasets_of(folder)
    if not request.dry_run:
        metrics.record_training_start()
    books.stages.turn("model_load")
    books.base = base = base_model(request, list(datasets.values()), settings, residency, job)

    def observe(step: DoneStep) -> None:
        books.look()
        observe_step(step)

    with model_errors_explained(base.files.name):
        result = fine_tune(
            base,
            request,
            training=datasets["training"],
            validation=datasets.get("validation"),
            job_folder=folder,
            start=adapter_of(request.adapter, folder, settings),
            attempt=claim.attempt,
            checkpoint_seconds=settings.checkpoint_seconds,
            job=job,
            observe=observe,
            now=datetime.fromtimestamp(claim.created_at, UTC),
            bookkeeper=books,
        )
    if request.dry_run:
        return result
    name = fine_tuned_model_id(base.files.name, request.suffix, claim.job_id)
    return {"fine_tuned_model": name, **result}


def _evaluate(claim: Claim, settings: Settings, residency: Residency, job: RunningJob) -> Result:
    request = EvaluationRequest.model_validate(claim.request)
    folder = JobFolder.of(settings.data_dir, claim.job_id)
    data = datasets_of(folder)["evaluation"]
    base = base_model(request, [data], settings, residency, job)
    with model_errors_explained(base.files.name):
        return evaluate(
            base,
            data=data,
            adapter_folder=adapter_of(request.adapter, folder, settings),
            instruction=request.instruction,
            labels=data.summary.labels,
            max_seq_length=request.max_seq_length,
            job=job,
            now=datetime.fromtimestamp(claim.created_at, UTC),
        )


def _diagnose(claim: Claim, settings: Settings, residency: Residency, job: RunningJob) -> Result:
    request = LoadDiagnosticRequest.model_validate(claim.request)
    diagnosis = diagnose(request, settings=settings, residency=residency, job=job)
    _keep_report(claim, diagnosis, settings)
    return diagnosis.result()


def _explain(claim: Claim, settings: Settings, residency: Residency, job: RunningJob) -> Result:
    request = TrainingDiagnosticRequest.model_validate(claim.request)
    folder = JobFolder.of(settings.data_dir, claim.job_id)
    data, stages = datasets_of(folder)["training"], PhaseClock(first="model_load")
    told = ReadSettings.model_validate(json.loads(folder.spec.read_text())["settings"])

    def ended(failure: Failure | None) -> None:
        without = report_without_steps(
            "training_diagnostic",
            request.model or settings.default_model,
            residency.device,
            how_it_ended(failure),
            stages.take(),
            settings=told.settings.model_dump(mode="json"),
        )
        write_json_durably(folder.report, without.model_dump(mode="json"))

    with _told_how_it_ended(ended, settings, claim.job_id):
        base = base_model(request, [data], settings, residency, job)
        with model_errors_explained(base.files.name):
            explained = explain_training(
                base,
                request,
                data,
                told=told,
                stages=stages,
                now=datetime.fromtimestamp(claim.created_at, UTC),
                job=job,
            )
    write_json_durably(folder.report, explained.model_dump(mode="json"))
    return explained.result()


def _prepare(claim: Claim, settings: Settings, residency: Residency, job: RunningJob) -> Result:
    request = ModelPreparationRequest.model_validate(claim.request)
    preparation, _ = prepare(
        request,
        settings=settings,
        residency=residency,
        job=job,
        job_id=claim.job_id,
        keep_report=lambda diagnosis: _keep_report(claim, diagnosis, settings),
    )
    return preparation.model_dump(mode="json")


def _report_rows(claim: Claim, settings: Settings, residency: Residency, job: RunningJob) -> Result:
    request = DatasetReportRequest.model_validate(claim.request)
    folder = JobFolder.of(settings.data_dir, claim.job_id)
    datasets = datasets_of(folder)

    def tick(rows: int) -> None:
        job.progress("tokenizing", rows=rows)

    reader = rows_reader(request, list(datasets.values()), settings, job)
    with model_errors_explained(reader.model):
        report = token_report(
            reader, request, datasets, now=datetime.fromtimestamp(claim.created_at, UTC), tick=tick
        )
    write_json_durably(folder.report, report.model_dump(mode="json"))
    return report.result()


def _keep_report(claim: Claim, diagnosis: LoadReport, settings: Settings) -> None:
    path = JobFolder.of(settings.data_dir, claim.job_id).report
    write_json_durably(path, diagnosis.model_dump(mode="json"))
    observe_diagnosis(diagnosis)

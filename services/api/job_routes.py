"""The native API: jobs, their reports, their adapters."""

import json
from pathlib import Path
from typing import Any, Literal

from flask import Response, g
from pydantic import Field, ValidationError

from services.api.adapter_archive import AdapterArchive
from services.api.report_pages import PAGES
from services.api.routing import json_response
from services.api.service import Service
from services.api.submit import submit_job
from services.api.tries import this_try
from shared.adapters import OPTIMIZER, adapter_folder, checkpoint_steps
from shared.errors import AdapterDamaged, NotFinished, NotFound
from shared.family_names import UnknownModule
from shared.job_folder import JobFolder
from shared.jobs import TERMINAL
from shared.messages.catalog import DEFAULT_LANGUAGE
from shared.messages.document import in_sentences
from shared.messages.message import Message, say
from shared.renamed_families import names_of
from shared.reports.data_tokens import TokenReport
from shared.reports.data_tokens_text import tokens_text
from shared.reports.load import LoadReport
from shared.reports.load_text import load_text
from shared.reports.stored import read_stored
from shared.reports.training import TrainingReport
from shared.reports.training_text import training_text
from shared.schemas.fields import JobKind, JobStatus, MetadataFilter
from shared.schemas.frozen import Frozen
from shared.schemas.records import JobRecord
from shared.schemas.requests import JobRequest
from shared.sealed_folder import MANIFEST, fault_in_hashes, manifest_of, sealed_at


class JobsQuery(Frozen):
    kind: JobKind | None = None
    status: JobStatus | None = None
    after: str | None = Field(None, description="a job's id: list those older than it")
    limit: int = Field(20, ge=1, le=100)
    metadata: MetadataFilter | None = None


class JobList(Frozen):
    """Newest first."""

    object: Literal["list"] = "list"
    data: list[JobRecord]
    has_more: bool


class ReportQuery(Frozen):
    format: Literal["json", "html"] = Field(
        "json", description="`html`: a page with pictures, of all kinds but evaluations"
    )


class AdapterQuery(Frozen):
    names: Literal["original", "llama"] = Field(
        "original", description="`llama`: with the names of the Llama classes, where training used those"
    )
    step: int | None = Field(None, ge=1, le=10_000_000, description="of this checkpoint, not of the end")


def create_job(service: Service, *, body: JobRequest) -> Response:
    """Check a request, prepare its rows and queue it."""
    accepted = submit_job(service, body, this_try("jobs"))
    answer = json_response(accepted.job, 202)
    answer.headers["Location"] = f"/v1/jobs/{accepted.job.id}"
    if not accepted.submission.created:
        answer.headers["Idempotent-Replayed"] = "true"
    return answer


def list_jobs(service: Service, *, query: JobsQuery) -> JobList:
    page = service.store.list_jobs(
        kind=query.kind, status=query.status, after=query.after, limit=query.limit, metadata=query.metadata
    )
    return JobList(data=list(page.records), has_more=page.has_more)


def get_job(service: Service, *, job_id: str) -> JobRecord:
    return service.store.get(job_id)


def cancel_job(service: Service, *, job_id: str) -> JobRecord:
    return service.cancel(job_id)


def pause_job(service: Service, *, job_id: str) -> JobRecord:
    return service.store.pause(job_id)


def resume_job(service: Service, *, job_id: str) -> JobRecord:
    record = service.store.resume(job_id)
    service.ring(job_id)
    return record


def get_report(service: Service, *, job_id: str, query: ReportQuery) -> Response:
    """The result of a job: a diagnosis, an evaluation, what training came to."""
    record = service.store.get(job_id)
    if query.format == "html":
        return report_page(service, record)
    report = _with_text(report_of(service, record))
    return Response(json.dumps(in_sentences(report), ensure_ascii=False), content_type="application/json")


def report_page(service: Service, record: JobRecord) -> Response:
    """The report drawn. Raises `NotFound` for kinds without a page, and `NotFinished`."""
    draw = PAGES.get(record.kind)
    if draw is None:
        raise NotFound(say("report-has-no-page", job=record.id, kind=record.kind, drawn_kinds=list(PAGES)))
    return draw(service, record, report_of(service, record))


def _with_text(report: dict[str, Any]) -> dict[str, Any]:
    """With a report's lines in the reader's language; the worker wrote them in English.

    A report of before messages keeps its text, and so does one that can't be read any more.
    """
    if g.language == DEFAULT_LANGUAGE:
        return report
    try:
        text = _text(report)
    except ValidationError:
        return report
    return report if text is None else {**report, "text": text}


def _text(report: dict[str, Any]) -> str | None:
    """None where it is no report with lines, or one of before messages."""
    if report.get("kind") in ("training_diagnostic", "fine_tuning") and "facts" in report:
        return training_text(read_stored(TrainingReport, report))
    if report.get("kind") == "dataset_report":
        return tokens_text(read_stored(TokenReport, report))
    if report.get("kind") != "load_diagnostic":
        return None
    load = read_stored(LoadReport, report)
    return None if any(isinstance(finding.title, str) for finding in load.findings) else load_text(load)


def get_adapter(service: Service, *, job_id: str, query: AdapterQuery) -> Response:
    """The adapter of a fine-tuning job as a tar archive, ready for `peft`."""
    record = service.store.get(job_id)
    if record.kind != "fine_tuning":
        raise NotFound(say("job-makes-no-adapter", job=job_id, kind=record.kind))
    if record.request.get("dry_run"):
        raise NotFound(say("job-was-dry-run", job=job_id))
    if query.step is not None:
        return _checkpoint(service, record, query.step, query.names).response()
    finished(record, "adapter")
    if record.model_deleted_at is not None:
        raise NotFound(say("adapter-was-deleted", job=job_id))
    job_folder = service.job_folder(record.id)
    folder = job_folder.adapter if query.names == "original" else job_folder.adapter_under(query.names)
    if not folder.is_dir():
        raise NotFound(say("no-adapter-with-names", job=job_id, names=query.names))
    _require_whole(folder, record.id)
    return AdapterArchive.of(
        folder, name=f"{record.id}-{folder.name}", made_at=record.finished_at or 0
    ).response()


def _require_whole(folder: Path, job_id: str) -> None:
    """Raises `AdapterDamaged`. Reads every byte first: half an answer can't be taken back."""
    if (folder / MANIFEST).exists() and manifest_of(folder) is None:
        raise AdapterDamaged(say("adapter-is-damaged", job=job_id, fault=say("no-manifest", name=MANIFEST)))
    if fault := fault_in_hashes(folder, spared=(OPTIMIZER,)):
        raise AdapterDamaged(say("adapter-is-damaged", job=job_id, fault=fault))


def _checkpoint(service: Service, record: JobRecord, step: int, names: str) -> AdapterArchive:
    folder = adapter_folder(service.job_folder(record.id), step)
    if folder is None:
        raise NotFound(_no_checkpoint(service.job_folder(record.id), record.id, step), param="step")
    _require_whole(folder, record.id)
    manifest = json.loads((folder / MANIFEST).read_bytes())
    family = names_of(manifest["fingerprint"]["base"]["architecture"])
    try:
        return AdapterArchive.of_checkpoint(
            folder,
            name=f"{record.id}-step-{step}",
            made_at=sealed_at(folder),
            renamed=family if names == "original" else None,
        )
    except UnknownModule as error:
        own = family.runs_under if family else ""
        said = say("checkpoint-not-renamed", module=error.name, family=error.title, names=own)
        raise NotFound(said, param="names") from error


def _no_checkpoint(folder: JobFolder, job_id: str, step: int) -> Message:
    if kept := checkpoint_steps(folder):
        steps = [str(one) for one in kept]
        return say("no-checkpoint-of-step", job=job_id, step=str(step), count=len(steps), steps=steps)
    return say("no-checkpoint-kept", job=job_id)


def finished(record: JobRecord, wanted: Literal["adapter", "report"]) -> JobRecord:
    """Raises `NotFinished` unless the job succeeded."""
    if record.status == "succeeded":
        return record
    if record.status not in TERMINAL:
        raise NotFinished(say("job-not-finished", job=record.id, status=record.status, wanted=wanted))
    ended = say("job-ended-without", job=record.id, status=record.status, wanted=wanted)
    why = [record.error.message, record.error.remedy] if record.error else []
    raise NotFinished(say("sentences", sentences=[ended, *why]))


def report_of(service: Service, record: JobRecord) -> dict[str, Any]:
    """`report.json` where the worker wrote one, else the record's result.

    A job that failed late wrote one too: what it had measured, and changed, until then. That of a fine-tuning
    has the result's fields as well. Raises `NotFinished`.
    """
    path = service.job_folder(record.id).report
    if record.status not in TERMINAL or not path.is_file():
        return dict(finished(record, "report").result or {})
    report: dict[str, Any] = json.loads(path.read_bytes())
    return {**(record.result or {}), **report} if record.kind == "fine_tuning" else report

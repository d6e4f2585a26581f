"""OpenAI's fine-tuning API over the same job records, so that its unmodified clients work."""

import time
from itertools import islice

from flask import Response
from pydantic import Field
from pydantic.json_schema import SkipJsonSchema

from services.api.base_models import fine_tuned_name, kept_model
from services.api.openai_shapes import (
    AcceptedFineTuningJob,
    Checkpoint,
    CheckpointList,
    CreateFineTuningJob,
    FacadeHyperparameters,
    FineTuningEvent,
    FineTuningEventList,
    FineTuningJob,
    FineTuningJobList,
    JobFailure,
    JobHyperparameters,
    JobMethod,
    JobSupervised,
)
from services.api.result_files import metrics_by_step, openai_names, result_file_ids
from services.api.routing import json_response
from services.api.service import Service
from services.api.submit import for_reader, submit_job
from services.api.tries import this_try
from shared.adapters import checkpoint_steps
from shared.errors import NotFound
from shared.messages.message import say
from shared.model_names import checkpoint_model_id
from shared.schemas.fields import FACADE_EVENT_ID_PATTERN, MetadataFilter, NoMetadata
from shared.schemas.frozen import Frozen
from shared.schemas.hyperparameters import Hyperparameters
from shared.schemas.records import JobEvent, JobRecord
from shared.schemas.requests import FineTuningRequest
from shared.sealed_folder import sealed_at

CHECKPOINT_METRICS = ("train_loss", "valid_loss", "full_valid_loss")
ORGANIZATION = "tunedock"
SHOWN_AS_RUNNING = ("running", "pausing", "cancelling")


class FineTuningJobsQuery(Frozen):
    after: str | None = Field(None, description="a job's id: list those older than it")
    limit: int = Field(20, ge=1, le=100)
    metadata: MetadataFilter | SkipJsonSchema[NoMetadata] | None = None


class FineTuningEventsQuery(Frozen):
    after: str | None = Field(
        None, pattern=FACADE_EVENT_ID_PATTERN, description="an event's id: list those older than it"
    )
    limit: int = Field(20, ge=1, le=1000)


class CheckpointsQuery(Frozen):
    after: str | None = Field(None, description="a checkpoint's id: list those older than it")
    limit: int = Field(10, ge=1, le=100)


def create_fine_tuning_job(service: Service, *, body: CreateFineTuningJob) -> Response:
    accepted = submit_job(service, native_request(body), this_try("fine_tuning/jobs"))
    shown = shown_job(accepted.submission.record)
    return json_response(
        AcceptedFineTuningJob(**dict(shown), warnings=[for_reader(one) for one in accepted.warnings])
    )


def list_fine_tuning_jobs(service: Service, *, query: FineTuningJobsQuery) -> FineTuningJobList:
    page = service.store.list_jobs(
        kind="fine_tuning", after=query.after, limit=query.limit, metadata=query.metadata
    )
    return FineTuningJobList(data=[shown_job(record) for record in page.records], has_more=page.has_more)


def get_fine_tuning_job(service: Service, *, job_id: str) -> FineTuningJob:
    return shown_job(_record(service, job_id))


def cancel_fine_tuning_job(service: Service, *, job_id: str) -> FineTuningJob:
    _record(service, job_id)
    return shown_job(service.cancel(job_id))


def pause_fine_tuning_job(service: Service, *, job_id: str) -> FineTuningJob:
    _record(service, job_id)
    return shown_job(service.store.pause(job_id))


def resume_fine_tuning_job(service: Service, *, job_id: str) -> FineTuningJob:
    _record(service, job_id)
    record = service.store.resume(job_id)
    service.ring(job_id)
    return shown_job(record)


def list_fine_tuning_events(
    service: Service, *, job_id: str, query: FineTuningEventsQuery
) -> FineTuningEventList:
    _record(service, job_id)
    page = service.events.page(job_id, after=_native_event_id(job_id, query.after), limit=query.limit)
    return FineTuningEventList(
        data=[_shown_event(job_id, event) for event in page.events], has_more=page.has_more
    )


def list_checkpoints(service: Service, *, job_id: str, query: CheckpointsQuery) -> CheckpointList:
    """The checkpoints still kept, newest first."""
    record = _record(service, job_id)
    found = sorted(checkpoint_steps(service.job_folder(job_id)), reverse=True)
    if query.after is not None:
        ids = [_checkpoint_id(record, step) for step in found]
        if query.after not in ids:
            raise NotFound(say("no-such-checkpoint", checkpoint=query.after[:80]), param="after")
        found = found[ids.index(query.after) + 1 :]
    metrics = metrics_by_step(service, job_id) if found else {}
    page = [
        _shown_checkpoint(service, record, step, metrics.get(step, {})) for step in islice(found, query.limit)
    ]
    return CheckpointList(
        data=page,
        has_more=len(found) > query.limit,
        first_id=page[0].id if page else None,
        last_id=page[-1].id if page else None,
    )


def native_request(body: CreateFineTuningJob) -> FineTuningRequest:
    """OpenAI's request in native terms; every field was checked by its own type already."""
    chosen = body.method.supervised.hyperparameters if body.method else body.hyperparameters
    native = (chosen or FacadeHyperparameters()).native()
    if body.seed is not None:
        native = native.model_copy(update={"seed": body.seed})
    same = {
        "model",
        "revision",
        "training_file",
        "validation_file",
        "format",
        "columns",
        "instruction",
        "long_text",
        "priority",
        "after",
        "webhook",
    }
    return FineTuningRequest(
        hyperparameters=native,
        plan=body.plan,
        suffix=body.suffix,
        metadata=body.metadata or {},
        **body.model_dump(include=same),
    )


def shown_job(record: JobRecord) -> FineTuningJob:
    request = record.request
    hyperparameters = _shown_hyperparameters(Hyperparameters.model_validate(request["hyperparameters"]))
    result, eta_seconds = record.result or {}, record.progress.eta_seconds
    running = record.status in SHOWN_AS_RUNNING
    return FineTuningJob(
        id=record.id,
        created_at=int(record.created_at),
        finished_at=None if record.finished_at is None else int(record.finished_at),
        estimated_finish=int(time.time() + eta_seconds) if running and eta_seconds is not None else None,
        model=request.get("adapter") or request["model"],
        fine_tuned_model=kept_model(record) if record.status == "succeeded" else None,
        organization_id=ORGANIZATION,
        status="running" if record.status in SHOWN_AS_RUNNING else record.status,
        hyperparameters=hyperparameters,
        method=JobMethod(supervised=JobSupervised(hyperparameters=hyperparameters)),
        training_file=request.get("training_file") or request.get("dataset") or "",
        validation_file=request.get("validation_file") or request.get("validation_dataset"),
        result_files=result_file_ids(record),
        trained_tokens=result.get("trained_tokens"),
        seed=request["hyperparameters"]["seed"],
        metadata=request.get("metadata") or {},
        error=_shown_failure(record),
    )


def _record(service: Service, job_id: str) -> JobRecord:
    record = service.store.get(job_id)
    if record.kind != "fine_tuning":
        raise NotFound(say("job-of-other-kind", job=job_id, kind=record.kind))
    return record


def _shown_hyperparameters(native: Hyperparameters) -> JobHyperparameters:
    multiplier = native.learning_rate / Hyperparameters().learning_rate
    return JobHyperparameters(
        batch_size=native.global_batch_size,
        learning_rate_multiplier=float(f"{multiplier:.12g}"),
        n_epochs=native.n_epochs,
    )


def _shown_failure(record: JobRecord) -> JobFailure | None:
    if record.error is None:
        return None
    return JobFailure(code=record.error.code, message=f"{record.error.message} {record.error.remedy}".strip())


def _shown_event(job_id: str, event: JobEvent) -> FineTuningEvent:
    return FineTuningEvent(
        id=f"{_event_prefix(job_id)}{event.id}",
        created_at=int(event.created_at),
        level=event.level,
        message=event.message,
        type=event.type,
        data=openai_names(event.data),
    )


def _native_event_id(job_id: str, event_id: str | None) -> str | None:
    """Raises `NotFound` for an event of another job."""
    if event_id is None:
        return None
    prefix = _event_prefix(job_id)
    if not event_id.startswith(prefix):
        raise NotFound(say("no-such-event", job=job_id, event=event_id), param="after")
    return event_id.removeprefix(prefix)


def _event_prefix(job_id: str) -> str:
    return f"ftevent-{job_id.removeprefix('ftjob-')}-"


def _checkpoint_id(record: JobRecord, step: int) -> str:
    return f"ftckpt-{record.id.removeprefix('ftjob-')}-{step}"


def _shown_checkpoint(service: Service, record: JobRecord, step: int, seen: dict[str, float]) -> Checkpoint:
    folder = service.job_folder(record.id).checkpoint(step)
    measured = {key: seen[key] for key in CHECKPOINT_METRICS if key in seen}
    return Checkpoint(
        id=_checkpoint_id(record, step),
        created_at=int(sealed_at(folder)),
        fine_tuned_model_checkpoint=checkpoint_model_id(str(fine_tuned_name(record)), step),
        fine_tuning_job_id=record.id,
        step_number=step,
        metrics={"step": float(step), **measured},
    )

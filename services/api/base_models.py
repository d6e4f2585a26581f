"""Which model a request means: the default filled in, the name checked, a fine-tuned model taken apart.

A fine-tuned model, or a checkpoint, is an adapter on a base model. Where a request names one as its `model`,
it becomes the request's `adapter`, and its base the `model`. The job that makes one may be named instead.
While that has not ended, the new job is to run after it.
"""

from contextlib import suppress
from dataclasses import dataclass

from services.api.service import Service
from shared.adapters import adapter_folder, checkpoint_steps
from shared.errors import InvalidField, ModelUnknown, NotFound
from shared.jobs import TERMINAL, is_whole_job_id
from shared.json_text import json_text
from shared.messages.message import Message, say
from shared.model_names import (
    FineTunedModel,
    checkpoint_model_id,
    fine_tuned_model,
    fine_tuned_model_id,
    is_fine_tuned,
)
from shared.model_search import check_base_model
from shared.schemas.hyperparameters import Lora
from shared.schemas.records import JobRecord
from shared.schemas.requests import EvaluationRequest, FineTuningRequest, JobRequest


@dataclass(frozen=True)
class FineTuned:
    """A fine-tuned model of this installation and the job that made it, or is to make it."""

    model: FineTunedModel
    record: JobRecord


def resolve_models(service: Service, request: JobRequest) -> JobRequest:
    """The request with its base model named. Raises `ModelUnknown`, `ModelUnusable` and `InvalidField`."""
    if isinstance(request, EvaluationRequest | FineTuningRequest):
        adapter = _adapter_of(request)
        if adapter is not None:
            return _with_adapter(service, request, _model_of(service, adapter))
    model = request.model or service.settings.default_model
    check_base_model(model, service.model_folders, to_load=request.kind != "load_diagnostic")
    return request.model_copy(update={"model": model})


def fine_tuned(service: Service, name: str) -> FineTuned | None:
    """The fine-tuned model or checkpoint of this name whose files are there, or None."""
    model = fine_tuned_model(name)
    try:
        record = service.store.get(model.job_id) if model else None
    except NotFound:
        return None
    if model is None or record is None or model.made_by_its_job != kept_model(record):
        return None
    if model.step is None and record.status != "succeeded":
        return None
    there = adapter_folder(service.job_folder(record.id), model.step)
    return FineTuned(model, record) if there else None


def fine_tuned_name(record: JobRecord) -> str | None:
    """The model id that a fine-tuning job ends with, and its checkpoints begin with; a dry run has none."""
    if record.kind != "fine_tuning" or record.request.get("dry_run"):
        return None
    ended_with = (record.result or {}).get("fine_tuned_model")
    return ended_with or fine_tuned_model_id(record.request["model"], record.request.get("suffix"), record.id)


def kept_model(record: JobRecord) -> str | None:
    """The same, unless the model was deleted since."""
    return fine_tuned_name(record) if record.model_deleted_at is None else None


def usable_checkpoints(service: Service, record: JobRecord) -> list[str]:
    """The model ids of a job's checkpoints that are kept, oldest first."""
    name = fine_tuned_name(record)
    steps = checkpoint_steps(service.job_folder(record.id)) if name else []
    return [checkpoint_model_id(str(name), step) for step in steps]


def _adapter_of(request: EvaluationRequest | FineTuningRequest) -> str | None:
    if request.model is None or not is_fine_tuned(request.model):
        return request.adapter
    if request.adapter not in (None, request.model):
        raise InvalidField(
            say("two-fine-tuned-models", model=request.model, adapter=request.adapter), param="adapter"
        )
    return request.model


def _model_of(service: Service, name: str) -> str:
    """`name`, or where it is a job that makes a fine-tuned model, that model's name."""
    if not is_whole_job_id(name):
        return name
    with suppress(NotFound):
        return fine_tuned_name(service.store.get(name)) or name
    return name


def _with_adapter(
    service: Service, request: EvaluationRequest | FineTuningRequest, name: str
) -> EvaluationRequest | FineTuningRequest:
    if to_come := _to_come(service, name):  # first: it may end while we look
        named = _with_adapters_base(request, to_come)
        return named.model_copy(update={"after": list(dict.fromkeys([*request.after, to_come.record.id]))})
    if found := fine_tuned(service, name):
        return _with_adapters_base(request, found)
    raise ModelUnknown(why_no_model(service, name), param="adapter")


def _to_come(service: Service, name: str) -> FineTuned | None:
    """The fine-tuned model of this name if the job that is to make it has not ended."""
    model = fine_tuned_model(name)
    if model is None or model.step is not None:
        return None
    try:
        record = service.store.get(model.job_id)
    except NotFound:
        return None
    if record.status in TERMINAL or fine_tuned_name(record) != name:
        return None
    return FineTuned(model, record)


def why_no_model(service: Service, name: str) -> Message:
    """What became of the fine-tuned model of this name, which is not there."""
    model = fine_tuned_model(name) or (FineTunedModel(name, name, None) if is_whole_job_id(name) else None)
    if model and _was_deleted(service, model):
        told = [say("fine-tuned-model-was-deleted", model=name)]
    else:
        told = [say("no-such-fine-tuned-model", model=name), *(_why_not(service, model) if model else [])]
    return say("sentences", sentences=[*told, say("models-are-listed")])


def _was_deleted(service: Service, model: FineTunedModel) -> bool:
    try:
        record = service.store.get(model.job_id)
    except NotFound:
        return False
    return record.model_deleted_at is not None and fine_tuned_name(record) == model.made_by_its_job


def _why_not(service: Service, model: FineTunedModel) -> list[Message]:
    """What is known of the job that the name speaks of."""
    try:
        record = service.store.get(model.job_id)
    except NotFound:
        return [say("no-such-job", job=model.job_id)]
    name = fine_tuned_name(record)
    if name is None and record.kind == "fine_tuning":
        return [say("job-was-dry-run", job=record.id)]
    if name is None:
        return [say("job-makes-no-adapter", job=record.id, kind=record.kind)]
    if name != model.made_by_its_job:
        return [say("model-of-job-is-called", job=record.id, model=name)]
    names = usable_checkpoints(service, record)
    kept = [say("checkpoints-kept", checkpoints=names)] if names else []
    if model.step is None and record.status != "succeeded":
        return [say("job-has-status", job=record.id, status=record.status), *kept]
    if model.step is not None:
        return kept or [say("no-checkpoint-kept", job=record.id)]
    return [say("model-files-gone")]


def _with_adapters_base(
    request: EvaluationRequest | FineTuningRequest, adapter: FineTuned
) -> EvaluationRequest | FineTuningRequest:
    trained = adapter.record.request
    base = {"model": trained["model"], "revision": trained.get("revision")}
    if request.model not in (None, base["model"], adapter.model.name):
        raise InvalidField(
            say("adapter-has-other-base", made_for=base["model"], model=request.model), param="model"
        )
    if request.revision not in (None, base["revision"]):
        raise InvalidField(_other_revision(adapter, request.revision), param="revision")
    named = request.model_copy(update={**base, "adapter": adapter.model.name})
    return _with_its_shape(named, adapter) if isinstance(named, FineTuningRequest) else named


def _other_revision(adapter: FineTuned, asked: str | None) -> Message:
    made_for = adapter.record.request.get("revision")
    if made_for is None:
        return say("adapter-of-main-branch", revision=asked)
    return say("adapter-has-other-revision", made_for=made_for, revision=asked)


def _with_its_shape(request: FineTuningRequest, adapter: FineTuned) -> FineTuningRequest:
    """Training goes on in the adapter that there is: its rank, scaling and layers are no longer a choice."""
    its = Lora.model_validate(adapter.record.request["hyperparameters"]["lora"])
    wanted = request.hyperparameters.lora
    for field in ("r", "alpha", "target_modules"):
        if field in wanted.model_fields_set and getattr(wanted, field) != getattr(its, field):
            raise InvalidField(
                say(
                    "adapter-has-its-shape",
                    adapter=adapter.model.name,
                    field=f"hyperparameters.lora.{field}",
                    value=json_text(getattr(its, field)),
                    wanted=json_text(getattr(wanted, field)),
                ),
                param=f"hyperparameters.lora.{field}",
            )
    lora = its.model_copy(update={"dropout": wanted.dropout})
    hyperparameters = request.hyperparameters.model_copy(update={"lora": lora})
    return request.model_copy(update={"hyperparameters": hyperparameters})

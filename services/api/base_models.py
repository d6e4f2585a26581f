"""Which model a request means: the default filled in, the name checked, an adapter matched with its base."""

from services.api.service import Service
from shared.errors import InvalidField, ModelUnknown, NotFound
from shared.model_names import job_id_of
from shared.model_search import check_base_model
from shared.schemas import EvaluationRequest, JobRecord, JobRequest


def resolve_models(service: Service, request: JobRequest) -> JobRequest:
    """The request with its base model named. Raises `ModelUnknown`, `ModelUnusable` and
    `InvalidField`."""
    if isinstance(request, EvaluationRequest) and request.adapter is not None:
        return _with_adapters_base(service, request, request.adapter)
    model = request.model or service.settings.default_model
    check_base_model(model, service.model_folders, to_load=request.kind != "load_diagnostic")
    return request.model_copy(update={"model": model})


def fine_tuned(service: Service, model: str) -> JobRecord | None:
    """The succeeded job that made the fine-tuned model `model`, or None if there is none, or no longer."""
    job_id = job_id_of(model)
    try:
        record = service.store.get(job_id) if job_id else None
    except NotFound:
        return None
    is_its = record is not None and record.status == "succeeded" and kept_model(record) == model
    return record if is_its else None


def fine_tuned_name(record: JobRecord) -> str | None:
    """The model id a fine-tuning job ended with."""
    name = (record.result or {}).get("fine_tuned_model")
    return str(name) if name else None


def kept_model(record: JobRecord) -> str | None:
    """The same, unless the model was deleted since."""
    return fine_tuned_name(record) if record.model_deleted_at is None else None


def _with_adapters_base(service: Service, request: EvaluationRequest, adapter: str) -> EvaluationRequest:
    record = fine_tuned(service, adapter)
    if record is None:
        raise ModelUnknown(
            f"There is no fine-tuned model {adapter!r}; /v1/models lists those there are.", param="adapter"
        )
    base = {"model": record.request["model"], "revision": record.request.get("revision")}
    if request.model not in (None, base["model"]):
        raise InvalidField(
            f"The adapter was trained on {base['model']!r}, not on {request.model!r}; leave `model` out.",
            param="model",
        )
    if request.revision not in (None, base["revision"]):
        raise InvalidField(
            f"The adapter was trained on revision {base['revision']!r}, not {request.revision!r}.",
            param="revision",
        )
    return request.model_copy(update=base)

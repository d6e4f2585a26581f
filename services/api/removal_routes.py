"""What a user removes for good: jobs that ended, and models that jobs made."""

from typing import Literal

from services.api.base_models import fine_tuned
from services.api.openai_shapes import ModelDeleted
from services.api.service import Service
from shared.errors import InvalidField, ModelUnknown, NotFound
from shared.keeper_store import KeeperStore
from shared.model_names import is_fine_tuned
from shared.model_search import check_base_model
from shared.removal import Removal
from shared.schemas import Frozen


class JobDeleted(Frozen):
    id: str
    object: Literal["job"] = "job"
    deleted: Literal[True] = True


def delete_job(service: Service, *, job_id: str) -> JobDeleted:
    """Remove an ended job for good: record, events, rows, checkpoints, report, and the model it made."""
    _removal(service).remove_job(job_id)
    return JobDeleted(id=job_id)


def delete_model(service: Service, *, model_id: str) -> ModelDeleted:
    """Remove the adapter and the checkpoints of a fine-tuned model. The job that made it keeps its record."""
    record = fine_tuned(service, model_id)
    if record is None:
        raise _undeletable(service, model_id)
    _removal(service).remove_model(record.id)
    return ModelDeleted(id=model_id)


def _undeletable(service: Service, model_id: str) -> NotFound | InvalidField:
    try:
        check_base_model(model_id, service.model_folders, to_load=False)
    except ModelUnknown:
        deleted = " It may have been deleted already." if is_fine_tuned(model_id) else ""
        return NotFound(f"There is no fine-tuned model {model_id!r}.{deleted}", param="model")
    return InvalidField(
        f"{model_id!r} is a base model; only fine-tuned models (ft:…) are deleted over HTTP. A model folder, "
        "or a model in the Hugging Face cache, is removed on the server itself.",
        param="model",
    )


def _removal(service: Service) -> Removal:
    return Removal(KeeperStore.of(service.store), service.settings.data_dir / "jobs")

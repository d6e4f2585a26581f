"""What a user removes for good: jobs that ended, and models that jobs made."""

from contextlib import suppress
from dataclasses import replace
from typing import Annotated, Literal

from pydantic import Field

from services.api.base_models import fine_tuned, why_no_model
from services.api.openai_shapes import ModelDeleted
from services.api.service import Service
from shared.errors import InvalidField, ModelUnknown, ModelUnusable, NotFound
from shared.job_folder import jobs_folder
from shared.keeper_store import KeeperStore
from shared.messages.message import Message, say
from shared.messages.render import shown
from shared.model_names import is_fine_tuned
from shared.model_search import check_base_model
from shared.pruning import remove, to_leave
from shared.removal import Removal
from shared.retention import Leaving, Reason, RetentionRule
from shared.schemas.fields import JobKind, JobStatus
from shared.schemas.frozen import Frozen
from shared.settings import Settings


class JobDeleted(Frozen):
    id: str
    object: Literal["job"] = "job"
    deleted: Literal[True] = True


class PruneRequest(Frozen):
    """What is to be kept of the jobs that ended; a limit left out is the setting's."""

    dry_run: bool = Field(description="true: only say what would be deleted")
    keep_jobs: Annotated[int, Field(ge=0)] | None = Field(None, description="as TUNEDOCK_KEEP_JOBS")
    keep_days: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = Field(
        None, description="as TUNEDOCK_KEEP_DAYS"
    )
    keep_bytes: Annotated[int, Field(ge=0)] | None = Field(None, description="as TUNEDOCK_KEEP_BYTES")
    adapters: bool | None = Field(
        None,
        description="true: jobs with an adapter or a checkpoint are deleted, too; left out: only if "
        "TUNEDOCK_KEEP_ADAPTERS is false",
    )

    def rule(self, settings: Settings) -> RetentionRule:
        given = {
            name: value
            for name in ("keep_jobs", "keep_days", "keep_bytes")
            if (value := getattr(self, name)) is not None
        }
        if self.adapters is not None:
            given["spare_weights"] = not self.adapters
        return replace(RetentionRule.of(settings), **given)


class PrunedJob(Frozen):
    """`bytes` is what its folder takes on disk; `rule` the limit it is beyond, `why` that in words."""

    id: str
    kind: JobKind
    status: JobStatus
    finished_at: float
    bytes: int
    has_adapter: bool
    rule: Reason
    why: str

    @classmethod
    def of(cls, entry: Leaving) -> "PrunedJob":
        job = entry.job
        return cls(
            id=job.id,
            kind=job.kind,
            status=job.status,
            finished_at=job.finished_at,
            bytes=job.size_bytes,
            has_adapter=job.has_weights,
            rule=entry.reason,
            why=shown(entry.why),
        )


class RefusedJob(Frozen):
    id: str
    why: str


class Pruning(Frozen):
    """Oldest first: the jobs that were deleted, or would be. `refused`: those that had to stay."""

    object: Literal["pruning"] = "pruning"
    dry_run: bool
    data: list[PrunedJob]
    refused: list[RefusedJob]
    bytes: int


def prune(service: Service, *, body: PruneRequest) -> Pruning:
    """Delete the oldest ended jobs beyond what is to be kept, as the sweep does by the settings."""
    removal = _removal(service)
    found = to_leave(removal.store, service.settings.data_dir, body.rule(service.settings))
    refused: list[tuple[Leaving, str | Message]] = []
    if not body.dry_run:
        pruned = remove(removal, found)
        found, refused = pruned.removed, pruned.refused
    return Pruning(
        dry_run=body.dry_run,
        data=[PrunedJob.of(entry) for entry in found],
        refused=[RefusedJob(id=entry.job.id, why=shown(why)) for entry, why in refused],
        bytes=sum(entry.job.size_bytes for entry in found),
    )


def delete_job(service: Service, *, job_id: str) -> JobDeleted:
    """Remove an ended job for good: record, events, rows, checkpoints, report, and the model it made."""
    _removal(service).remove_job(job_id)
    return JobDeleted(id=job_id)


def delete_model(service: Service, *, model_id: str) -> ModelDeleted:
    """Remove the adapter and the checkpoints of a fine-tuned model. The job that made it keeps its record."""
    found = fine_tuned(service, model_id)
    if found is None:
        raise _undeletable(service, model_id)
    if found.model.step is not None:
        raise InvalidField(
            say(
                "checkpoint-goes-with-model",
                checkpoint=model_id,
                model=found.model.made_by_its_job,
                job=found.record.id,
            ),
            param="model",
        )
    _removal(service).remove_model(found.record.id)
    return ModelDeleted(id=model_id)


def _undeletable(service: Service, model_id: str) -> NotFound | InvalidField:
    if is_fine_tuned(model_id):
        return NotFound(why_no_model(service, model_id), param="model")
    try:
        with suppress(ModelUnusable):  # but it is there
            check_base_model(model_id, service.model_folders, to_load=False)
    except ModelUnknown:
        return NotFound(say("no-such-fine-tuned-model", model=model_id), param="model")
    return InvalidField(say("base-model-is-not-deleted", model=model_id), param="model")


def _removal(service: Service) -> Removal:
    return Removal(KeeperStore.of(service.store), jobs_folder(service.settings.data_dir))

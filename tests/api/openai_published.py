"""OpenAI's objects as its reference publishes them: examples written after it, and what may be null.

The classes are those of its own client, which are made from its schemas. They do not tell a field that may be
null from one that may only be absent; `MAY_BE_NULL` does.
"""

from collections.abc import Iterator
from typing import Any, get_args

from openai.types import FileDeleted, FileObject, Model, ModelDeleted
from openai.types.fine_tuning import FineTuningJob, FineTuningJobEvent
from openai.types.fine_tuning.jobs import FineTuningJobCheckpoint
from pydantic import BaseModel

OBJECTS: dict[str, type[BaseModel]] = {
    "file": FileObject,
    "deleted file": FileDeleted,
    "job": FineTuningJob,
    "event": FineTuningJobEvent,
    "checkpoint": FineTuningJobCheckpoint,
    "model": Model,
    "deleted model": ModelDeleted,
}
EXAMPLES: dict[str, dict[str, Any]] = {
    "file": {
        "id": "file-f4WbJ1", "object": "file", "bytes": 120000, "created_at": 1677610602,
        "expires_at": 1677614202, "filename": "rows.jsonl", "purpose": "fine-tune", "status": "processed",
    },
    "deleted file": {"id": "file-f4WbJ1", "object": "file", "deleted": True},
    "job": {
        "id": "ftjob-u2Ls8", "object": "fine_tuning.job", "model": "gpt-4o-mini", "created_at": 1692661014,
        "finished_at": 1692661190, "estimated_finish": None, "error": None,
        "fine_tuned_model": "ft:gpt-4o-mini:org:suffix:7q8mpxmy", "organization_id": "org-1",
        "result_files": ["file-f4WbJ1"], "status": "succeeded", "training_file": "file-f4WbJ2",
        "validation_file": None, "trained_tokens": 5768, "seed": 7, "integrations": [],
        "metadata": {"a": "b"},
        "hyperparameters": {"n_epochs": 4, "batch_size": 1, "learning_rate_multiplier": 1.5},
        "method": {
            "type": "supervised",
            "supervised": {
                "hyperparameters": {"n_epochs": 4, "batch_size": 1, "learning_rate_multiplier": 1.5}
            },
        },
    },
    "event": {
        "id": "ftevent-u2Ls8", "object": "fine_tuning.job.event", "created_at": 1721764800, "level": "info",
        "message": "Step 60/200: training loss=0.73", "type": "metrics", "data": {"step": 60},
    },
    "checkpoint": {
        "id": "ftckpt_u2Ls8", "object": "fine_tuning.job.checkpoint", "created_at": 1721764867,
        "fine_tuned_model_checkpoint": "ft:gpt-4o-mini:org:suffix:96olL566:ckpt-step-2000",
        "fine_tuning_job_id": "ftjob-u2Ls8", "step_number": 2000,
        "metrics": {"step": 2000, "train_loss": 0.25, "full_valid_loss": 0.5, "valid_loss": 0.5},
    },
    "model": {"id": "gpt-4o-mini", "object": "model", "created": 1686935002, "owned_by": "openai"},
    "deleted model": {"id": "ft:gpt-4o-mini:org:suffix:7q8mpxmy", "object": "model", "deleted": True},
}  # fmt: skip
MAY_BE_NULL = {
    "job": {
        "error", "error.param", "estimated_finish", "fine_tuned_model", "finished_at", "trained_tokens",
        "validation_file", "integrations", "metadata",
    },
    "model": {"shutdown_date"},
}  # fmt: skip
# What creates of OpenAI's reference send besides `model` and `training_file`, and what is answered here.
HYPERPARAMETERS = {"n_epochs": "auto", "batch_size": 4, "learning_rate_multiplier": 0.5}
CREATES: dict[str, tuple[dict[str, Any], str | None]] = {
    "nothing else": ({}, None),
    "epochs, in `method`": (
        {"method": {"type": "supervised", "supervised": {"hyperparameters": {"n_epochs": 2}}}},
        None,
    ),
    "all three hyperparameters": (
        {"method": {"type": "supervised", "supervised": {"hyperparameters": HYPERPARAMETERS}}},
        None,
    ),
    "the deprecated place": ({"hyperparameters": HYPERPARAMETERS}, None),
    "null where it may be": (
        {"suffix": None, "seed": None, "validation_file": None, "integrations": None, "metadata": None},
        None,
    ),
    "suffix, seed, metadata": ({"suffix": "a-name", "seed": 7, "metadata": {"team": "a"}}, None),
    "no integration": ({"integrations": []}, None),
    "Weights & Biases": (
        {"integrations": [{"type": "wandb", "wandb": {"project": "p", "tags": ["a"]}}]},
        "integrations",
    ),
    "preferences": ({"method": {"type": "dpo", "dpo": {"hyperparameters": {"beta": 0.1}}}}, "method.type"),
    "reinforcement": (
        {"method": {"type": "reinforcement", "reinforcement": {"grader": {}}}},
        "method.type",
    ),
    "a suffix too long": ({"suffix": "a" * 65}, "suffix"),
    "a metadata value too long": ({"metadata": {"a": "b" * 513}}, "metadata.a"),
    "no whole number of epochs": ({"hyperparameters": {"n_epochs": 0}}, "hyperparameters.n_epochs"),
}


def faults(kind: str, shown: dict[str, Any]) -> list[str]:
    """What of an answer OpenAI's schema does not allow: unknown fields, and null where only absence is."""
    allowed = MAY_BE_NULL.get(kind, set())
    return [
        f"{path} {'is null' if value is None else 'is unknown'}"
        for path, value, is_known in _fields(OBJECTS[kind], shown)
        if not is_known or (value is None and path not in allowed)
    ]


def _fields(
    model: type[BaseModel], shown: dict[str, Any], above: str = ""
) -> Iterator[tuple[str, Any, bool]]:
    """(path, value, whether the schema has it) of every field, in objects of objects, too."""
    for name, value in shown.items():
        field = model.model_fields.get(name)
        yield f"{above}{name}", value, field is not None
        inner = _model_in(field.annotation) if field else None
        if inner and isinstance(value, dict):
            yield from _fields(inner, value, f"{above}{name}.")


def _model_in(annotation: Any) -> type[BaseModel] | None:
    models = [part for part in (annotation, *get_args(annotation)) if isinstance(part, type)]
    return next((part for part in models if issubclass(part, BaseModel)), None)

"""The objects of OpenAI's files, fine-tuning and models API, as its clients read and send them."""

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, field_validator, model_validator
from pydantic.json_schema import SkipJsonSchema

from shared.errors import WrongField
from shared.messages.message import say
from shared.schemas.datasets import JobWarning
from shared.schemas.fields import (
    After,
    Columns,
    FileId,
    LongText,
    Metadata,
    Name,
    Priority,
    Revision,
    RowFormat,
    Suffix,
    Webhook,
)
from shared.schemas.frozen import Frozen
from shared.schemas.hyperparameters import ExplicitPlan, Hyperparameters

AUTO_FIELDS = ("batch_size", "learning_rate_multiplier", "n_epochs")


def _allow_auto(schema: dict[str, Any]) -> None:
    for name in AUTO_FIELDS:
        number = {key: value for key, value in schema["properties"][name].items() if key != "default"}
        schema["properties"][name] = {"anyOf": [{"const": "auto"}, number], "default": "auto"}


def _without_default(schema: dict[str, Any]) -> None:
    del schema["default"]


class FacadeHyperparameters(Hyperparameters):
    """OpenAI's three, each `"auto"` or a number, and the native ones for those who want them."""

    model_config = ConfigDict(json_schema_extra=_allow_auto)

    batch_size: Annotated[int, Field(ge=1, le=4096)] | None = Field(
        None, description="the native `global_batch_size`"
    )
    learning_rate_multiplier: Annotated[float, Field(gt=0, le=5000)] | None = Field(
        None, description="times the default `learning_rate`"
    )

    @model_validator(mode="before")
    @classmethod
    def _drop_auto(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        return {
            key: item for key, item in value.items() if not (key in AUTO_FIELDS and item in ("auto", None))
        }

    @model_validator(mode="after")
    def _say_it_once(self) -> "FacadeHyperparameters":
        for ours, theirs in (
            ("global_batch_size", "batch_size"),
            ("learning_rate", "learning_rate_multiplier"),
        ):
            if {ours, theirs} <= self.model_fields_set:
                raise WrongField(say("give-only-one-field", fields=[theirs, ours]), theirs)
        return self

    def native(self) -> Hyperparameters:
        """The same in native fields; what is not given keeps its default."""
        given = {name: getattr(self, name) for name in self.model_fields_set - set(AUTO_FIELDS[:2])}
        if self.batch_size is not None:
            given["global_batch_size"] = self.batch_size
        if self.learning_rate_multiplier is not None:
            given["learning_rate"] = min(1.0, self.learning_rate_multiplier * Hyperparameters().learning_rate)
        return Hyperparameters(**given)


class Supervised(Frozen):
    hyperparameters: FacadeHyperparameters = FacadeHyperparameters()


class Method(Frozen):
    """Supervised fine-tuning; preference and reinforcement methods are not built."""

    type: Literal["supervised"]
    supervised: Supervised = Supervised()


class CreateFineTuningJob(Frozen):
    """OpenAI's fields, and below `metadata` native ones, which its clients send as `extra_body`."""

    model: Name
    training_file: FileId
    validation_file: FileId | None = None
    suffix: Suffix | None = None
    seed: Annotated[int, Field(ge=0, le=2**31 - 1)] | None = None
    method: Method | None = None
    hyperparameters: FacadeHyperparameters | None = Field(None, description="`method`'s, in the older place")
    integrations: list[Any] | None = Field(None, description="none is built: leave it out")
    metadata: Metadata | None = None
    revision: Revision | None = None
    format: Literal["auto"] | RowFormat = "auto"
    columns: Columns = {}
    instruction: Annotated[str, Field(min_length=1, max_length=10_000)] | None = None
    long_text: LongText | None = None
    plan: Literal["auto", "baseline"] | ExplicitPlan = "auto"
    priority: Priority = 0
    after: After = []
    webhook: Webhook | None = None

    @field_validator("integrations")
    @classmethod
    def _none_built(cls, value: list[Any] | None) -> list[Any] | None:
        if value:
            raise WrongField(say("no-integration"))
        return value

    @model_validator(mode="after")
    def _one_place(self) -> "CreateFineTuningJob":
        if self.method is not None and self.hyperparameters is not None:
            raise WrongField(say("give-hyperparameters-once"), "hyperparameters")
        return self


class JobHyperparameters(Frozen):
    batch_size: int
    learning_rate_multiplier: float
    n_epochs: int


class JobSupervised(Frozen):
    hyperparameters: JobHyperparameters


class JobMethod(Frozen):
    type: Literal["supervised"] = "supervised"
    supervised: JobSupervised


class JobFailure(Frozen):
    code: str
    message: str
    param: str | None = None


class FineTuningJob(Frozen):
    id: str
    object: Literal["fine_tuning.job"] = "fine_tuning.job"
    created_at: int
    finished_at: int | None
    estimated_finish: int | None
    model: str
    fine_tuned_model: str | None
    organization_id: str
    status: Literal["queued", "running", "paused", "succeeded", "failed", "cancelled"]
    hyperparameters: JobHyperparameters
    method: JobMethod
    training_file: str
    validation_file: str | None
    result_files: list[str]
    trained_tokens: int | None
    seed: int
    integrations: list[Any] = []
    metadata: dict[str, str]
    error: JobFailure | None


class AcceptedFineTuningJob(FineTuningJob):
    """The answer to a create; OpenAI's clients keep fields they don't know."""

    warnings: list[JobWarning] = []


class FineTuningJobList(Frozen):
    object: Literal["list"] = "list"
    data: list[FineTuningJob]
    has_more: bool


class FineTuningEvent(Frozen):
    id: str
    object: Literal["fine_tuning.job.event"] = "fine_tuning.job.event"
    created_at: int
    level: Literal["info", "warn", "error"]
    message: str
    type: Literal["message", "metrics"]
    data: dict[str, Any]


class FineTuningEventList(Frozen):
    object: Literal["list"] = "list"
    data: list[FineTuningEvent]
    has_more: bool


class Checkpoint(Frozen):
    id: str
    object: Literal["fine_tuning.job.checkpoint"] = "fine_tuning.job.checkpoint"
    created_at: int
    fine_tuned_model_checkpoint: str
    fine_tuning_job_id: str
    step_number: int
    metrics: dict[str, float]


class CheckpointList(Frozen):
    object: Literal["list"] = "list"
    data: list[Checkpoint]
    has_more: bool
    first_id: str | None
    last_id: str | None


class FileObject(Frozen):
    """`expires_at` is left out of a file that is kept for ever: OpenAI's schema has no null there."""

    id: str
    object: Literal["file"] = "file"
    bytes: int
    created_at: int
    expires_at: Annotated[
        int | SkipJsonSchema[None],
        Field(exclude_if=lambda value: value is None, json_schema_extra=_without_default),
    ] = None
    filename: str
    purpose: str
    status: Literal["processed"] = "processed"


class FileList(Frozen):
    object: Literal["list"] = "list"
    data: list[FileObject]
    has_more: bool
    first_id: str | None
    last_id: str | None


class FileDeleted(Frozen):
    id: str
    object: Literal["file"] = "file"
    deleted: Literal[True] = True


class Model(Frozen):
    id: str
    object: Literal["model"] = "model"
    created: int
    owned_by: str


class ModelDeleted(Frozen):
    id: str
    object: Literal["model"] = "model"
    deleted: Literal[True] = True


class ModelList(Frozen):
    object: Literal["list"] = "list"
    data: list[Model]

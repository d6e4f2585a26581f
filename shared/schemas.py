"""The requests and records that cross Tunedock's borders, as frozen pydantic models."""

from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PositiveFloat,
    PositiveInt,
    StringConstraints,
    model_validator,
)

from shared.errors import WrongField
from shared.messages.message import Message, say, stored, with_texts

NAME_PATTERN = r"^[^\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]+$"
FILE_ID_PATTERN = r"^file-[A-Za-z0-9]{1,64}$"
SUFFIX_PATTERN = r"^[A-Za-z0-9._-]+$"
REVISION_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._/-]*$"
MODULE_NAME_PATTERN = r"^[A-Za-z0-9_]+$"
EVENT_ID_PATTERN = r"^[0-9]{1,9}-[0-9]{1,12}$"
FILTER_KEY_PATTERN = r"^[^\[\]]*$"
FACADE_EVENT_ID_PATTERN = r"^ftevent-[a-z0-9]{1,64}-[0-9]{1,9}-[0-9]{1,12}$"

RowFormat = Literal["chat", "text", "prompt_completion", "classification"]
LongText = Literal["split", "cut"]
JobKind = Literal["fine_tuning", "load_diagnostic", "training_diagnostic", "evaluation", "model_preparation"]
OptimizerName = Literal["adamw", "adamw_8bit"]
LearningRateSchedule = Literal["cosine", "linear", "constant", "constant_with_warmup"]
JobStatus = Literal[
    "queued", "running", "pausing", "paused", "cancelling", "succeeded", "failed", "cancelled"
]


def _without_parent_folder(value: str) -> str:
    """A revision becomes part of a path in the hub's cache."""
    if ".." in value:
        raise WrongField(say("revision-has-two-dots", revision=value))
    return value


def _printable(value: str) -> str:
    """Words that go to terminals and logs: a control character is written as its number."""
    return "".join(sign if sign.isprintable() else f"\\u{ord(sign):04x}" for sign in value)


# What a pattern is called in the sentence that one reads whose value does not match it.
PATTERN_NAMES = {
    NAME_PATTERN: "plain-text",
    FILE_ID_PATTERN: "file-id",
    SUFFIX_PATTERN: "suffix",
    REVISION_PATTERN: "revision",
    MODULE_NAME_PATTERN: "layer",
    FILTER_KEY_PATTERN: "filter-key",
    EVENT_ID_PATTERN: "event-id",
    FACADE_EVENT_ID_PATTERN: "listed-event-id",
}

Name = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=NAME_PATTERN)]
FileId = Annotated[str, StringConstraints(pattern=FILE_ID_PATTERN)]
Suffix = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=SUFFIX_PATTERN)]
Revision = Annotated[
    str,
    StringConstraints(min_length=1, max_length=100, pattern=REVISION_PATTERN),
    AfterValidator(_without_parent_folder),
]
SettingsText = Annotated[str, StringConstraints(min_length=1, max_length=200_000)]
Instruction = Annotated[str, StringConstraints(min_length=1, max_length=10_000)]
MetadataKey = Annotated[str, StringConstraints(min_length=1, max_length=64)]
MetadataText = Annotated[str, StringConstraints(max_length=512)]
Metadata = Annotated[dict[MetadataKey, MetadataText], Field(max_length=16)]
FilterKey = Annotated[str, StringConstraints(pattern=FILTER_KEY_PATTERN)]
MetadataFilter = Annotated[dict[FilterKey, str], Field(description="`metadata[key]=value`; pairs combine")]
ModuleName = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=MODULE_NAME_PATTERN)]
Columns = Annotated[
    dict[Literal["messages", "text", "prompt", "completion", "label"], Name], Field(max_length=5)
]

REVISION_HELP = stored(say("field-revision-row"))
LONG_TEXT_HELP = stored(say("field-long-text-row"))
SETTINGS_HELP = stored(say("field-settings-row"))
SETTINGS_FILE_HELP = stored(say("field-settings-file-row"))
INSTRUCTION_HELP = stored(say("field-instruction-row"))


class Frozen(BaseModel):
    """Base of every schema: immutable, strict about unknown fields, no NaN or infinity."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Lora(Frozen):
    """Low-rank adapter of Hu et al. 2021: rank, scaling numerator, dropout and the linear layers adapted."""

    r: Annotated[int, Field(ge=1, le=512)] = Field(
        16,
        description=stored(say("field-lora-rank-row")),
    )
    alpha: Annotated[float, Field(gt=0, le=4096)] = Field(
        32,
        description=stored(say("field-lora-alpha-row")),
    )
    dropout: Annotated[float, Field(ge=0, lt=1)] = Field(
        0.0, description=stored(say("field-lora-dropout-row"))
    )
    target_modules: (
        Annotated[list[ModuleName], Field(min_length=1, max_length=64)] | Literal["all-linear"]
    ) = Field("all-linear", description=stored(say("field-lora-layers-row")))


class Hyperparameters(Frozen):
    """What is learned; nothing here changes speed alone (that is the plan's part)."""

    n_epochs: Annotated[int, Field(ge=1, le=1000)] = Field(3, description=stored(say("field-epochs-row")))
    max_steps: Annotated[int, Field(ge=1, le=10_000_000)] | None = Field(
        None, description=stored(say("field-max-steps-row"))
    )
    global_batch_size: Annotated[int, Field(ge=1, le=4096)] = Field(
        16, description=stored(say("field-batch-size-row"))
    )
    optim: OptimizerName = Field("adamw", description=stored(say("field-optimizer-row")))
    learning_rate: Annotated[float, Field(gt=0, le=1)] = Field(
        2e-4, description=stored(say("field-learning-rate-row"))
    )
    lr_scheduler_type: LearningRateSchedule = Field("cosine", description=stored(say("field-schedule-row")))
    warmup_ratio: Annotated[float, Field(ge=0, le=1)] = Field(
        0.03, description=stored(say("field-warm-up-row"))
    )
    max_seq_length: Annotated[int, Field(ge=8, le=131_072)] = Field(
        512, description=stored(say("field-max-length-row"))
    )
    loss_on: Literal["completion", "all"] | None = Field(
        None,
        description=stored(say("field-loss-on-row")),
    )
    lora: Lora = Lora()
    max_grad_norm: Annotated[float, Field(gt=0, le=1e6)] = Field(
        1.0, description=stored(say("field-gradient-norm-row"))
    )
    seed: Annotated[int, Field(ge=0, le=2**31 - 1)] = Field(42, description=stored(say("field-seed-row")))


class ExplicitPlan(Frozen):
    """How a step is computed, chosen by hand."""

    tokens_per_micro_batch: Annotated[int, Field(ge=64, le=1_048_576)] = 4096
    gradient_checkpointing: bool = False


class FineTuningRequest(Frozen):
    kind: Literal["fine_tuning"] = "fine_tuning"
    model: Name | None = Field(None, description=stored(say("field-model-row")))
    revision: Revision | None = Field(None, description=REVISION_HELP)
    adapter: Name | None = Field(None, description=stored(say("field-start-adapter-row")))
    training_file: FileId | None = None
    dataset: Name | None = None
    validation_file: FileId | None = None
    validation_dataset: Name | None = None
    format: Literal["auto"] | RowFormat = "auto"
    columns: Columns = {}
    instruction: Instruction | None = Field(None, description=INSTRUCTION_HELP)
    long_text: LongText | None = Field(None, description=LONG_TEXT_HELP)
    hyperparameters: Hyperparameters = Hyperparameters()
    plan: Literal["auto", "baseline"] | ExplicitPlan = "auto"
    dry_run: bool = Field(
        False,
        description=stored(say("field-dry-run-row")),
    )
    suffix: Suffix | None = None
    metadata: Metadata = {}

    @model_validator(mode="after")
    def _one_source_each(self) -> "FineTuningRequest":
        _exactly_one(training_file=self.training_file, dataset=self.dataset)
        _at_most_one(validation_file=self.validation_file, validation_dataset=self.validation_dataset)
        return self


class EvaluationRequest(Frozen):
    kind: Literal["evaluation"] = "evaluation"
    model: Name | None = None
    revision: Revision | None = Field(None, description=REVISION_HELP)
    adapter: Name | None = None
    file: FileId | None = None
    dataset: Name | None = None
    format: Literal["auto"] | RowFormat = "auto"
    columns: Columns = {}
    instruction: Instruction | None = Field(None, description=INSTRUCTION_HELP)
    max_seq_length: Annotated[int, Field(ge=8, le=131_072)] = 512
    metadata: Metadata = {}

    @model_validator(mode="after")
    def _one_source(self) -> "EvaluationRequest":
        _exactly_one(file=self.file, dataset=self.dataset)
        return self


class LoadDiagnosticRequest(Frozen):
    kind: Literal["load_diagnostic"] = "load_diagnostic"
    model: Name | None = None
    revision: Revision | None = Field(None, description=REVISION_HELP)
    trial_load: bool = True
    cold: bool = False
    metadata: Metadata = {}


class TrainingDiagnosticRequest(Frozen):
    kind: Literal["training_diagnostic"] = "training_diagnostic"
    model: Name | None = None
    revision: Revision | None = Field(None, description=REVISION_HELP)
    training_file: FileId | None = None
    dataset: Name | None = None
    format: Literal["auto"] | RowFormat = "auto"
    columns: Columns = {}
    instruction: Instruction | None = Field(None, description=INSTRUCTION_HELP)
    long_text: LongText | None = Field(None, description=LONG_TEXT_HELP)
    settings: dict[str, Any] = Field({}, description=SETTINGS_HELP)
    settings_file: SettingsText | None = Field(None, description=SETTINGS_FILE_HELP)
    settings_kind: Literal["training_arguments", "llama_factory", "axolotl"] | None = Field(
        None, description=stored(say("field-settings-kind-row"))
    )
    minutes: Annotated[float, Field(gt=0, le=240)] = Field(5, description=stored(say("field-minutes-row")))
    metadata: Metadata = {}

    @model_validator(mode="after")
    def _one_source(self) -> "TrainingDiagnosticRequest":
        _exactly_one(training_file=self.training_file, dataset=self.dataset)
        return self


class ModelPreparationRequest(Frozen):
    kind: Literal["model_preparation"] = "model_preparation"
    model: Name | None = None
    revision: Revision | None = Field(None, description=REVISION_HELP)
    quantization: Literal["nf4"] = "nf4"
    convert_pickle: bool = True
    move_cache_to: Name | None = Field(None, description=stored(say("field-move-cache-row")))
    warm_page_cache: bool = False
    metadata: Metadata = {}


JobRequest = Annotated[
    FineTuningRequest
    | EvaluationRequest
    | LoadDiagnosticRequest
    | TrainingDiagnosticRequest
    | ModelPreparationRequest,
    Field(discriminator="kind"),
]


class Progress(Frozen):
    """Where a running job is; seconds and counts, all but `stage` null until known."""

    model_config = ConfigDict(frozen=True, extra="allow", allow_inf_nan=False)

    stage: str = "queued"
    step: int | None = None
    total_steps: int | None = None
    loss: float | None = None
    step_seconds: float | None = None
    tokens_per_second: float | None = None
    eta_seconds: float | None = None


class JobError(Frozen):
    """Why a job failed and what the reader can do."""

    code: str
    message: str
    remedy: str


class JobRecord(Frozen):
    """One job as the outside sees it; times are UTC seconds since 1970."""

    id: str
    kind: JobKind
    status: JobStatus
    request: dict[str, Any]
    created_at: float
    queued_at: float
    started_at: float | None = None
    finished_at: float | None = None
    attempt: int = 0
    queue_position: int | None = Field(None, description="1 is next; null when not queued")
    progress: Progress = Progress()
    result: dict[str, Any] | None = None
    error: JobError | None = None
    model_deleted_at: float | None = Field(
        None, description="when the model that a fine-tuning job made was deleted; null while it is kept"
    )


class JobEvent(Frozen):
    """One line of a job's history; `id` is `<attempt>-<number>` and rises strictly."""

    id: str
    created_at: float
    level: Literal["info", "warn", "error"]
    type: Literal["message", "metrics"]
    message: str
    data: dict[str, Any] = {}


def _bounded(said: Message) -> Message:
    """What a reader in the sandbox says goes to terminals and logs."""
    if len(stored(said)) > LONGEST_MESSAGE:
        raise ValueError("what the reader says is too long")
    return with_texts(said, _printable)


LONGEST_MESSAGE = 8000
Words = Annotated[Message, AfterValidator(_bounded)]


class DatasetWarning(Frozen):
    """Something true of rows that can be used all the same; `lines` are the first of the `count` rows.

    `message` is a text where a job of an earlier version has it.
    """

    code: Annotated[str, StringConstraints(max_length=40)]
    message: Annotated[str, StringConstraints(max_length=4000), AfterValidator(_printable)] | Words
    count: Annotated[int, Field(ge=0)] = 0
    lines: Annotated[list[Annotated[int, Field(ge=1)]], Field(max_length=20)] = []
    level: Literal["info", "warn"] = Field("warn", description="`info`: what was done; `warn`: look at it")


class PartWarning(DatasetWarning):
    """A warning about one of a job's data sets."""

    part: Literal["training", "validation", "evaluation"]

    @property
    def said(self) -> Message:
        """With the rows it is about."""
        return say("of-part", part=self.part, message=self.message)


class JobWarning(PartWarning):
    """The same as its reader is told."""

    message: str


class AcceptedJob(JobRecord):
    """The answer to a submit: the record, and what is worth knowing of the rows that were read."""

    warnings: list[JobWarning] = []


class DatasetSummary(Frozen):
    """What reading a data set found; `labels` (classification only) in order of their names."""

    format: RowFormat
    rows: PositiveInt
    bytes: PositiveInt = Field(description="size of the normalised JSONL")
    sha256: str = Field(description="of the normalised JSONL")
    labels: list[str] | None = None
    read_seconds: PositiveFloat | None = None
    warnings: list[DatasetWarning] = []


def _exactly_one(**fields: object) -> None:
    given = [name for name, value in fields.items() if value is not None]
    if len(given) != 1:
        wrong = (
            say("give-only-one-field", fields=given)
            if given
            else say("give-one-field", field_choices=list(fields))
        )
        raise WrongField(wrong, next(iter(fields)))


def _at_most_one(**fields: object) -> None:
    if sum(value is not None for value in fields.values()) > 1:
        raise WrongField(say("give-only-one-field", fields=list(fields)), next(iter(fields)))

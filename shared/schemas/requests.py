"""What may be asked for: one request for each kind of job."""

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from shared.errors import WrongField
from shared.messages.message import say, stored
from shared.schemas.fields import (
    After,
    Columns,
    FileId,
    Instruction,
    LongText,
    Metadata,
    Name,
    Priority,
    Revision,
    RowFormat,
    SettingsText,
    Suffix,
    Webhook,
)
from shared.schemas.frozen import Frozen
from shared.schemas.hyperparameters import ExplicitPlan, Hyperparameters

REVISION_HELP = stored(say("field-revision-row"))
LONG_TEXT_HELP = stored(say("field-long-text-row"))
SETTINGS_HELP = stored(say("field-settings-row"))
SETTINGS_FILE_HELP = stored(say("field-settings-file-row"))
MODEL_HELP = stored(say("field-base-model-row"))
FILE_HELP = stored(say("field-file-row"))
DATASET_HELP = stored(say("field-dataset-row"))
FORMAT_HELP = stored(say("field-format-row"))
WEBHOOK_HELP = stored(say("field-webhook-row"))
INSTRUCTION_HELP = stored(say("field-instruction-row"))


class FineTuningRequest(Frozen):
    kind: Literal["fine_tuning"] = "fine_tuning"
    model: Name | None = Field(None, description=stored(say("field-model-row")))
    revision: Revision | None = Field(None, description=REVISION_HELP)
    adapter: Name | None = Field(None, description=stored(say("field-start-adapter-row")))
    training_file: FileId | None = Field(None, description=FILE_HELP)
    dataset: Name | None = Field(None, description=DATASET_HELP)
    validation_file: FileId | None = Field(None, description=stored(say("field-validation-file-row")))
    validation_dataset: Name | None = Field(None, description=stored(say("field-validation-dataset-row")))
    format: Literal["auto"] | RowFormat = Field("auto", description=FORMAT_HELP)
    columns: Columns = {}
    instruction: Instruction | None = Field(None, description=INSTRUCTION_HELP)
    long_text: LongText | None = Field(None, description=LONG_TEXT_HELP)
    hyperparameters: Hyperparameters = Hyperparameters()
    plan: Literal["auto", "baseline"] | ExplicitPlan = Field(
        "auto", description=stored(say("field-plan-row"))
    )
    dry_run: bool = Field(
        False,
        description=stored(say("field-dry-run-row")),
    )
    suffix: Suffix | None = Field(None, description=stored(say("field-suffix-row")))
    metadata: Metadata = {}
    priority: Priority = 0
    after: After = []
    webhook: Webhook | None = Field(None, description=WEBHOOK_HELP)

    @model_validator(mode="after")
    def _one_source_each(self) -> "FineTuningRequest":
        exactly_one(training_file=self.training_file, dataset=self.dataset)
        _at_most_one(validation_file=self.validation_file, validation_dataset=self.validation_dataset)
        return self


class EvaluationRequest(Frozen):
    kind: Literal["evaluation"] = "evaluation"
    model: Name | None = Field(None, description=MODEL_HELP)
    revision: Revision | None = Field(None, description=REVISION_HELP)
    adapter: Name | None = Field(None, description=stored(say("field-evaluated-adapter-row")))
    file: FileId | None = Field(None, description=FILE_HELP)
    dataset: Name | None = Field(None, description=DATASET_HELP)
    format: Literal["auto"] | RowFormat = Field("auto", description=FORMAT_HELP)
    columns: Columns = {}
    instruction: Instruction | None = Field(None, description=INSTRUCTION_HELP)
    max_seq_length: Annotated[int, Field(ge=8, le=131_072)] = Field(
        512, description=stored(say("field-evaluated-length-row"))
    )
    metadata: Metadata = {}
    priority: Priority = 0
    after: After = []
    webhook: Webhook | None = Field(None, description=WEBHOOK_HELP)

    @model_validator(mode="after")
    def _one_source(self) -> "EvaluationRequest":
        exactly_one(file=self.file, dataset=self.dataset)
        return self


class LoadDiagnosticRequest(Frozen):
    kind: Literal["load_diagnostic"] = "load_diagnostic"
    model: Name | None = Field(None, description=MODEL_HELP)
    revision: Revision | None = Field(None, description=REVISION_HELP)
    trial_load: bool = Field(True, description=stored(say("field-trial-load-row")))
    cold: bool = Field(False, description=stored(say("field-cold-row")))
    metadata: Metadata = {}
    priority: Priority = 0
    after: After = []
    webhook: Webhook | None = Field(None, description=WEBHOOK_HELP)


class TrainingDiagnosticRequest(Frozen):
    kind: Literal["training_diagnostic"] = "training_diagnostic"
    model: Name | None = Field(None, description=MODEL_HELP)
    revision: Revision | None = Field(None, description=REVISION_HELP)
    training_file: FileId | None = Field(None, description=FILE_HELP)
    dataset: Name | None = Field(None, description=DATASET_HELP)
    format: Literal["auto"] | RowFormat = Field("auto", description=FORMAT_HELP)
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
    priority: Priority = 0
    after: After = []
    webhook: Webhook | None = Field(None, description=WEBHOOK_HELP)

    @model_validator(mode="after")
    def _one_source(self) -> "TrainingDiagnosticRequest":
        exactly_one(training_file=self.training_file, dataset=self.dataset)
        return self


class ModelPreparationRequest(Frozen):
    kind: Literal["model_preparation"] = "model_preparation"
    model: Name | None = Field(None, description=MODEL_HELP)
    revision: Revision | None = Field(None, description=REVISION_HELP)
    quantization: Literal["nf4"] = Field("nf4", description=stored(say("field-quantization-row")))
    convert_pickle: bool = Field(True, description=stored(say("field-convert-pickle-row")))
    move_cache_to: Name | None = Field(None, description=stored(say("field-move-cache-row")))
    warm_page_cache: bool = Field(False, description=stored(say("field-warm-page-cache-row")))
    metadata: Metadata = {}
    priority: Priority = 0
    after: After = []
    webhook: Webhook | None = Field(None, description=WEBHOOK_HELP)


NEED_MODEL = ("revision", "instruction", "long_text", "loss_on", "max_seq_length")
"""Fields of a data set's report that are about its rows as tokens."""


class ReportedRows(Frozen):
    """The rows that a report is about, and how they are read and learned, as a fine-tuning has them."""

    training_file: FileId | None = None
    dataset: Name | None = None
    validation_file: FileId | None = None
    validation_dataset: Name | None = None
    format: Literal["auto"] | RowFormat = "auto"
    columns: Columns = {}
    revision: Revision | None = Field(None, description=REVISION_HELP)
    instruction: Instruction | None = Field(None, description=INSTRUCTION_HELP)
    long_text: LongText | None = Field(None, description=LONG_TEXT_HELP)
    loss_on: Literal["completion", "all"] | None = Field(None, description=stored(say("field-loss-on-row")))
    max_seq_length: Annotated[int, Field(ge=8, le=131_072)] = Field(
        512, description=stored(say("field-max-length-row"))
    )

    @model_validator(mode="after")
    def _one_source_each(self) -> "ReportedRows":
        exactly_one(training_file=self.training_file, dataset=self.dataset)
        _at_most_one(validation_file=self.validation_file, validation_dataset=self.validation_dataset)
        return self


class DatasetReportRequest(ReportedRows):
    """The rows as tokens of a model; no weight is loaded."""

    kind: Literal["dataset_report"] = "dataset_report"
    model: Name | None = None
    metadata: Metadata = {}
    priority: Priority = 0
    after: After = []
    webhook: Webhook | None = Field(None, description=WEBHOOK_HELP)


JobRequest = Annotated[
    FineTuningRequest
    | EvaluationRequest
    | LoadDiagnosticRequest
    | TrainingDiagnosticRequest
    | ModelPreparationRequest
    | DatasetReportRequest,
    Field(discriminator="kind"),
]


def exactly_one(**fields: object) -> None:
    """Raises `WrongField` unless one of the fields is given."""
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

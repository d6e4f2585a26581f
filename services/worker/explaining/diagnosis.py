"""One diagnosis of a training, from its request to its report."""

from datetime import datetime

from services.worker.explaining.explain import explain
from services.worker.explaining.report import make_report
from services.worker.machine.out_of_memory import explain_out_of_memory
from services.worker.models.families.fit import longest_row, require_rows_fit
from services.worker.models.load import LoadedModel
from services.worker.phase_clock import PhaseClock
from services.worker.running_job import RunningJob
from services.worker.text.dataset_file import DatasetFile
from services.worker.text.row_rules import RowRules
from services.worker.text.rows import encode_dataset
from shared.json_text import json_text
from shared.messages.message import Message, say
from shared.reports.training import TrainingReport
from shared.schemas.requests import TrainingDiagnosticRequest
from shared.training_settings.outcome import Ignored, ReadSettings

MEMORY_REMEDY = say("explain-with-less-memory")


def explain_training(
    base: LoadedModel,
    request: TrainingDiagnosticRequest,
    data: DatasetFile,
    *,
    told: ReadSettings,
    stages: PhaseClock,
    now: datetime,
    job: RunningJob,
) -> TrainingReport:
    """`told` are the request's settings and what reading them told; `now` is what a chat template may write.
    `stages`, by `Stage`, has what was done before.

    Raises `JobFailed` (dataset_invalid, model_unsupported, target_modules_unknown, out_of_memory) and what
    `job` raises.
    """
    longest = longest_row(told.settings.max_seq_length, base.abilities, job)
    settings = told.settings.model_copy(update={"max_seq_length": longest})
    stages.turn("tokenizing")
    rules = RowRules.of(
        data,
        loss_on=settings.loss_on,
        max_seq_length=longest,
        instruction=request.instruction,
        long_text=request.long_text,
        thinking=None,
        now=now,
    )
    rows = encode_dataset(
        data, rules, base.tokenizer, lambda count: job.progress("tokenizing", rows=count), stages
    )
    require_rows_fit(rows.rows, base.tokenizer, base.abilities)
    before = stages.so_far()
    stages.turn("training")
    facts = explain_out_of_memory(
        lambda: explain(base, rows, settings, stages=before, minutes=request.minutes, job=job),
        base.device,
        MEMORY_REMEDY,
    )
    return make_report(facts, kind="training_diagnostic", notes=notes_of(told))


def notes_of(told: ReadSettings) -> list[Message]:
    """What the settings did not say, or what is done otherwise here; every key that is left out is named."""
    return [
        *(item.reason for item in told.differs),
        *(item.reason for item in told.assumed),
        *map(_left_out, told.ignored),
    ]


def _left_out(item: Ignored) -> Message:
    value = item.value if isinstance(item.value, str) else json_text(item.value)
    return say("settings-left-out", key=item.key, value=value, reason=item.reason)

"""The rows of a fine-tuning job as tokens: rendered once, told about, kept with the job."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from services.worker.adapters import adapter_folder
from services.worker.machine.disk_full import is_disk_full
from services.worker.models.families.fit import require_rows_fit
from services.worker.models.load import LoadedModel
from services.worker.phase_clock import PhaseClock
from services.worker.running_job import RunningJob
from services.worker.text.dataset_file import DatasetFile
from services.worker.text.row_lines import row_lines
from services.worker.text.row_rules import RowRules
from services.worker.text.rows import TokenRows, encode_dataset
from services.worker.text.shown_row import shown_row
from services.worker.training.kept_rows import keep_rows, kept_rows
from shared.job_folder import JobFolder
from shared.messages.message import say
from shared.schemas.requests import FineTuningRequest


@dataclass(frozen=True)
class JobRows:
    """The tokens of a job and the rules they were made by."""

    rules: RowRules
    training: TokenRows
    validation: TokenRows | None


@dataclass(frozen=True)
class RowSource:
    """Where a job's rows come from and are kept; `now` is the date that its chat template may write."""

    training: DatasetFile
    validation: DatasetFile | None
    job_folder: JobFolder
    attempt: int
    now: datetime


def job_rows(
    base: LoadedModel,
    request: FineTuningRequest,
    source: RowSource,
    job: RunningJob,
    stages: PhaseClock | None = None,
) -> JobRows:
    """Both data sets as tokens, those of an earlier attempt where they are kept. What is skipped, cut or
    written otherwise is told once, when they are rendered. Raises `JobFailed` (dataset_invalid,
    model_unsupported).
    """
    rules = _rules(source.training, request, source.now)
    files = {"training": (source.training, rules)}
    if source.validation is not None:
        validation_rules = _rules(source.validation, request, source.now, thinking=rules.thinking)
        files["validation"] = (source.validation, validation_rules.like(rules))
    made_from = _made_from(base, files)
    parts = kept_rows(source.job_folder, made_from)
    if parts is None:
        parts = {name: _encode(base, data, rules, job, stages) for name, (data, rules) in files.items()}
        for name, rows in parts.items():
            _tell(rows, files[name][1], job, of_validation=name == "validation")
        _show(parts["training"], base, job)
        if not request.dry_run:
            _keep(source, made_from, parts, job)
    return JobRows(rules, parts["training"], parts.get("validation"))


def _rules(
    data: DatasetFile, request: FineTuningRequest, now: datetime, *, thinking: bool | None = None
) -> RowRules:
    hyperparameters = request.hyperparameters
    return RowRules.of(
        data,
        loss_on=hyperparameters.loss_on,
        max_seq_length=hyperparameters.max_seq_length,
        instruction=request.instruction,
        long_text=request.long_text,
        thinking=thinking,
        now=now,
    )


def _encode(
    base: LoadedModel, data: DatasetFile, rules: RowRules, job: RunningJob, stages: PhaseClock | None
) -> TokenRows:
    def tick(rows: int) -> None:
        job.progress("tokenizing", rows=rows)

    rows = encode_dataset(data, rules, base.tokenizer, tick, stages)
    require_rows_fit(rows.rows, base.tokenizer, base.abilities)
    return rows


def _made_from(base: LoadedModel, files: dict[str, tuple[DatasetFile, RowRules]]) -> dict[str, Any]:
    """What decides the rows, as JSON; not the date, which the rows are kept for."""
    parts = {}
    for name, (data, rules) in files.items():
        fields = asdict(rules) | {"now": None}
        if fields["prompt"] is not None:
            fields["prompt"]["labels"] = list(fields["prompt"]["labels"])
        parts[name] = {"sha256": data.summary.sha256, "rules": fields}
    return {"base": adapter_folder.base_facts(base), "parts": parts}


def _keep(source: RowSource, made_from: dict[str, Any], parts: dict[str, TokenRows], job: RunningJob) -> None:
    """A full disk is no reason to stop: a resumed run can render the rows again."""
    try:
        keep_rows(source.job_folder, source.attempt, made_from, parts)
    except OSError as error:
        if not is_disk_full(error):
            raise
        job.event(
            say("disk-full-rows-not-kept"),
            level="warn",
            data={"code": "rows_not_kept"},
        )


def _tell(rows: TokenRows, rules: RowRules, job: RunningJob, *, of_validation: bool) -> None:
    for line in row_lines(rows.counts, rules):
        message = say("of-part", part="validation", message=line.message) if of_validation else line.message
        data = {"code": line.code, **line.data} | ({"part": "validation"} if of_validation else {})
        job.event(message, level=line.level, data=data)


def _show(rows: TokenRows, base: LoadedModel, job: RunningJob) -> None:
    shown = shown_row(rows.rows[0], base.tokenizer)
    job.event(
        say("first-row", row=shown.marked),
        data={
            "code": "rendered_row",
            "text": shown.text,
            "learned": [list(stretch) for stretch in shown.learned],
            "tokens_left_out": shown.left_out,
        },
    )

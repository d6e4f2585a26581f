"""What a fine-tuning came to: the losses, the rows, the time, where the adapter is, what to do with it."""

from pathlib import Path
from typing import Any

from services.cli.outcome.lines import count, next_steps, pairs, seconds
from services.cli.outcome.place import Place
from services.cli.outcome.rows import row_notes
from services.cli.watch import duration_text
from shared.job_folder import JobFolder
from shared.reports.fine_tuning import FineTuning
from shared.reports.stored import read_stored
from shared.schemas import JobRecord


def trained_text(record: JobRecord, stored: dict[str, Any], place: Place) -> str:
    """The whole outcome of a fine-tuning that succeeded."""
    result = read_stored(FineTuning, stored)
    model = record.request.get("model") or "the model"
    name, is_there = result.fine_tuned_model, record.model_deleted_at is None
    rows = [
        ("loss", _loss(result)),
        ("", _warm_up(record, result)),
        ("validation", _validation(result)),
        ("rows", _rows(result)),
        *(("", note) for note in row_notes(stored)),
        ("tokens", _tokens(result)),
        ("time", _time(record, result)),
        ("resumed", _resumed(result)),
        ("model id", name),
        ("adapter", _adapter(record, place) if is_there else "deleted"),
    ]
    head = f"{model} was fine-tuned on {count(result.rows, 'row')}."
    if start := record.request.get("adapter"):
        head = f"{head[:-1]}, beginning with {start}."
    steps = next_steps(_steps(record, name, place)) if is_there else []
    return "\n".join([head, *pairs(rows), *steps])


def _loss(result: FineTuning) -> str:
    last, steps, first = _number(result.train_loss), result.steps, result.first_train_loss
    if first is None:
        return f"{last} in the last of {count(steps, 'step')}"
    return f"{_number(first)} → {last}, in the first and the last of {count(steps, 'step')}"


def _warm_up(record: JobRecord, result: FineTuning) -> str:
    """Why so short a training shows no change: a step's loss is measured before it learns, and the first
    step of the warm-up has the learning rate 0."""
    steps = result.steps
    still = _number(result.first_train_loss) == _number(result.train_loss)
    asked = record.request.get("hyperparameters") or {}
    ratio = asked.get("warmup_ratio")
    if not ratio or asked.get("lr_scheduler_type") == "constant" or steps > 2 or (steps == 2 and not still):
        return ""
    changed = "so the adapter has learned nothing" if steps == 1 else "so step 2 began with the same weights"
    return f"the learning rate warms up from 0 in step 1, {changed}; give more steps, or a warmup_ratio of 0"


def _validation(result: FineTuning) -> str:
    measured, lowest = result.validation, result.lowest
    if not measured:
        return ""
    first, last = measured[0], measured[-1]
    text = f"{_number(last.loss)} after step {last.step}"
    if len(measured) > 1:
        text = f"{_number(first.loss)} after step {first.step} → {text}"
        if lowest and lowest.loss != last.loss:
            text += f"; the lowest was {_number(lowest.loss)} after step {lowest.step}"
    return text


def _rows(result: FineTuning) -> str:
    used, read = result.rows, result.read_rows
    return f"{used:,} learned from" + (
        f", made of the {read:,} that were read" if read not in (None, used) else ""
    )


def _tokens(result: FineTuning) -> str:
    trained, targets = result.trained_tokens, result.target_tokens
    return f"{trained:,} read, {targets:,} of them learned" if trained else ""


def _time(record: JobRecord, result: FineTuning) -> str:
    parts = []
    if record.started_at is not None and record.finished_at is not None:
        parts.append(f"{duration_text(record.finished_at - record.started_at)} in all")
    training, steps = result.training_seconds, result.steps
    if training > 0 and steps:
        parts.append(f"{seconds(training / steps)} s/it")
        parts.append(f"{result.trained_tokens / training:,.0f} tokens/s")
    return ", ".join(parts)


def _resumed(result: FineTuning) -> str:
    step = result.resumed_from_step
    return "" if step is None else f"the last attempt went on from the checkpoint of step {step}"


def _adapter(record: JobRecord, place: Place) -> str:
    if place.data_dir is None:
        return f"on the server, in {JobFolder.of(Path(), record.id).adapter} of its data folder"
    return str(JobFolder.of(place.data_dir, record.id).adapter)


def _steps(record: JobRecord, model: str, place: Place) -> list[tuple[str, str]]:
    purpose, rows = _rows_to_evaluate(record.request)
    folder = f"adapter-{record.request.get('suffix') or record.id.partition('-')[2][:8]}"
    return [
        (purpose, place.command("evaluate", *rows, "--adapter", model, "--compare")),
        ("Take the adapter, for peft or vLLM:", place.download_command(record.id, folder)),
    ]


def _rows_to_evaluate(request: dict[str, Any]) -> tuple[str, list[str]]:
    """What an evaluation of these rows says, and the words that name them."""
    held_out = "See how well it does on the validation rows, against the base model:"
    learned = (
        "See how well it does on the rows it learned, against the base model (rows it has not seen say more):"
    )
    for purpose, file, dataset in (
        (held_out, "validation_file", "validation_dataset"),
        (learned, "training_file", "dataset"),
    ):
        form = [] if request.get("format") in (None, "auto") else ["--format", str(request["format"])]
        form += [f"--column={field}={name}" for field, name in (request.get("columns") or {}).items()]
        if request.get(file):
            return purpose, [str(request[file]), *form]
        if request.get(dataset):
            return purpose, ["--dataset", str(request[dataset]), *form]
    return held_out, ["FILE"]


def _number(value: float | None) -> str:
    return "not a number" if value is None else f"{value:.4f}"

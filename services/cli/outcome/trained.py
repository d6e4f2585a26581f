"""What a fine-tuning came to: the losses, the rows, the time, where the adapter is, what to do with it."""

from pathlib import Path
from typing import Any

from services.cli.outcome.lines import Said, next_steps, pairs, seconds
from services.cli.outcome.place import Place
from services.cli.outcome.rows import row_notes
from services.cli.watch import duration_text
from shared.job_folder import JobFolder
from shared.messages.message import Message, say
from shared.messages.render import shown
from shared.reports.fine_tuning import FineTuning, MeasuredLoss
from shared.reports.stored import read_stored
from shared.schemas.records import JobRecord


def trained_text(record: JobRecord, stored: dict[str, Any], place: Place) -> str:
    """The whole outcome of a fine-tuning that succeeded."""
    result = read_stored(FineTuning, stored)
    name, is_there = result.fine_tuned_model, record.model_deleted_at is None
    rows: list[tuple[Said, Said]] = [
        (say("loss-label"), _loss(result)),
        ("", _warm_up(record, result)),
        (say("validation-label"), _validation(result)),
        (say("rows-label"), _rows(result)),
        *(("", note) for note in row_notes(stored)),
        (say("tokens-label"), _tokens(result)),
        (say("time-label"), _time(record, result)),
        (say("resumed-label"), _resumed(result)),
        (say("model-id-label"), name),
        (say("adapter-label"), _adapter(record, place) if is_there else say("deleted-label")),
    ]
    has_report = "predictions" in stored  # an earlier release kept neither
    steps = next_steps(_steps(record, name, place, has_report=has_report)) if is_there else []
    return "\n".join([shown(_head(record, result)), *pairs(rows), *steps])


def _head(record: JobRecord, result: FineTuning) -> Message:
    model = record.request.get("model") or say("the-model-label")
    if start := record.request.get("adapter"):
        return say("was-fine-tuned-further", model=model, rows=result.rows, start=start)
    return say("was-fine-tuned", model=model, rows=result.rows)


def _loss(result: FineTuning) -> Message:
    last, first = _number(result.train_loss), result.first_train_loss
    if first is None:
        return say("last-loss-label", last=last, steps=result.steps)
    return say("losses-label", first=_number(first), last=last, steps=result.steps)


def _warm_up(record: JobRecord, result: FineTuning) -> Said:
    """Why so short a training shows no change: a step's loss is measured before it learns, and the first
    step of the warm-up has the learning rate 0."""
    steps = result.steps
    still = _number(result.first_train_loss) == _number(result.train_loss)
    asked = record.request.get("hyperparameters") or {}
    ratio = asked.get("warmup_ratio")
    if not ratio or asked.get("lr_scheduler_type") == "constant" or steps > 2 or (steps == 2 and not still):
        return ""
    return say("warm-up-learned-nothing" if steps == 1 else "warm-up-changed-nothing")


def _validation(result: FineTuning) -> Said:
    measured, lowest = result.validation, result.lowest
    if not measured:
        return ""
    first, last = _measured(measured[0]), _measured(measured[-1])
    if len(measured) == 1:
        return last
    if lowest and lowest.loss != measured[-1].loss:
        return say("measured-losses-and-lowest-label", first=first, last=last, lowest=_measured(lowest))
    return say("measured-losses-label", first=first, last=last)


def _measured(one: MeasuredLoss) -> Message:
    return say("measured-loss-label", loss=_number(one.loss), step=str(one.step))


def _rows(result: FineTuning) -> Message:
    if result.read_rows in (None, result.rows):
        return say("rows-learned-label", rows=result.rows)
    return say("rows-made-label", rows=result.rows, read_rows=result.read_rows)


def _tokens(result: FineTuning) -> Said:
    read, learned = result.trained_tokens, result.target_tokens
    return say("tokens-read-label", read=read, learned=learned) if read else ""


def _time(record: JobRecord, result: FineTuning) -> Said:
    whole, training = "", result.training_seconds
    if record.started_at is not None and record.finished_at is not None:
        whole = duration_text(record.finished_at - record.started_at)
    if not (training > 0 and result.steps):
        return say("time-in-all-label", time=whole) if whole else ""
    step_time, rate = seconds(training / result.steps), round(result.trained_tokens / training)
    if not whole:
        return say("speed-label", step_time=step_time, rate=rate)
    return say("time-and-speed-label", time=whole, step_time=step_time, rate=rate)


def _resumed(result: FineTuning) -> Said:
    step = result.resumed_from_step
    return "" if step is None else say("resumed-from-label", step=str(step))


def _adapter(record: JobRecord, place: Place) -> Said:
    if place.data_dir is None:
        return say("adapter-on-server-label", folder=JobFolder.of(Path(), record.id).adapter)
    return str(JobFolder.of(place.data_dir, record.id).adapter)


def _steps(record: JobRecord, model: str, place: Place, *, has_report: bool) -> list[tuple[Message, str]]:
    purpose, rows = _rows_to_evaluate(record.request)
    folder = f"adapter-{record.request.get('suffix') or record.id.partition('-')[2][:8]}"
    return [
        (purpose, place.command("evaluate", *rows, "--adapter", model, "--compare")),
        (say("take-adapter-label"), place.download_command(record.id, folder)),
        *([(say("training-page-label"), place.page_command(record.id))] if has_report else []),
    ]


def _rows_to_evaluate(request: dict[str, Any]) -> tuple[Message, list[str]]:
    """What an evaluation of these rows says, and the words that name them."""
    held_out, learned = say("evaluate-held-out-label"), say("evaluate-learned-label")
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


def _number(value: float | None) -> Said:
    return say("not-a-number-label") if value is None else f"{value:.4f}"

"""A job in words: its kind, what it is about, where it stands, and the numbers of its work."""

from dataclasses import dataclass
from typing import Any, TypeGuard

from pydantic import ValidationError

from services.api.desk.wait import rough
from services.api.page_kit.figure import NONE, Figure
from services.api.page_kit.shares import in_hundred
from shared.job_progress import counted, stage_of
from shared.jobs import TERMINAL
from shared.messages.message import say
from shared.messages.render import told
from shared.reports.fine_tuning import Training
from shared.reports.stored import read_stored
from shared.schemas.records import JobRecord, Progress
from shared.units import duration, size


@dataclass(frozen=True)
class Done:
    """How much of a stage is done: a share of it, and what it counts."""

    share: float
    words: str


def kind_words(record: JobRecord) -> str:
    kind = "dry_run" if record.request.get("dry_run") else record.kind
    return told(say("kind-of-job-label", kind=kind))


def subject(record: JobRecord) -> str:
    """The model that a job is about."""
    return str(record.request.get("adapter") or record.request.get("model") or NONE)


def status_words(record: JobRecord) -> str:
    return told(say("job-status-row", status=record.status))


def stage_words(record: JobRecord) -> str:
    return told(stage_of(record))


def done_of(progress: Progress) -> Done | None:
    """None where a stage counts nothing, or does not know how much there is."""
    found = counted(progress)
    if found is None or found.share is None:
        return None
    done, total = f"{found.done:,}", f"{found.total:,}"
    match found.unit:
        case "steps":
            return Done(found.share, told(say("steps-done-row", step=done, steps=total)))
        case "rows":
            return Done(found.share, told(say("rows-of-total-row", rows=done, total=total)))
        case "bytes":
            return Done(found.share, f"{size(found.done)} / {size(found.total or 0)}")


def figures_of(progress: Progress) -> tuple[Figure, ...]:
    """The numbers of a job at work that are known."""
    figures = []
    if progress.eta_seconds is not None:
        figures.append(Figure(told(say("left-label")), rough(progress.eta_seconds), ""))
    if progress.step_seconds is not None:
        rate = progress.tokens_per_second
        note = told(say("tokens-rate-row", tokens=f"{rate:,.0f}")) if rate is not None else ""
        figures.append(Figure(told(say("a-step-figure-label")), duration(progress.step_seconds), note))
    if progress.loss is not None:
        figures.append(Figure(told(say("loss-now-label")), f"{progress.loss:.4f}", ""))
    return tuple(figures)


def reached(record: JobRecord) -> str:
    """The one number, or the reason, that says what an ended job came to."""
    if record.error:
        return record.error.message
    result: dict[str, Any] = record.result or {}
    if result.get("dry_run"):
        return _planned(result)
    if isinstance(accuracy := result.get("accuracy"), int | float):
        return told(say("accuracy-reached-label", accuracy=in_hundred(accuracy)))
    loss = _train_loss(result) if record.kind == "fine_tuning" else result.get("loss")
    return told(say("loss-reached-label", loss=f"{loss:.4f}")) if isinstance(loss, int | float) else ""


def took(record: JobRecord) -> str:
    if record.finished_at is None or record.started_at is None:
        return ""
    return rough(record.finished_at - record.started_at)


def _planned(result: dict[str, Any]) -> str:
    run, steps = result.get("run_seconds"), result.get("steps")
    if not (_is_number(run) and _is_number(steps)):
        return told(say("dry-run-reached-label"))
    return told(say("plan-reached-label", time=rough(run), steps=steps))


def has_ended(record: JobRecord) -> bool:
    return record.status in TERMINAL


def _train_loss(result: dict[str, Any]) -> float | None:
    """None also where a result of another release can't be read."""
    try:
        return read_stored(Training, result).train_loss
    except ValidationError:
        return None


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)

"""What an ended job came to, as its page shows it: a few numbers, facts, a picture where there is one."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from services.api.desk.wait import rough
from services.api.page_kit.figure import Figure
from services.api.page_kit.rows import Row
from services.api.page_kit.shares import in_hundred
from services.api.training_page.memory import MemoryBar, bar_of_parts
from shared.messages.message import Message, say
from shared.messages.render import told
from shared.reports.dry_run import DryRun
from shared.reports.evaluation import Classification
from shared.reports.fine_tuning import FineTuning
from shared.reports.stored import read_stored
from shared.schemas.records import JobRecord
from shared.units import duration, size


@dataclass(frozen=True)
class Outcome:
    """`labels`: (label, precision, recall, F1, rows) of a classification. `verdict`: the one sentence."""

    figures: tuple[Figure, ...] = ()
    rows: tuple[Row, ...] = ()
    memory: MemoryBar | None = None
    labels: tuple[tuple[str, str, str, str, str], ...] = ()
    verdict: str = ""


def outcome_of(record: JobRecord) -> Outcome:
    """Nothing of a job without a result, or one that another release wrote otherwise."""
    result: dict[str, Any] | None = record.result
    if result is None:
        return Outcome()
    try:
        if result.get("dry_run"):
            return _planned(read_stored(DryRun, result))
        if record.kind == "fine_tuning":
            return _trained(record, read_stored(FineTuning, result))
        if record.kind == "evaluation":
            return _evaluated(result)
    except ValidationError:
        pass
    return Outcome()


def _trained(record: JobRecord, result: FineTuning) -> Outcome:
    figures = [_loss(result)]
    if result.validation_loss is not None:
        figures.append(_figure(say("validation-loss-label"), f"{result.validation_loss:.4f}"))
    if result.steps and result.training_seconds:
        note = told(say("steps-row", steps=result.steps))
        step = duration(result.training_seconds / result.steps)
        figures.append(Figure(told(say("a-step-figure-label")), step, note))
    if record.started_at is not None and record.finished_at is not None:
        took = rough(record.finished_at - record.started_at)
        figures.append(_figure(say("whole-run-figure-label"), took))
    rows = [
        Row(told(say("model-id-label")), result.fine_tuned_model, is_code=True),
        Row(told(say("rows-label")), f"{result.rows:,}"),
        Row(told(say("learned-tokens-label")), f"{result.target_tokens:,}"),
        *_notes(result.truncated_rows, result.skipped_rows),
    ]
    return Outcome(tuple(figures), tuple(rows))


def _loss(result: FineTuning) -> Figure:
    label = say("loss-figure-label")
    if result.train_loss is None:
        return _figure(label, told(say("not-a-number-label")))
    first = result.first_train_loss
    note = "" if first is None else told(say("first-loss-row", first=f"{first:.3f}"))
    return Figure(told(label), f"{result.train_loss:.4f}", note)


def _planned(result: DryRun) -> Outcome:
    step, run = result.step_seconds, result.run_seconds
    unknown = told(say("not-predicted-label"))
    steps = told(say("steps-row", steps=result.steps))
    peak, limit = result.memory.peak, result.memory.limit
    within = "" if limit is None else told(say("of-limit-row", limit_bytes=limit))
    figures = (
        Figure(told(say("whole-run-figure-label")), unknown if run is None else rough(run), steps),
        _figure(say("a-step-figure-label"), unknown if step is None else duration(step)),
        Figure(told(say("peak-figure-label")), unknown if peak is None else size(peak), within),
    )
    return Outcome(
        figures, tuple(_plan_rows(result)), bar_of_parts(result.memory), verdict=told(_fits(result))
    )


def _fits(result: DryRun) -> Message:
    if result.fits is None:
        return say("plan-is-ready")
    return say("plan-fits") if result.fits else say("plan-does-not-fit")


def _plan_rows(result: DryRun) -> Iterator[Row]:
    tokens = result.tokens
    lengths = say(
        "row-lengths-row", mean=f"{tokens.mean:.0f}", p50=str(tokens.p50), p95=str(tokens.p95),
        longest=str(tokens.longest),
    )  # fmt: skip
    yield Row(told(say("rows-label")), f"{result.rows:,}")
    yield Row(told(say("row-lengths-label")), told(lengths))
    yield from _notes(result.truncated_rows, result.skipped_rows)
    yield Row(told(say("rows-of-a-step-label")), f"{result.rows_per_step:,}")
    if budget := result.plan.get("tokens_per_micro_batch"):
        yield Row(told(say("micro-batch-label")), told(say("micro-batch-row", tokens=f"{budget:,}")))


def _notes(truncated_rows: int, skipped_rows: int) -> Iterator[Row]:
    if truncated_rows:
        yield Row(told(say("rows-cut-label")), f"{truncated_rows:,}")
    if skipped_rows:
        yield Row(told(say("rows-skipped-label")), f"{skipped_rows:,}")


def _evaluated(result: dict[str, Any]) -> Outcome:
    figures = []
    right = read_stored(Classification, result) if "accuracy" in result else None
    if right:
        figures.append(_figure(say("accuracy-title"), in_hundred(right.accuracy)))
        figures.append(_figure(say("macro-f1-title"), f"{right.macro.f1:.3f}"))
    if isinstance(loss := result.get("loss"), int | float):
        figures.append(_figure(say("loss-now-label"), f"{loss:.4f}"))
    rows = [Row(told(say("rows-label")), f"{result.get('rows', 0):,}")]
    labels = (
        tuple(
            (name, f"{of.precision:.3f}", f"{of.recall:.3f}", f"{of.f1:.3f}", f"{of.support:,}")
            for name, of in right.labels.items()
        )
        if right
        else ()
    )
    return Outcome(tuple(figures), tuple(rows), labels=labels)


def _figure(label: Message, value: str) -> Figure:
    return Figure(told(label), value, "")

"""A training's report as lines for a terminal of 80 columns: the verdict, then what it rests on."""

import textwrap
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from shared.messages.message import Message, say
from shared.messages.render import told
from shared.reports.finding import Finding
from shared.reports.training import TrainingReport
from shared.reports.training_facts import (
    BETWEEN,
    PHASES,
    STAGES,
    FactorCost,
    Prediction,
    StepSplit,
    TrainingFacts,
)
from shared.reports.training_verdict import best_way, training_verdict
from shared.units import duration, size, span

COLUMNS = 80
_BAR = 28


def training_text(report: TrainingReport) -> str:
    """The whole report in the reader's language, without colours."""
    parts = (
        [_title(report)],
        _wrapped(told(training_verdict(report))),
        list(_rows(report)),
        list(_findings(report.findings)),
        list(_phases(report.facts)),
        list(_factors(report.facts.factors)),
        list(_path(report.facts)),
        list(_stages(report.facts)),
        list(_between(report.facts)),
        list(_predictions(report.facts)),
        list(_notes(report.notes)),
    )
    return "\n\n".join("\n".join(part) for part in parts if part)


def _title(report: TrainingReport) -> str:
    day = datetime.fromtimestamp(report.measured_at or 0.0, UTC).strftime("%Y-%m-%d %H:%M UTC")
    return told(say("explained-title", model=report.model, day=day))


def _wrapped(text: str, *, first: str = "", rest: str | None = None) -> list[str]:
    """`first` begins the first line, `rest` those below it, which are indented alike by default."""
    below = " " * len(first) if rest is None else rest
    return textwrap.wrap(
        text, COLUMNS, initial_indent=first, subsequent_indent=below,
        break_long_words=False, break_on_hyphens=False,
    )  # fmt: skip


def _rows(report: TrainingReport) -> Iterator[str]:
    """Name and value, the values in one column."""
    found = [(told(name), told(value)) for name, value in _values(report)]
    width = max(len(name) for name, _ in found) + 2
    for name, value in found:
        yield from _wrapped(value, first=f"{name:<{width}}")


def _values(report: TrainingReport) -> Iterator[tuple[Message, Message]]:
    """What is not known has no row: a job that failed early has timed and counted little."""
    summary, tokens, memory = report.summary, report.facts.tokens, report.facts.memory
    if summary.step_seconds:
        rows, steps = report.facts.rows_per_step, report.facts.step.steps
        yield (
            say("step-label"),
            say("rows-in-seconds-row", rows=rows, steps=steps, step_seconds=summary.step_seconds),
        )
        yield say("whole-run-label"), _whole_run(report)
    if tokens.computed_tokens:
        yield (
            say("tokens-label"),
            say(
                "real-tokens-row",
                real=str(round(100 * (1 - tokens.padding_ratio))),
                mean=f"{tokens.mean:.0f}",
                longest=str(tokens.longest),
            ),
        )
    if memory.peak is not None and memory.limit is not None:
        yield say("memory-label"), say("peak-of-limit-row", peak_bytes=memory.peak, limit_bytes=memory.limit)
    elif memory.peak is not None:
        yield say("memory-label"), say("peak-row", peak_bytes=memory.peak)
    yield say("device-label"), device_words(report.facts)


def _whole_run(report: TrainingReport) -> Message:
    summary, made = report.summary, report.facts.made_steps
    steps = f"{summary.total_steps:,}"
    if made is not None:
        return say("run-until-it-ended-row", made=f"{made:,}", steps=steps, run_seconds=summary.run_seconds)
    return best_way(report) or say("run-of-steps-row", steps=steps, run_seconds=summary.run_seconds)


def device_words(facts: TrainingFacts) -> Message:
    """How fast the device multiplies with nothing else to do, and what share of it a step reaches."""
    device = facts.device
    peak, share = device.matrix_flops_per_second, device.achieved_ratio
    if not peak:
        return say("device-name-row", device=device.name)
    if share is None:
        return say("device-peak-row", device=device.name, peak=flops(peak))
    return say("device-share-row", device=device.name, peak=flops(peak), reached_ratio=share)


def flops(per_second: float) -> str:
    """13 TFLOP/s, 310 GFLOP/s."""
    for unit, factor in (("TFLOP/s", 1e12), ("GFLOP/s", 1e9)):
        if per_second >= factor:
            return f"{per_second / factor:.3g} {unit}"
    return f"{per_second / 1e6:.3g} MFLOP/s"


def _findings(findings: Sequence[Finding]) -> Iterator[str]:
    for number, finding in enumerate(findings, 1):
        first = f"{number}. "
        title = say("training-finding-title", title=finding.title, severity=finding.severity)
        yield from _wrapped(told(title), first=first)
        for sentence in finding.evidence:
            yield from _wrapped(told(sentence), first="   - ")
        for remedy in finding.remedies:
            saves = told(say("explained-saves", saves_seconds=remedy.saves_seconds))
            more = f" {saves}" if remedy.saves_seconds else ""
            yield from _wrapped(told(remedy.action) + more, first="   > ")


def _phases(facts: TrainingFacts) -> Iterator[str]:
    took = phases_of_step(facts.step)
    if not took:
        return
    yield told(say("where-a-step-goes-title"))
    yield from _bars({told(say("phase-of-step-label", phase=name)): value for name, value in took.items()})


def phases_of_step(split: StepSplit) -> dict[str, float]:
    """Seconds by phase, in their order; words of a later release come last.

    Where forward and backward were not told apart, what no timer saw is mostly they: `computing`.
    """
    timed = split.phase_seconds
    known = [*PHASES, *sorted(set(timed) - set(PHASES))]
    named = {name: timed[name] for name in known if timed.get(name, 0.0) > 0}
    if "rest" in named and not {"forward", "backward"} & set(named):
        named["computing"] = named.pop("rest")
    return named


def _stages(facts: TrainingFacts) -> Iterator[str]:
    took = {name: facts.stages[name] for name in STAGES if name in facts.stages}
    if not took:
        return
    yield told(say("stages-title"))
    named = {told(say("stage-of-run-label", stage=name)): value for name, value in took.items()}
    yield from _bars(named)


def _between(facts: TrainingFacts) -> Iterator[str]:
    took = {name: facts.between_seconds[name] for name in BETWEEN if facts.between_seconds.get(name)}
    if took:
        yield told(say("between-the-steps-title"))
        named = {told(say("between-steps-label", what=name)): value for name, value in took.items()}
        yield from _bars(named)


def _predictions(facts: TrainingFacts) -> Iterator[str]:
    """Predicted, measured and how far off; what the whole run adds up from is indented below it."""
    cells = [row for one in facts.predictions for row in _prediction_cells(one)]
    if not cells:
        return
    yield told(say("predicted-against-measured-title"))
    head = ("", told(say("predicted-label")), told(say("measured-label")), told(say("off-label")))
    widths = [max(len(row[column]) for row in [head, *cells]) for column in range(4)]
    for row in [head, *cells]:
        name, *numbers = (
            f"{cell:<{width}}" if not column else f"{cell:>{width}}"
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        yield f"  {name}  {'  '.join(numbers)}".rstrip()


def _prediction_cells(one: Prediction) -> Iterator[tuple[str, str, str, str]]:
    name = told(say("predicted-quantity-label", quantity=one.quantity, when=one.when))
    yield (
        name,
        predicted_amount(one, one.predicted),
        predicted_amount(one, one.measured),
        off(one.error_ratio),
    )
    for part in one.parts:
        label = f"  {told(say('run-part-label', part=part.part))}"
        yield label, predicted_amount(one, part.predicted), predicted_amount(one, part.measured), ""


def predicted_amount(one: Prediction, value: float | None) -> str:
    """In the unit of what is predicted; a dash where it was not measured."""
    if value is None:
        return "–"
    if one.quantity == "peak_memory_bytes":
        return size(value)
    return span(value) if one.quantity == "run_seconds" else duration(value)


def off(error_ratio: float | None) -> str:
    return "–" if error_ratio is None else f"{error_ratio:+.0%}".replace("-", "−")


def _bars(seconds: dict[str, float]) -> Iterator[str]:
    """Names, seconds and bars in proportion to the longest."""
    longest, width = max(seconds.values()) or 1.0, max(map(len, seconds))
    for name, value in seconds.items():
        bar = "#" * round(_BAR * value / longest)
        yield f"  {name:<{width}}  {duration(value):>9}  {bar}".rstrip()


def _factors(costs: Sequence[FactorCost]) -> Iterator[str]:
    """A row each: the setting, the change, what a step takes then, how many times as fast that is. Below
    them, why some were not tried.
    """
    if not costs:
        return
    yield from _wrapped(told(say("factors-in-lines-title")))
    cells = [_factor_cells(cost) for cost in costs]
    head = ("", told(say("change-label")), told(say("a-step-label")), told(say("as-fast-label")))
    widths = [max(len(row[column]) for row in [head, *cells]) for column in range(4)]
    for row in [head, *cells]:
        name, change, took, ratio = (
            f"{cell:<{width}}" if column < 2 else f"{cell:>{width}}"
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        yield f"  {name}  {change}  {took}  {ratio}".rstrip()
    for cost in costs:
        if cost.ratio is None:
            yield from _wrapped(
                told(cost.advice), first=f"  {told(say('factor-label', factor=cost.factor))}: "
            )
    if not all(cost.same_learning for cost in costs):
        yield from _wrapped(told(say("starred-are-other-curves")), first="  ")


def _factor_cells(cost: FactorCost) -> tuple[str, str, str, str]:
    name = told(say("factor-label", factor=cost.factor)) + ("" if cost.same_learning else " *")
    took = duration(cost.changed_seconds) if cost.changed_seconds else "-"
    basis = told(say("basis-label", basis=cost.basis))
    if cost.ratio is None:
        return name, f"{cost.as_is} → {cost.changed}", took, basis
    ratio = f"×{cost.ratio:.2f}" if cost.basis != "predicted" else f"×{cost.ratio:.2f} {basis}"
    if cost.ratio_low is not None and cost.ratio_high is not None:
        ratio = f"{ratio} ±{(cost.ratio_high - cost.ratio_low) / 2:.2f}"
    return name, f"{cost.as_is} → {cost.changed}", took, ratio


def _path(facts: TrainingFacts) -> Iterator[str]:
    if len(facts.path) < 2:
        return
    yield told(say("path-title"))
    named = [(told(change_words(step.change)), step) for step in facts.path]
    width = max(len(name) for name, _ in named)
    for name, step in named:
        yield f"  {name:<{width}}  {duration(step.step_seconds):>9}  {span(step.run_seconds):>9}"


def change_words(change: str) -> Message:
    """A step of the path: two have names of ours, the others are settings in their own words."""
    return say("change-on-the-path-label", change=change.replace(" ", "_"), text=change)


def _notes(notes: Sequence[str | Message]) -> Iterator[str]:
    if notes:
        yield told(say("notes-title"))
    for note in notes:
        yield from _wrapped(told(note), first="  - ")

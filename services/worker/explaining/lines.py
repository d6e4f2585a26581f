"""A training's report as plain lines: the verdict, what each setting costs, the way to the best."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from shared.messages.message import Message, say
from shared.messages.render import in_english
from shared.reports.finding import Finding
from shared.reports.training import TrainingSummary
from shared.reports.training_facts import FactorCost, TrainingFacts
from shared.units import duration, size


def report_lines(
    facts: TrainingFacts,
    summary: TrainingSummary,
    findings: Sequence[Finding],
    notes: Sequence[Message],
    now: datetime,
) -> Iterator[str]:
    """The whole report; ASCII except for ×, no colours."""
    yield in_english(say("explained-title", model=facts.model, day=now.strftime("%Y-%m-%d %H:%M UTC")))
    yield ""
    yield from _findings(findings)
    yield ""
    yield in_english(
        say(
            "explained-step",
            rows=facts.rows_per_step,
            step_seconds=summary.step_seconds,
            steps=summary.total_steps,
            run_seconds=summary.run_seconds,
        )
    )
    if summary.best_step_seconds is not None:
        yield in_english(
            say(
                "explained-best",
                step_seconds=summary.best_step_seconds,
                run_seconds=summary.best_run_seconds,
            )
        )
    yield from _factors(facts.factors)
    yield from _path(facts)
    if notes:
        yield ""
    yield from map(in_english, notes)


def _findings(findings: Sequence[Finding]) -> Iterator[str]:
    if not findings:
        yield in_english(say("explained-nothing-found"))
    for number, finding in enumerate(findings, 1):
        yield f"{number}. {in_english(finding.title)}"
        yield from (f"   {in_english(sentence)}" for sentence in finding.evidence)
        for remedy in finding.remedies:
            saves = remedy.saves_seconds
            more = "" if not saves else " " + in_english(say("explained-saves", saves_seconds=saves))
            yield f"   {in_english(remedy.action)}{more}"


def _factors(costs: Sequence[FactorCost]) -> Iterator[str]:
    if costs:
        yield ""
    for cost in costs:
        took = [duration(seconds) for seconds in (cost.as_is_seconds, cost.changed_seconds) if seconds]
        ratio = "" if cost.ratio is None else f"×{cost.ratio:.2f}"
        if cost.ratio_low is not None and cost.ratio_high is not None:
            ratio += f" ({cost.ratio_low:.2f}-{cost.ratio_high:.2f})"
        peaks = [size(peak) for peak in (cost.as_is_peak_bytes, cost.changed_peak_bytes) if peak]
        yield (
            f"{cost.factor:<24}{cost.as_is + ' to ' + cost.changed:<28}{' to '.join(took):<20}"
            f"{ratio:<20}{' to '.join(peaks)}"
        ).rstrip()


def _path(facts: TrainingFacts) -> Iterator[str]:
    if facts.path:
        yield ""
    for station in facts.path:
        yield f"{station.change:<48}{duration(station.step_seconds):<10}{duration(station.run_seconds)}"

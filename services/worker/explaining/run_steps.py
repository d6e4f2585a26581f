"""The steps of a whole run as its attempts' journals have them: to draw, and to add up."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil
from pathlib import Path
from statistics import fmean, median
from typing import Any

from services.worker.training.run_state import RunState
from shared.journal import journal_events
from shared.reports.training_facts import StepPoint

POINTS = 600
WARM_UP = 1  # steps of an attempt that find nothing ready yet
DISTURBS = ("validation", "saving")
# By the codes of events about a step: those of `RunAlarms` and `StepMemory`.
BEFELL = {
    "card_spills": "spilled", "card_throttled": "throttled", "steps_slower": "drift",
    "step_out_of_memory": "out_of_memory",
}  # fmt: skip


@dataclass
class RunSteps:
    """Steps in their order, each as the last attempt that computed it did; `seconds` are of all of them.

    `phase_seconds` and `steady` leave out the first step of each attempt where there are others.
    `between_seconds`, by `Between`, also hold what was done for steps that had to be done again;
    `collating_seconds` are of the newest attempt alone, as its stages are.
    """

    points: list[StepPoint] = field(default_factory=list)
    steady: list[float] = field(default_factory=list)
    phase_seconds: dict[str, float] = field(default_factory=dict)
    between_seconds: dict[str, float] = field(default_factory=dict)
    between_counts: dict[str, int] = field(default_factory=dict)
    validation: dict[int, float] = field(default_factory=dict)
    collating_seconds: float = 0.0
    target_tokens: int = 0
    total_steps: int = 0

    def add_between(self, seconds: Mapping[str, float]) -> None:
        """What was done between two steps, or after the last one."""
        _add(self.between_seconds, seconds)
        for bucket in seconds.keys() & set(DISTURBS):
            self.between_counts[bucket] = self.between_counts.get(bucket, 0) + 1

    @property
    def seconds(self) -> float:
        return sum(point.seconds for point in self.points)

    @property
    def step_seconds(self) -> float:
        """The median, without warm-ups; raises StatisticsError without a step."""
        return median(self.steady or [point.seconds for point in self.points])

    def state(self) -> RunState:
        """What the run came to, as far as the journals have it."""
        return RunState(
            step=max((point.step for point in self.points), default=0),
            real_tokens=sum(point.real_tokens for point in self.points),
            computed_tokens=sum(point.computed_tokens for point in self.points),
            target_tokens=self.target_tokens,
            seconds=self.seconds,
        )

    def split(self) -> dict[str, float]:
        """The phases' shares of all steps, as seconds of the median one."""
        whole = sum(self.phase_seconds.values())
        return (
            {name: self.step_seconds * part / whole for name, part in self.phase_seconds.items()}
            if whole
            else {}
        )


def run_steps(journals: Sequence[Path]) -> RunSteps:
    """Of the journals of attempts 1, 2, …; what none of them has is missing."""
    steps, end = RunSteps(), None
    for newest, journal in zip([True] + [False] * len(journals), reversed(journals), strict=False):
        found = _Attempt(end)
        for event in journal_events(journal):
            if event.type == "metrics":
                found.add(event.data)
            elif what := BEFELL.get(event.data.get("code", "")):
                found.disturbed[int(event.data["step"])] = what
        _put_before(steps, found, with_stages=newest)
        end = found.first if found.first is not None else end
    steps.points.sort(key=lambda point: point.step)
    return steps


def drawn(points: Sequence[StepPoint], most: int = POINTS) -> tuple[StepPoint, ...]:
    """The same run in no more than `most` points: means of neighbours where there are more steps."""
    at_once = max(1, ceil(len(points) / most))
    if at_once == 1:
        return tuple(points)
    return tuple(_mean(points[first : first + at_once]) for first in range(0, len(points), at_once))


class _Attempt:
    """One attempt's steps, but for those that a later one, from `end` on, did again."""

    def __init__(self, end: int | None) -> None:
        self._end = end
        self.first: int | None = None
        self.steps = list[Mapping[str, Any]]()
        self.between = list[Mapping[str, float]]()
        self.disturbed: dict[int, str] = {}
        self.validation: dict[int, float] = {}

    def add(self, told: Mapping[str, Any]) -> None:
        step = int(told["step"])
        if told.get("validation_loss") is not None:
            self.validation[step] = told["validation_loss"]
        if "step_seconds" not in told:
            return
        between = told.get("between_seconds") or {}
        self.between.append(between)
        if what := next((bucket for bucket in DISTURBS if between.get(bucket)), None):
            self.disturbed.setdefault(step - 1, what)  # it came after that one
        self.first = step if self.first is None else self.first
        if self._end is None or step < self._end:
            self.steps.append(told)


def _put_before(steps: RunSteps, found: _Attempt, *, with_stages: bool) -> None:
    for seconds in found.between:
        steps.add_between(seconds)
    steps.validation = {**found.validation, **steps.validation}
    for number, told in enumerate(found.steps):
        phases = told.get("phase_seconds") or {}
        if with_stages:
            steps.collating_seconds += phases.get("data", 0.0) + phases.get("copy", 0.0)
        if number >= WARM_UP or len(found.steps) <= WARM_UP:
            steps.steady.append(told["step_seconds"])
            _add(steps.phase_seconds, phases)
        steps.points.append(_point(told, found.disturbed))
        steps.target_tokens += told.get("target_tokens", 0)
        steps.total_steps = max(steps.total_steps, told.get("total_steps", 0))


def _point(told: Mapping[str, Any], disturbed: Mapping[int, str]) -> StepPoint:
    return StepPoint(
        step=told["step"],
        seconds=told["step_seconds"],
        computed_tokens=told["computed_tokens"],
        real_tokens=told["real_tokens"],
        loss=told.get("train_loss"),
        disturbed=disturbed.get(told["step"]),
    )


def _mean(points: Sequence[StepPoint]) -> StepPoint:
    """Under the number of the last one."""
    losses = [point.loss for point in points if point.loss is not None]
    return StepPoint(
        step=points[-1].step,
        seconds=fmean(point.seconds for point in points),
        computed_tokens=round(fmean(point.computed_tokens for point in points)),
        real_tokens=round(fmean(point.real_tokens for point in points)),
        loss=fmean(losses) if losses else None,
        disturbed=next(_disturbed(points), None),
    )


def _disturbed(points: Iterable[StepPoint]) -> Iterator[str]:
    return (point.disturbed for point in points if point.disturbed)


def _add(total: dict[str, float], more: Mapping[str, float]) -> None:
    for name, seconds in more.items():
        total[name] = total.get(name, 0.0) + seconds

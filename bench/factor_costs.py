"""What a setting of the common recipe costs, known twice: by a training diagnosis, and by HF Trainer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from bench.arm_process import ArmStep
from bench.train_arms.hf_factors import COMMON
from bench.train_measure import Steps
from shared.reports.training_facts import Factor, FactorCost

BAR = 0.15  # how far the two ratios of a factor may lie apart
ARM_OF: Mapping[Factor, str] = {
    "padding": "hf-longest",
    "gradient_checkpointing": "hf-no-checkpointing",
    "batch_size": "hf-4-rows",
}


@dataclass(frozen=True)
class Spread:
    """How many times faster the change makes a row: the median with what lies around it."""

    ratio: float
    low: float
    high: float

    def text(self) -> str:
        return f"{self.ratio:.2f} ({self.low:.2f}-{self.high:.2f})"


@dataclass(frozen=True)
class Turn:
    """What a row took in one turn of an arm: wall and processor seconds."""

    seconds: float
    processor: float

    @classmethod
    def of(cls, steps: Sequence[ArmStep]) -> "Turn":
        rows = sum(step.rows for step in steps)
        return cls(
            sum(step.seconds for step in steps) / rows, sum(step.processor_seconds for step in steps) / rows
        )


def turns_of(steps: Sequence[ArmStep], planned: Steps, *, cold: int = 0) -> list[Turn]:
    """The turns that an arm came to the end of, without its warm-up and without the first `cold` steps of
    each: before them other arms had the processor's caches.
    """
    made, each = steps[planned.warm_up :], planned.turn
    return [Turn.of(made[first + cold : first + each]) for first in range(0, len(made) - each + 1, each)]


@dataclass(frozen=True)
class Compared:
    """One factor on one case's rows; None: it was not measured. `basis` is how the diagnosis knows it."""

    case: str
    factor: Factor
    change: str
    basis: str
    diagnosed: Spread | None
    """With its 95 % interval."""
    trained: Spread | None
    """With the least and the most of the turns."""
    processor: Spread | None = None
    """The same by the processor's seconds, which tell more where other programs took some of it."""

    @property
    def apart(self) -> float | None:
        """diagnosed ÷ trained − 1."""
        if self.diagnosed is None or self.trained is None:
            return None
        return self.diagnosed.ratio / self.trained.ratio - 1

    @property
    def kept(self) -> bool:
        return self.apart is not None and abs(self.apart) <= BAR


def compare(
    case: str,
    factors: Sequence[FactorCost],
    turns: Mapping[str, Sequence[Turn]],
) -> list[Compared]:
    """`turns` by arm: `COMMON` and those of `ARM_OF`.

    The arm that pads to the longest sees other rows than those it is compared with, which is the same to
    these: padded to the full length, all rows take the same time.
    """
    costs = {cost.factor: cost for cost in reversed(factors)}  # of two ways the first
    return [
        Compared(
            case,
            factor,
            f"{cost.as_is} -> {cost.changed}",
            cost.basis,
            diagnosed(cost),
            trained([turn.seconds for turn in turns[COMMON]], [turn.seconds for turn in turns[arm]]),
            trained([turn.processor for turn in turns[COMMON]], [turn.processor for turn in turns[arm]]),
        )
        for factor, arm in ARM_OF.items()
        if (cost := costs.get(factor)) is not None
    ]


def diagnosed(cost: FactorCost) -> Spread | None:
    if cost.ratio is None:
        return None
    low, high = cost.ratio_low, cost.ratio_high
    return Spread(cost.ratio, cost.ratio if low is None else low, cost.ratio if high is None else high)


def trained(as_is: Sequence[float], changed: Sequence[float]) -> Spread | None:
    """Turn by turn, so that what slowed both down falls out; an arm that ended early counts to its end."""
    ratios = [before / after for before, after in zip(as_is, changed, strict=False)]
    return Spread(median(ratios), min(ratios), max(ratios)) if ratios else None


def table(compared: Sequence[Compared]) -> str:
    header = ("case", "factor", "change", "diagnosis", "HF Trainer", "apart", "", "by processor")
    cells = [header, *(_row(one) for one in compared)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = ["  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)) for row in cells]
    return "\n".join(line.rstrip() for line in lines)


def _row(one: Compared) -> tuple[str, ...]:
    apart = "" if one.apart is None else f"{one.apart:+.1%}"
    return (
        one.case,
        one.factor,
        one.change,
        one.diagnosed.text() if one.diagnosed else one.basis,
        one.trained.text() if one.trained else "failed",
        apart,
        "kept" if one.kept else "MISSED",
        one.processor.text() if one.processor else "",
    )

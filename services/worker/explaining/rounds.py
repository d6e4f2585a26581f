"""Arms in turns: the same rows through each of them, in another order each round, until it is known."""

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import median

from services.worker.explaining.arm import ArmSteps, Timed
from services.worker.explaining.intervals import Interval, paired_ratio
from services.worker.text.marked_text import TokenRow

LEAST_ROUNDS = 5
SURE = 0.05  # an arm is known once its interval is within so much of its median
DISTURBED = 0.9  # of the most processor seconds a second that the arm was seen with


@dataclass
class Rounds:
    """`timed[name]` has one entry a round for each arm, in the order of the rounds.

    `left_out`: arms for whose rounds there was no time; `too_large`: those that the memory does not hold,
    with the peak that they would have, in bytes, where it is known.
    """

    timed: dict[str, list[Timed]] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()
    too_large: dict[str, int | None] = field(default_factory=dict)

    @property
    def count(self) -> int:
        return min(map(len, self.timed.values()), default=0)

    def ratio(self, as_is: str, changed: str) -> Interval:
        """How many times faster `changed` computes a token, padding or not: over the rounds that nothing else
        disturbed; where there are too few of these, by the processor's seconds, which others take less from.

        By token, since rounds have other rows: what is left to differ between them is small, so their median
        is no other than their mean.
        """
        pairs = list(zip(self.timed[as_is], self.timed[changed], strict=False))
        calm = [pair for pair in pairs if all(map(self._calm, (as_is, changed), pair))]
        if len(calm) >= LEAST_ROUNDS:
            return _ratio(calm, lambda timed: timed.seconds)
        if all(timed.on_processor for timed in self.timed[as_is]):
            return _ratio(pairs, lambda timed: timed.processor_seconds)
        return _ratio(pairs, lambda timed: timed.seconds)

    def token_seconds(self, name: str) -> float:
        """What a token takes, padding or not, by the median of an arm's calm rounds; without the update."""
        timed = self.timed[name]
        calm = [one for one in timed if self._calm(name, one)] or timed
        return median(one.seconds / one.computed_tokens for one in calm)

    @property
    def data_seconds(self) -> float:
        """Of all trials, making micro-batches."""
        return sum(one.data_seconds for timed in self.timed.values() for one in timed)

    def computed_tokens_of_a_row(self, name: str) -> float:
        timed = self.timed[name]
        return sum(one.computed_tokens for one in timed) / sum(one.rows for one in timed)

    def peak_bytes(self, name: str) -> int | None:
        peaks = [timed.peak_bytes for timed in self.timed[name] if timed.peak_bytes is not None]
        return max(peaks, default=None)

    def _calm(self, name: str, timed: Timed) -> bool:
        """Whether the process got as much of the processor as it ever did in this arm."""
        shares = [each.processor_seconds / each.seconds for each in self.timed[name]]
        return timed.processor_seconds / timed.seconds >= DISTURBED * max(shares)


def measure_rounds(
    arms: Sequence[ArmSteps],
    units: Sequence[Sequence[TokenRow]],
    *,
    until: float,
    seed: int = 0,
    tick: Callable[[], None] = lambda: None,
    told: Callable[[int], None] = lambda rounds: None,
) -> Rounds:
    """Each round puts the next unit through every arm, or as many of its first rows as the arm takes; the
    first of `arms` is what they are compared with, the others stand in the order of their worth.

    A first round is thrown away: it makes what later ones find, and says what an arm takes. Arms for whose
    `LEAST_ROUNDS` rounds the time (`until`, by `time.monotonic`) is too short are left out, but not the first
    two. Then rounds are made until every arm is sure or time is up.
    """
    tried, too_large = _tried(arms, units[0], tick)
    chosen = _affordable(tried, until - time.monotonic())
    rounds, draw = Rounds({steps.arm.name: [] for steps in chosen}), random.Random(seed)
    rounds.left_out = tuple(steps.arm.name for steps, _ in tried if steps not in chosen)
    rounds.too_large = dict.fromkeys(too_large)
    while rounds.count < LEAST_ROUNDS or (time.monotonic() < until and not _sure(rounds, arms[0])):
        unit = units[rounds.count % len(units)]
        for steps in draw.sample(chosen, len(chosen)):
            rounds.timed[steps.arm.name].append(steps(steps.arm.rows_of(unit), tick))
        told(rounds.count)
    return rounds


def _tried(
    arms: Sequence[ArmSteps], unit: Sequence[TokenRow], tick: Callable[[], None]
) -> tuple[list[tuple[ArmSteps, float]], list[str]]:
    """Arms with the seconds of one round of each, and those that don't fit into memory. What the settings
    themselves need is no such: raises the allocator's error.
    """
    tried, too_large = list[tuple[ArmSteps, float]](), list[str]()
    for steps in arms:
        started = time.monotonic()
        if steps.fits(steps.arm.rows_of(unit), tick, must=not tried):
            tried.append((steps, time.monotonic() - started))
        else:
            too_large.append(steps.arm.name)
    return tried, too_large


def _affordable(tried: Sequence[tuple[ArmSteps, float]], seconds: float) -> list[ArmSteps]:
    """One that takes too long is passed over, and a cheaper one after it may still be had."""
    chosen = list[ArmSteps]()
    for steps, took in tried:
        if len(chosen) < 2 or LEAST_ROUNDS * took <= seconds:
            seconds -= LEAST_ROUNDS * took
            chosen.append(steps)
    return chosen


def _ratio(pairs: Sequence[tuple[Timed, Timed]], of: Callable[[Timed], float]) -> Interval:
    as_is, changed = (
        [of(timed) / timed.computed_tokens for timed in arm] for arm in zip(*pairs, strict=True)
    )
    return paired_ratio(as_is, changed)


def _sure(rounds: Rounds, reference: ArmSteps) -> bool:
    others = [name for name in rounds.timed if name != reference.arm.name]
    return all(rounds.ratio(reference.arm.name, name).width <= SURE for name in others)

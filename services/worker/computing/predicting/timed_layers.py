"""The seconds of a micro-batch, from timing some layers of it and the head, by its tokens."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from services.worker.computing.predicting.small_run import Took
from services.worker.computing.predicting.step_list import Size, StepList
from services.worker.computing.predicting.trial import Trial

TIMING_SECONDS = 2.0
ROUNDS_AT_LEAST, ROUNDS_AT_MOST = 2, 6
# Where all layers would take too long: of so many one is timed at least, and of so many one at most.
FEWEST, MOST = 6, 2


@dataclass(frozen=True)
class Line:
    """Seconds by tokens, through two sizes; in proportion where there is but one."""

    few: float
    quick: float
    many: float
    slow: float

    def __call__(self, tokens: float) -> float:
        if self.many <= self.few or self.slow <= self.quick:
            return self.slow * tokens / self.many
        return max(0.0, self.quick + (self.slow - self.quick) * (tokens - self.few) / (self.many - self.few))


@dataclass(frozen=True)
class MicroBatchSeconds:
    """By computed tokens: forward and backward, and the forward alone; `layers` were timed."""

    whole: Line
    forward: Line
    layers: int


def time_micro_batches(trial: Trial, steps: StepList) -> MicroBatchSeconds:
    """Of a small micro-batch and the largest. All layers where that takes a moment, else two numbers of
    them, whose difference is what the others take.

    The larger number is as large as the time allows: of five layers of SmolLM2 the weights stay in the
    processor's caches and the activations in the heap, and 30 took 10 % longer than these told; from 15 of
    them it was 2 %.
    """
    sizes = [steps.usual_small, steps.largest]
    few = trial.pattern
    if 2 * few >= trial.layers:
        return _whole(trial, steps)
    one = _take(trial, few, sizes, TIMING_SECONDS / 4)
    more = more_layers(trial.layers, few, few_seconds=sum(took.seconds for took in one))
    several = _take(trial, more, sizes, TIMING_SECONDS / 4)
    whole = [_further(a, b, few, more, trial.layers) for a, b in zip(one, several, strict=True)]
    if ROUNDS_AT_LEAST * sum(took.seconds for took in whole) < TIMING_SECONDS:
        return _whole(trial, steps)
    return _lines(sizes, whole, more)


def more_layers(layers: int, pattern: int, *, few_seconds: float) -> int:
    """How many of so many layers to time, whole patterns of them, where one pattern took `few_seconds`."""
    affordable = int(pattern * TIMING_SECONDS / ROUNDS_AT_LEAST / few_seconds) if few_seconds else layers
    wanted = min(max(affordable, layers // FEWEST), layers // MOST)
    return max(2 * pattern, wanted // pattern * pattern)


def _whole(trial: Trial, steps: StepList) -> MicroBatchSeconds:
    """All layers, on small and on large micro-batches in turns: other ones each time where a run seldom has
    two of one size, since the first of a size takes longer (oneDNN compiles its products).
    """
    run, took = trial.run(trial.layers), dict[str, list[tuple[Size, Took]]](small=[], large=[])
    pools = {"small": steps.small_ones(ROUNDS_AT_MOST), "large": steps.large_ones(ROUNDS_AT_MOST)}
    with run.ready() as forward:
        for pool in pools.values():
            run.took(forward, trial.batch(forward, pool[0]))
            trial.tick()
        until, round_number = time.monotonic() + TIMING_SECONDS, 0
        while not round_number or (round_number < ROUNDS_AT_MOST and time.monotonic() < until):
            round_number += 1
            for name, pool in pools.items():
                size = pool[round_number % len(pool)]
                took[name].append((size, run.took(forward, trial.batch(forward, size))))
                trial.tick()
    sizes = [median(size.computed for size, _ in took[name]) for name in ("small", "large")]
    quick, slow = (_median([one for _, one in took[name]]) for name in ("small", "large"))
    return MicroBatchSeconds(
        Line(sizes[0], quick.seconds, sizes[1], slow.seconds),
        Line(sizes[0], quick.forward, sizes[1], slow.forward),
        trial.layers,
    )


def _take(trial: Trial, layers: int, sizes: Sequence[Size], seconds: float) -> list[Took]:
    """The least of as many rounds as fit into `seconds`, two at least: what disturbs one of them would be
    taken several times into account. Equal sizes are run once.
    """
    run, places = trial.run(layers), [sizes.index(size) for size in sizes]
    with run.ready() as forward:
        batches = {place: trial.batch(forward, sizes[place]) for place in dict.fromkeys(places)}
        until, rounds = time.monotonic() + seconds, list[dict[int, Took]]()
        while len(rounds) < ROUNDS_AT_LEAST or (len(rounds) < ROUNDS_AT_MOST and time.monotonic() < until):
            rounds.append({})
            for place, batch in batches.items():
                rounds[-1][place] = run.took(forward, batch)
                trial.tick()
    return [_least([took[place] for took in rounds]) for place in places]


def _least(times: Sequence[Took]) -> Took:
    return Took(min(took.forward for took in times), min(took.backward for took in times))


def _median(times: Sequence[Took]) -> Took:
    return Took(median(took.forward for took in times), median(took.backward for took in times))


def _further(one: Took, several: Took, few: int, more: int, layers: int) -> Took:
    """What `layers` take, from what `few` and `more` of them do."""
    times = (layers - more) / (more - few)
    return Took(
        several.forward + times * max(0.0, several.forward - one.forward),
        several.backward + times * max(0.0, several.backward - one.backward),
    )


def _lines(sizes: Sequence[Size], took: Sequence[Took], layers: int) -> MicroBatchSeconds:
    (small, large), (quick, slow) = sizes, took
    return MicroBatchSeconds(
        Line(small.computed, quick.seconds, large.computed, slow.seconds),
        Line(small.computed, quick.forward, large.computed, slow.forward),
        layers,
    )

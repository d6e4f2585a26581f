"""Measures the arms of one case of `bench train`: each loads and warms up, then they take turns."""

import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from bench.arm_process import ArmFailed, ArmProcess, ArmStep
from bench.document import Samples, say
from bench.peers import NoEnvironment, python_for
from bench.train_arms.job import TrainJob
from bench.train_arms.plans import FALLBACK

ARMS_AT_ONCE = 8
METRIC = "seconds_per_16_rows"
SEED = 0


@dataclass(frozen=True)
class Inputs:
    """A case's model, rows and adapter start, as folders and files."""

    model: Path
    rows: Path
    start: Path
    row_count: int
    mean_tokens: float


@dataclass(frozen=True)
class Steps:
    """Those of an arm's warm-up, which are not counted, and those of each turn."""

    warm_up: int
    turn: int


# An arm that pads to the full length takes the same time for any rows; the others' steps differ, so more
# of them are looked at.
FEW, MANY, MOST = Steps(1, 1), Steps(2, 6), Steps(2, 10)
STEPS = {"hf-user": FEW, "ours-baseline": FEW, "ours-auto": MOST, FALLBACK: MOST}


@dataclass(frozen=True)
class Measuring:
    """How it is measured. Of an arm that `steps` doesn't name they are those of "*", or `MANY`.

    `scratch` lasts, `folder` doesn't. So many arms have their models in memory at once; `load_together` lets
    these load at the same time. With `peers_here` this interpreter has the peers' packages. `optim`, by
    transformers' names, is that of arms that end in HF Trainer; ours have AdamW.
    """

    repeats: int
    scratch: Path
    folder: Path
    device: str
    steps: Mapping[str, Steps] = field(default_factory=lambda: STEPS)
    memory_cap_bytes: int | None = None
    arms_at_once: int = ARMS_AT_ONCE
    load_together: bool = False
    peers_here: bool = False
    rows_per_step: int = 16
    max_seq_length: int = 512
    optim: str = "adamw_torch"

    def steps_of(self, arm: str) -> Steps:
        return self.steps.get(arm, self.steps.get("*", MANY))


@dataclass
class Results:
    """What came of the arms of one case: their steps in order, and why an arm stopped."""

    steps: dict[str, list[ArmStep]] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)


def measure(
    case: str, inputs: Inputs, arms: Sequence[str], measuring: Measuring, samples: Samples
) -> Results:
    """One value for each turn; an arm that fails is left out from then on, and its reason kept.

    More arms than memory may hold models of are measured one group after the other.
    """
    results = Results()
    for first in range(0, len(arms), measuring.arms_at_once):
        group = arms[first : first + measuring.arms_at_once]
        _measure_group(case, inputs, group, measuring, samples, results)
    return results


def _measure_group(
    case: str,
    inputs: Inputs,
    arms: Sequence[str],
    measuring: Measuring,
    samples: Samples,
    results: Results,
) -> None:
    running: dict[str, ArmProcess] = {}

    def try_arm(arm: str, work: Callable[[str], None]) -> None:
        try:
            work(arm)
        except (ArmFailed, NoEnvironment) as error:
            say(f"{case} {arm} failed: {error}")
            results.failures[arm] = str(error)
            running.pop(arm, None)

    def load(arm: str) -> None:
        job = make_job(arm, case, inputs, measuring)
        say(f"{case} {arm}: loading, {job.warm_up_steps} steps to warm up")
        here = Path(sys.executable) if measuring.peers_here else None
        python = here or python_for(arm, measuring.scratch / "peers")
        running[arm] = stack.enter_context(ArmProcess(job, python))

    def warm_up(arm: str) -> None:
        running[arm].ready()
        results.steps[arm] = running[arm].steps(running[arm].job.warm_up_steps)

    def turn(repeat: int, arm: str) -> None:
        steps = running[arm].steps(running[arm].job.steps_per_turn)
        results.steps[arm].extend(steps)
        seconds = seconds_per_16_rows(steps)
        samples.add(arm, case, METRIC, seconds)
        rate = sum(step.tokens for step in steps) / sum(step.seconds for step in steps)
        say(
            f"{case} {repeat + 1}/{measuring.repeats} {arm}: {seconds:.2f} s per 16 rows ({rate:.0f} real "
            f"tokens/s), loss {steps[-1].loss:.4f}"
        )

    with ExitStack() as stack:
        for arm in arms:
            try_arm(arm, load)
            if arm in running and not measuring.load_together:
                try_arm(arm, warm_up)
        if measuring.load_together:
            for arm in list(running):
                try_arm(arm, warm_up)
        for repeat in range(measuring.repeats):
            for arm in list(running):
                try_arm(arm, partial(turn, repeat))


def make_job(arm: str, case: str, inputs: Inputs, measuring: Measuring) -> TrainJob:
    steps = measuring.steps_of(arm)
    return TrainJob(
        arm=arm,
        model=str(inputs.model),
        rows=str(inputs.rows),
        start=str(inputs.start),
        scratch=str(measuring.folder / case.replace("/", "-") / arm),
        artifacts=str(measuring.scratch / "models"),
        device=measuring.device,
        turns=measuring.repeats,
        steps_per_turn=steps.turn,
        warm_up_steps=steps.warm_up,
        total_steps=max(
            -(-inputs.row_count // measuring.rows_per_step), steps.warm_up + measuring.repeats * steps.turn
        ),
        rows_per_step=measuring.rows_per_step,
        max_seq_length=measuring.max_seq_length,
        optim=measuring.optim,
        seed=SEED,
        memory_cap_bytes=measuring.memory_cap_bytes,
    )


def seconds_per_16_rows(steps: Sequence[ArmStep]) -> float:
    return 16 * sum(step.seconds for step in steps) / sum(step.rows for step in steps)


def agreement(case: str, results: Results) -> list[str]:
    """How far the losses of the arms that take the same rows lie apart, over the steps that both did."""
    said: list[str] = []
    reference = results.steps.get("ours-baseline", [])
    for arm in ("hf-user", "ours-auto"):
        pairs = list(zip(reference, results.steps.get(arm, []), strict=False))
        if pairs:
            apart = max(abs(one.loss - other.loss) / one.loss for one, other in pairs)
            said.append(
                f"{case}: losses of ours-baseline and {arm} differ by {apart:.2%} at most, {len(pairs)} steps"
            )
    return said

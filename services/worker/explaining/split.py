"""Where the seconds of a step go by one arm of a diagnosis: its phases in all rounds, for a whole step."""

from services.worker.explaining.dequantizing import Dequantizing
from services.worker.explaining.measured import Measured
from services.worker.explaining.settings_arm import AS_CONFIGURED
from shared.reports.training_facts import StepSplit


def split_of(measured: Measured, name: str) -> StepSplit:
    """Of the arm `name`, which must have been timed. What its rounds took by phase is shared out over the
    step's seconds, which are a median; the update is timed apart.
    """
    rows, timed = measured.rows_per_step, measured.rounds.timed[name]
    step = measured.step_seconds if name == AS_CONFIGURED else measured.seconds(name)
    phases = dict[str, float]()
    for one in timed:
        for phase, seconds in one.phase_seconds.items():
            phases[phase] = phases.get(phase, 0.0) + seconds
    scale = (step - measured.optimizer_seconds) / sum(phases.values())
    return StepSplit(
        step_seconds=step,
        phase_seconds={
            **{phase: seconds * scale for phase, seconds in phases.items()},
            "optimizer": measured.optimizer_seconds,
        },
        steps=len(timed),
        how="timers",
        computed_tokens=rows * _computed_tokens_of_a_row(measured, name),
        real_tokens=rows * sum(measured.lengths) / len(measured.lengths),
    )


def with_dequantizing(split: StepSplit, seen: Dequantizing | None) -> StepSplit:
    """The split with what was seen of dequantizing taken out of the passes that asked for it."""
    if seen is None:
        return split
    out = {phase: split.phase_seconds.get(phase, 0.0) * ratio for phase, ratio in seen.ratios.items()}
    left = {phase: seconds - out.get(phase, 0.0) for phase, seconds in split.phase_seconds.items()}
    return split.model_copy(
        update={
            "phase_seconds": {**left, "dequantizing": sum(out.values())},
            "how": "profiler",
            "profiled_steps": seen.micro_batches,
        }
    )


def _computed_tokens_of_a_row(measured: Measured, name: str) -> float:
    """Over the whole data set where the arm is somebody's settings, else on the rows that were tried."""
    settings = measured.trials.settings.get(name)
    if settings is None:
        return measured.rounds.computed_tokens_of_a_row(name)
    return measured.tokens_of_a_row(settings)

"""Which ways to compute a step are tried against the settings at hand, and what each of them changes."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from services.worker.computing.plan.plan import Plan
from services.worker.explaining.arm import Arm
from services.worker.explaining.packing import rows_at_once, rows_of_a_step
from services.worker.explaining.settings_arm import AS_CONFIGURED, computes_in_fp32, settings_arm
from shared.reports.training_facts import PLAN_AUTO
from shared.training_settings.settings import TrainingSettings

AUTO = PLAN_AUTO
HALF = "half of the layers"
UNPADDED = "padding longest"
RECOMPUTING = "gradient_checkpointing"
LARGER = "per_device_train_batch_size"
SHORTER = "max_seq_length"
BF16 = "bnb_4bit_compute_dtype"
BOTH = "padding longest, gradient_checkpointing off"


@dataclass(frozen=True)
class TrialArms:
    """The arms by their names, what they are compared with first; and the settings behind each, where it has
    some.
    """

    arms: tuple[Arm, ...]
    settings: dict[str, TrainingSettings]

    @property
    def names(self) -> frozenset[str]:
        return frozenset(arm.name for arm in self.arms)


def trial_arms(settings: TrainingSettings, *, auto: Plan, lengths: Sequence[int]) -> TrialArms:
    """Each changes one thing, but for `BOTH`, a step of the way to `auto`. The most telling come first: where
    time is short the last are left out.

    Where all rows take the same time, an arm is timed on those of one micro-batch; else on two, so that one
    of twice the rows sees the same rows. So is one that pads short rows to the longest: they differ, and take
    little time. `auto` is timed on those of a whole step, which is what it splits.
    """
    step = rows_of_a_step(lengths, settings)
    one = rows_at_once(lengths, settings)
    two = min(step, 2 * one)
    padded = settings.padding == "max_length"
    unpadded = settings.model_copy(update={"padding": "longest"})
    variants = {AS_CONFIGURED: settings}
    if padded:
        variants[UNPADDED] = unpadded
    variants[RECOMPUTING] = _other_checkpointing(settings)
    if computes_in_fp32(settings):
        variants[BF16] = settings.model_copy(
            update={"bnb_4bit_compute_dtype": "bfloat16", "precision": "bf16"}
        )
    if padded and settings.gradient_checkpointing:
        variants[BOTH] = unpadded.model_copy(update={"gradient_checkpointing": False})
    if settings.padding in ("max_length", "longest") and two > one:
        variants[LARGER] = settings.model_copy(update={"per_device_train_batch_size": two})
    if padded:
        variants[SHORTER] = settings.model_copy(
            update={"max_seq_length": shorter(settings.max_seq_length, max(lengths))}
        )
    short = 2 * sum(lengths) <= settings.max_seq_length * len(lengths)

    def rows_of(name: str, values: TrainingSettings) -> int:
        is_alike = values.padding == "max_length" or not short
        return one if padded and is_alike and name != LARGER else two

    arms = {
        name: replace(settings_arm(values, name=name), rows=rows_of(name, values))
        for name, values in variants.items()
    }
    first, *others = arms.values()
    half = replace(first, name=HALF, half=True)
    return TrialArms((first, Arm(AUTO, auto), *others[:3], half, *others[3:]), variants)


def shorter(max_seq_length: int, longest_row: int) -> int:
    """As few tokens as the longest row needs, in eights, where that is less; else half."""
    needed = -(-longest_row // 8) * 8
    return needed if needed < max_seq_length else max(8, max_seq_length // 2)


def _other_checkpointing(settings: TrainingSettings) -> TrainingSettings:
    return settings.model_copy(update={"gradient_checkpointing": not settings.gradient_checkpointing})

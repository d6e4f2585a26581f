"""What the worker does otherwise than settings say, so that a report can call it another curve."""

from shared.messages.message import say
from shared.schemas.hyperparameters import Hyperparameters, OptimizerName
from shared.training_settings.outcome import Differs
from shared.training_settings.settings import TrainingSettings
from shared.training_settings.words import ADAMW, ADAMW_8BIT, OUR_SCHEDULES


def differences(settings: TrainingSettings) -> tuple[Differs, ...]:
    """Optimizer, schedule and 4-bit format that the worker does not have."""
    found = []
    if settings.optim not in ADAMW | ADAMW_8BIT:
        reason = say("settings-differ-optimizer", value=settings.optim)
        found.append(Differs(field="optim", value=settings.optim, curve=True, reason=reason))
    if settings.lr_scheduler_type not in OUR_SCHEDULES:
        reason = say("settings-differ-schedule", value=settings.lr_scheduler_type, ours_choices=OUR_SCHEDULES)
        found.append(
            Differs(field="lr_scheduler_type", value=settings.lr_scheduler_type, curve=True, reason=reason)
        )
    if settings.quantization != "nf4":
        reason = say("settings-differ-quantization", value=settings.quantization or "null")
        found.append(Differs(field="quantization", value=settings.quantization, curve=True, reason=reason))
    return tuple(found)


def hyperparameters(settings: TrainingSettings, *, rows: int) -> Hyperparameters:
    """What the worker is to learn, for a run over so many rows (or packs) under these settings.

    What `differences` tells is left as the worker has it: AdamW, and cosine for a schedule that it lacks.
    """
    total = settings.total_steps(rows)
    known = settings.lr_scheduler_type in OUR_SCHEDULES
    return Hyperparameters.model_validate(
        {
            "max_steps": total,
            "global_batch_size": settings.rows_per_step,
            "optim": optimizer_name(settings),
            "learning_rate": settings.learning_rate,
            "lr_scheduler_type": settings.lr_scheduler_type if known else "cosine",
            "warmup_ratio": warmup_ratio(min(settings.warmup_steps_of(total), total), total),
            "max_seq_length": settings.max_seq_length,
            "loss_on": settings.loss_on,
            "lora": settings.lora,
            "max_grad_norm": settings.max_grad_norm or 1e6,
            "seed": settings.seed,
        }
    )


def optimizer_name(settings: TrainingSettings) -> OptimizerName:
    """The worker's own for that of the settings; AdamW for one that it lacks."""
    return "adamw_8bit" if settings.optim in ADAMW_8BIT else "adamw"


def warmup_ratio(steps: int, total: int) -> float:
    """The share of which `ceil(total · share)` is exactly `steps`: of a plain quotient it may be one more."""
    return 0.0 if steps == 0 else max(0.0, steps - 0.5) / total

"""A user's settings as an arm: how HF Trainer would compute their micro-batches."""

from dataclasses import replace

from services.worker.computing.plan.plan import Plan
from services.worker.explaining.arm import Arm
from shared.training_settings.settings import TrainingSettings

AS_CONFIGURED = "as configured"


def settings_arm(settings: TrainingSettings, *, name: str = AS_CONFIGURED) -> Arm:
    """The model's own forward with the mask and all logits, as Trainer calls it; rows as they are padded.

    Packing is computed as rows of `max_seq_length` real tokens: see `packed_rows`.
    """
    plan = Plan(
        "explicit",
        tokens_per_micro_batch=settings.per_device_train_batch_size * settings.max_seq_length,
        gradient_checkpointing=settings.gradient_checkpointing,
        rows_per_micro_batch=settings.per_device_train_batch_size,
        pad_to=settings.max_seq_length if settings.padding == "max_length" else None,
        attention_mask=True,
        full_logits=True,
    )
    return Arm(name, plan, fp32=computes_in_fp32(settings))


def computes_in_fp32(settings: TrainingSettings) -> bool:
    """Whether the products of the base model are in fp32: those of 4-bit layers by bitsandbytes' dtype."""
    if settings.quantization is not None:
        return settings.bnb_4bit_compute_dtype == "float32"
    return settings.precision == "fp32"


def changed(settings: TrainingSettings, **values: object) -> TrainingSettings:
    """The settings with other values, whose rows a step stay as many unless told otherwise."""
    return settings.model_copy(update=values)


def with_own_loss(arm: Arm) -> Arm:
    """The same with logits of targets alone, which is ours and nobody's setting."""
    return replace(arm, plan=replace(arm.plan, full_logits=False))

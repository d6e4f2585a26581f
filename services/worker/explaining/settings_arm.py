"""A user's settings as an arm: how HF Trainer would compute their micro-batches."""

from services.worker.computing.plan.plan import Plan
from services.worker.explaining.arm import Arm
from shared.training_settings.settings import TrainingSettings

AS_CONFIGURED = "as configured"


def settings_arm(settings: TrainingSettings, *, name: str = AS_CONFIGURED) -> Arm:
    """The model's own forward with the mask and all logits, as Trainer calls it; rows as they are padded."""
    plan = Plan(
        "explicit",
        tokens_per_micro_batch=settings.per_device_train_batch_size * settings.max_seq_length,
        gradient_checkpointing=settings.gradient_checkpointing,
        rows_per_micro_batch=settings.per_device_train_batch_size,
        pad_to=settings.max_seq_length if settings.padding == "max_length" else None,
        attention_mask=True,
        full_logits=True,
    )
    pack_to = settings.max_seq_length if settings.padding == "packing" else None
    return Arm(name, plan, fp32=computes_in_fp32(settings), pack_to=pack_to)


def computes_in_fp32(settings: TrainingSettings) -> bool:
    """Whether the products of the base model are in fp32: those of 4-bit layers by bitsandbytes' dtype."""
    if settings.quantization is not None:
        return settings.bnb_4bit_compute_dtype == "float32"
    return settings.precision == "fp32"

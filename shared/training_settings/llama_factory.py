"""A LLaMA-Factory YAML: HF's keys, and its own for LoRA, quantization, length and packing."""

from shared.messages.message import say
from shared.training_settings.keys import Keys
from shared.training_settings.trainer_keys import (
    TrainerDefaults,
    take_checkpointing,
    take_precision,
    take_trainer_keys,
    targets,
)
from shared.training_settings.values import short
from shared.training_settings.words import names

# Switches for another kind of training than LoRA by the next token.
OTHER_TRAININGS = names(
    "use_galore use_apollo use_badam use_adam_mini use_muon use_llama_pro use_dft_loss use_asft_loss "
    "use_eaft_loss pissa_init loraplus_lr_ratio"
)


def take(keys: Keys) -> None:
    take_trainer_keys(keys, TrainerDefaults())
    is_pretraining = _take_stage(keys)
    _take_checkpointing(keys)
    _take_precision(keys)
    _take_quantization(keys)
    _take_rows(keys, is_pretraining)
    _take_lora(keys)
    for name in OTHER_TRAININGS:
        keys.only(name, False)


def _take_stage(keys: Keys) -> bool:
    stage, kind = keys.take("stage"), keys.take("finetuning_type")
    if stage is not None and stage.value not in ("sft", "pt"):
        keys.refuse(stage, say("settings-other-training", key=stage.name, value=short(stage.value)))
    if kind is not None and kind.value != "lora":
        keys.refuse(kind, say("settings-no-lora", key=kind.name, value=short(kind.value)))
    return stage is not None and stage.value == "pt"


def _take_checkpointing(keys: Keys) -> None:
    """On unless it is switched off; HF's own switch can only switch it on again."""
    off = keys.take("disable_gradient_checkpointing")
    take_checkpointing(keys, default=True, reentrant=True)
    if off is not None and off.value is True and keys.source.get("gradient_checkpointing") is None:
        keys.drop("gradient_checkpointing")
        keys.set("gradient_checkpointing", False, off.name)
    elif off is not None and not isinstance(off.value, bool):
        keys.refuse(off, say("settings-not-true-or-false", key=off.name, value=short(off.value)))
    elif keys.values.get("gradient_checkpointing") is False:
        keys.set("gradient_checkpointing", True, "gradient_checkpointing")
    if reentrant := keys.take("use_reentrant_gc"):
        keys.drop("use_reentrant")
        keys.set("use_reentrant", reentrant.value, reentrant.name)


def _take_precision(keys: Keys) -> None:
    pure = keys.flag("pure_bf16", default=False)
    take_precision(keys, default="fp32")
    if pure:
        keys.drop("precision")
        keys.set("precision", "bf16", "pure_bf16")
    known = {"bf16": "bfloat16", "fp16": "float16"}
    # Without mixed precision it computes in the checkpoint's own type, which for most models is bfloat16.
    keys.assume("bnb_4bit_compute_dtype", known.get(keys.values["precision"], "bfloat16"))


def _take_quantization(keys: Keys) -> None:
    bits, method = keys.take("quantization_bit"), keys.take("quantization_method")
    if method is not None and method.value not in ("bnb", "bitsandbytes"):
        keys.refuse(method, say("settings-other-quantization", key=method.name, value=short(method.value)))
    kind = keys.take("quantization_type")
    if bits is None:
        keys.assume("quantization", None, say("settings-no-quantization", tool=keys.title))
    elif bits.value == 4 and kind is not None:
        keys.set("quantization", kind.value, kind.name)
    elif bits.value == 4:
        keys.assume("quantization", "nf4")
    elif bits.value == 8:
        keys.set("quantization", "int8", bits.name)
    else:
        keys.refuse(bits, say("settings-other-quantization", key=bits.name, value=short(bits.value)))
    keys.put("bnb_4bit_use_double_quant", "double_quantization", default=True)


def _take_rows(keys: Keys, is_pretraining: bool) -> None:
    keys.put("max_seq_length", "cutoff_len", default=2048)
    packing = keys.flag("packing", default=is_pretraining)
    neat = keys.flag("neat_packing", default=False)
    sampling = keys.take("train_sampling_strategy")
    grouped = keys.flag("group_by_length", default=False)
    if packing or neat:
        keys.set("padding", "packing", "packing" if packing else "neat_packing")
    elif grouped or (sampling is not None and sampling.value == "group_by_length"):
        keys.set("padding", "group_by_length", "group_by_length" if grouped else "train_sampling_strategy")
    else:
        keys.assume("padding", "longest")
    learns_all = keys.take("train_on_prompt")
    if learns_all is not None:
        keys.set("loss_on", "all" if learns_all.value or is_pretraining else "completion", learns_all.name)
    else:
        keys.assume("loss_on", "all" if is_pretraining else "completion")
    if share := keys.take("val_size"):
        has_rows = isinstance(share.value, int | float) and share.value > 0
        if not has_rows and "eval_dataset" not in keys.given:
            keys.drop("eval_strategy")
            keys.set("eval_strategy", "no", share.name)


def _take_lora(keys: Keys) -> None:
    keys.put("lora.r", "lora_rank", default=8)
    rank = keys.values["lora.r"]
    keys.put("lora.alpha", "lora_alpha", default=2 * rank if isinstance(rank, int) and rank > 0 else None)
    keys.put("lora.dropout", "lora_dropout", default=0)
    keys.put("lora.target_modules", "lora_target", default="all-linear", read=targets)

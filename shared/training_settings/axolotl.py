"""An Axolotl YAML: its own names of nearly everything, over HF Trainer."""

from typing import Any

from shared.messages.message import say
from shared.training_settings.keys import Found, Keys
from shared.training_settings.outcome import Differs, Ignored
from shared.training_settings.trainer_keys import ONE_VALUE, strategy, targets
from shared.training_settings.training_arguments import compute_dtype, tell_padding_free
from shared.training_settings.values import OFF, short
from shared.training_settings.words import names

ONLY: dict[str, Any] = {
    **{name: ours for name, ours in ONE_VALUE.items() if name not in ("use_dora", "use_rslora")},
    **dict.fromkeys(
        names(
            "peft_use_dora peft_use_rslora peft_init_lora_weights peft_layers_to_transform lora_rank_pattern "
            "lora_alpha_pattern loraplus_lr_ratio relora lr_groups embedding_lr embedding_lr_scale "
            "noisy_embedding_alpha cosine_min_lr_ratio cosine_constant_lr_ratio lr_quadratic_warmup "
            "lr_div_factor unfrozen_parameters use_eaft peft peft_layer_replication peft_layers_pattern "
            "peft_trainable_token_indices dpo_beta"
        )
    ),
}
MOST_WARMUP_STEPS = 100


def take(keys: Keys) -> None:
    _take_kind(keys)
    _take_steps(keys)
    _take_checkpointing(keys)
    _take_rows(keys)
    _take_precision(keys)
    _take_quantization(keys)
    _take_lora(keys)
    _take_loader(keys)
    _take_cadence(keys)
    keys.put("seed", default=42)
    for name, ours in ONLY.items():
        keys.only(name, ours)


def _take_kind(keys: Keys) -> None:
    kind, rl = keys.take("adapter"), keys.take("rl")
    if kind is None or kind.value not in ("lora", "qlora"):
        found = kind or Found("adapter", None)
        keys.refuse(found, say("settings-no-lora", key=found.name, value=short(found.value) or "full"))
    if (gptq := keys.take("gptq")) is not None and gptq.value not in OFF:
        keys.refuse(gptq, say("settings-other-quantization", key=gptq.name, value=short(gptq.value)))
    for other in (rl, keys.take("reward_model")):
        if other is not None and other.value not in OFF:
            keys.refuse(other, say("settings-other-training", key=other.name, value=short(other.value)))


def _take_steps(keys: Keys) -> None:
    keys.put("per_device_train_batch_size", "micro_batch_size", default=1)
    rows, per_step = keys.values["per_device_train_batch_size"], keys.take("batch_size")
    if per_step is not None and "gradient_accumulation_steps" not in keys.given:
        if isinstance(per_step.value, int) and isinstance(rows, int) and rows > 0:
            keys.set("gradient_accumulation_steps", per_step.value // rows, per_step.name)
        else:
            keys.refuse(per_step, say("settings-no-number", key=per_step.name, value=short(per_step.value)))
    else:
        keys.put("gradient_accumulation_steps", default=1)
        if per_step is not None:
            reason = say("settings-ignored-rows-of-a-step")
            keys.ignored.append(Ignored(key=per_step.name, value=short(per_step.value), reason=reason))
    keys.put("num_train_epochs", "num_epochs", default=1)
    keys.put("max_steps", read=lambda steps: None if steps in (0, -1) else steps)
    keys.put("optim", "optimizer", default="adamw_torch_fused")
    keys.require("learning_rate")
    keys.put("lr_scheduler_type", "lr_scheduler", default="cosine")
    keys.put("max_grad_norm", default=1)
    steps, ratio = keys.take("warmup_steps"), keys.take("warmup_ratio")
    if found := steps or ratio:
        keys.set("warmup_steps", found.value, found.name)
    else:
        keys.assume("warmup_steps", 0.03)
        keys.assume("most_warmup_steps", MOST_WARMUP_STEPS)


def _take_checkpointing(keys: Keys) -> None:
    found = keys.take("gradient_checkpointing")
    offloads = found is not None and found.value in ("offload", "offload_disk")
    if found is not None:
        keys.set("gradient_checkpointing", True if offloads else found.value, found.name)
    else:
        keys.assume("gradient_checkpointing", False)
    if found is not None and offloads:
        reason = say("settings-differ-offload", key=found.name, value=found.value)
        keys.differs.append(Differs(field=found.name, value=found.value, curve=False, reason=reason))
    kwargs = keys.take("gradient_checkpointing_kwargs")
    given = kwargs.value if kwargs is not None and isinstance(kwargs.value, dict) else {}
    if "use_reentrant" in given:
        keys.set("use_reentrant", given["use_reentrant"], "gradient_checkpointing_kwargs.use_reentrant")
    else:
        keys.assume("use_reentrant", True)


def _take_rows(keys: Keys) -> None:
    keys.put("max_seq_length", "sequence_len", default=512)
    packing = keys.flag("sample_packing", default=False)
    padded = keys.flag("pad_to_sequence_len", default=False)
    grouped = keys.flag("group_by_length", default=False)
    flattened = keys.take("batch_flattening")
    if packing:
        keys.set("padding", "packing", "sample_packing")
    elif padded:
        keys.set("padding", "max_length", "pad_to_sequence_len")
    elif grouped:
        keys.set("padding", "group_by_length", "group_by_length")
    else:
        keys.assume("padding", "longest")
    if flattened is not None and flattened.value not in OFF and not packing:
        tell_padding_free(keys, flattened.name)
    learns_all = keys.take("train_on_inputs")
    if learns_all is None:
        keys.assume("loss_on", "completion")
    else:
        keys.set("loss_on", "all" if learns_all.value else "completion", learns_all.name)


def _take_precision(keys: Keys) -> None:
    """`auto` is bf16 wherever the card has it, as is an absent key."""
    bf16, fp16 = keys.take("bf16", "bfloat16"), keys.take("fp16", "float16")
    fp32 = keys.flag("float32", default=False)
    if bf16 is not None and bf16.value not in (True, False, "auto", "full"):
        keys.refuse(bf16, say("settings-not-true-or-false", key=bf16.name, value=short(bf16.value)))
    half = fp16 is not None and fp16.value is True
    if bf16 is not None and bf16.value in (True, "full"):
        if half:
            keys.refuse(Found("fp16", True), say("settings-both-precisions", key="fp16"))
        keys.set("precision", "bf16", bf16.name)
    elif half:
        keys.set("precision", "fp16", "fp16")
    elif fp32 or (bf16 is not None and bf16.value is False):
        keys.set("precision", "fp32", "float32" if fp32 else "bf16")
    else:
        keys.assume("precision", "bf16", say("settings-auto-precision", tool=keys.title))


def _take_quantization(keys: Keys) -> None:
    four, eight = keys.take("load_in_4bit"), keys.take("load_in_8bit")
    kwargs = keys.take("bnb_config_kwargs")
    given = kwargs.value if kwargs is not None and isinstance(kwargs.value, dict) else {}
    known = {"bf16": "bfloat16", "fp16": "float16", "fp32": "float32"}
    dtype = given.get("bnb_4bit_compute_dtype", known.get(keys.values.get("precision", ""), "bfloat16"))
    if four is not None and four.value:
        keys.set("quantization", given.get("bnb_4bit_quant_type", "nf4"), four.name)
        keys.assume("bnb_4bit_use_double_quant", given.get("bnb_4bit_use_double_quant", True))
        keys.assume("bnb_4bit_compute_dtype", compute_dtype(dtype))
    elif keys.given.get("adapter") == "qlora":
        keys.refuse(
            four or Found("load_in_4bit", None), say("settings-qlora-without-4bit", key="load_in_4bit")
        )
    elif eight is not None and eight.value:
        keys.set("quantization", "int8", eight.name)
    else:
        keys.assume("quantization", None, say("settings-no-quantization", tool=keys.title))


def _take_lora(keys: Keys) -> None:
    keys.require("lora.r", "lora_r")
    keys.require("lora.alpha", "lora_alpha")
    keys.put("lora.dropout", "lora_dropout", default=0)
    linear = keys.flag("lora_target_linear", default=False)
    modules = keys.take("lora_target_modules")
    if linear:
        keys.set("lora.target_modules", "all-linear", "lora_target_linear")
    elif modules is not None:
        keys.set("lora.target_modules", targets(modules.value), modules.name)
    else:
        keys.refuse(
            Found("lora_target_modules", None),
            say("settings-required", key="lora_target_modules", tool=keys.title),
        )


def _take_loader(keys: Keys) -> None:
    """One worker and pinned memory, unless the file says anything about the loader; then HF's defaults."""
    names = ("dataloader_num_workers", "dataloader_pin_memory", "dataloader_prefetch_factor")
    says_something = any(keys.given.get(name) is not None for name in names)
    keys.put("dataloader_num_workers", default=0 if says_something else 1)
    keys.put("dataloader_pin_memory", default=True)


def _take_cadence(keys: Keys) -> None:
    """Evaluation and saving, by steps or times an epoch."""
    keys.put("per_device_eval_batch_size", "eval_batch_size")
    if "per_device_eval_batch_size" not in keys.values:
        keys.assume("per_device_eval_batch_size", keys.values["per_device_train_batch_size"])
    held_out = keys.take("val_set_size")
    has_rows = (held_out is not None and held_out.value not in OFF) or bool(keys.given.get("test_datasets"))
    for what, per_epoch in (("eval", "evals_per_epoch"), ("save", "saves_per_epoch")):
        steps, times = keys.take(f"{what}_steps"), keys.take(per_epoch)
        names = ("eval_strategy", "evaluation_strategy") if what == "eval" else ("save_strategy",)
        word = keys.take(*names)
        if what == "eval" and not has_rows:
            keys.assume("eval_strategy", "no", say("settings-nothing-held-out"))
        elif share := _share(keys, times):
            keys.set(f"{what}_strategy", "steps", per_epoch)
            keys.set(f"{what}_steps", share, per_epoch)
        elif steps is not None and steps.value not in OFF:
            keys.set(f"{what}_strategy", "steps", steps.name)
            keys.set(f"{what}_steps", steps.value, steps.name)
        elif word is not None:
            keys.set(f"{what}_strategy", strategy(word.value), word.name)
        else:
            keys.assume(f"{what}_strategy", "no" if what == "eval" else "epoch")


def _share(keys: Keys, times: Found | None) -> float | None:
    """So many times an epoch, as a share of the run."""
    if times is None or times.value in OFF:
        return None
    epochs = keys.values["num_train_epochs"]
    if not isinstance(times.value, int | float) or not isinstance(epochs, int | float) or epochs <= 0:
        keys.refuse(times, say("settings-no-number", key=times.name, value=short(times.value)))
        return None
    share = 1.0 / (times.value * epochs)
    return share if share < 1 else None

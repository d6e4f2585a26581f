"""The keys of HF Trainer, which TRL and LLaMA-Factory have, too; old and new names."""

from dataclasses import dataclass
from typing import Any

from shared.messages.message import say
from shared.training_settings.keys import Found, Keys
from shared.training_settings.values import OFF, short

# Keys that change what is learned, with the only value that the worker has.
ONE_VALUE: dict[str, Any] = {
    "weight_decay": 0,
    "adam_beta1": 0.9,
    "adam_beta2": 0.999,
    "adam_epsilon": 1e-8,
    "label_smoothing_factor": 0,
    "neftune_noise_alpha": None,
    "optim_args": None,
    "auto_find_batch_size": False,
    "lr_scheduler_kwargs": None,
    "lora_modules_to_save": None,
    "modules_to_save": None,
    "additional_target": None,
    "lora_target_parameters": None,
    "use_dora": False,
    "use_rslora": False,
}


@dataclass(frozen=True)
class TrainerDefaults:
    """Where TRL's differ from HF's."""

    learning_rate: float = 5e-5
    logging_steps: int = 500


def take_trainer_keys(keys: Keys, defaults: TrainerDefaults) -> None:
    """Steps, optimizer, loader, evaluation, saving and seed."""
    keys.put(
        "per_device_train_batch_size", "per_device_train_batch_size", "per_gpu_train_batch_size", default=8
    )
    keys.put("gradient_accumulation_steps", default=1)
    keys.put("dataloader_num_workers", default=0)
    keys.put("dataloader_pin_memory", default=True)
    if keys.flag("adafactor", default=False):
        keys.set("optim", "adafactor", "adafactor")
        keys.take("optim")
    else:
        keys.put("optim", default="adamw_torch_fused")
    keys.put("learning_rate", default=defaults.learning_rate)
    keys.put("lr_scheduler_type", default="linear")
    take_warmup(keys)
    keys.put("num_train_epochs", default=3)
    keys.put("max_steps", read=lambda steps: None if steps in (0, -1) else steps)
    keys.put("max_grad_norm", default=1)
    keys.put("seed", default=42)
    _take_evaluation(keys, defaults)
    for name, ours in ONE_VALUE.items():
        keys.only(name, ours)


def take_warmup(keys: Keys) -> None:
    """`warmup_steps` wins over the old `warmup_ratio`, unless it is 0; below 1 it is a share itself."""
    steps, ratio = keys.take("warmup_steps"), keys.take("warmup_ratio")
    if ratio is not None and not (isinstance(ratio.value, int | float) and 0 <= ratio.value < 1):
        keys.refuse(ratio, say("settings-no-share", key=ratio.name, value=short(ratio.value)))
    found = steps if steps is not None and steps.value != 0 else ratio or steps
    if found is None:
        keys.assume("warmup_steps", 0)
    else:
        keys.set("warmup_steps", found.value, found.name)


def _take_evaluation(keys: Keys, defaults: TrainerDefaults) -> None:
    keys.put("eval_strategy", "eval_strategy", "evaluation_strategy", default="no", read=strategy)
    keys.put("per_device_eval_batch_size", "per_device_eval_batch_size", "per_gpu_eval_batch_size", default=8)
    keys.put("eval_steps", read=lambda steps: steps or None)
    if keys.values["eval_strategy"] == "steps" and keys.values.get("eval_steps") is None:
        logging = keys.given.get("logging_steps")
        keys.assume("eval_steps", logging if isinstance(logging, int | float) else defaults.logging_steps)
    keys.put("save_strategy", default="steps", read=strategy)
    keys.put("save_steps", default=500, read=lambda steps: steps or None)


def strategy(value: Any) -> Any:
    """A bare `no` is false in YAML, and meant as the word."""
    return "no" if value is False else value


def take_checkpointing(keys: Keys, *, default: bool, reentrant: bool) -> None:
    """Recomputing, under its old name and the new one."""
    keys.put("gradient_checkpointing", "activation_checkpointing", "gradient_checkpointing", default=default)
    kwargs = keys.take("activation_checkpointing_kwargs", "gradient_checkpointing_kwargs")
    given = kwargs.value if kwargs is not None and isinstance(kwargs.value, dict) else {}
    if kwargs is not None and "use_reentrant" in given:
        keys.set("use_reentrant", given["use_reentrant"], f"{kwargs.name}.use_reentrant")
    else:
        reason = None if reentrant else say("settings-default-reentrant")
        keys.assume("use_reentrant", reentrant, reason)


def take_precision(keys: Keys, *, default: str) -> None:
    """`bf16` and `fp16` are two switches of one thing; `default` is what neither means."""
    bf16, fp16 = keys.take("bf16"), keys.take("fp16")
    for found in (bf16, fp16):
        if found is not None and not isinstance(found.value, bool):
            keys.refuse(found, say("settings-not-true-or-false", key=found.name, value=short(found.value)))
    on = [found.name for found in (bf16, fp16) if found is not None and found.value not in OFF]
    if len(on) == 2:
        keys.refuse(Found("fp16", True), say("settings-both-precisions", key="fp16"))
    if on:
        keys.set("precision", on[0], on[0])
    elif bf16 is not None:
        keys.set("precision", "fp32", "bf16")
    else:
        keys.assume("precision", default)


def targets(value: Any) -> Any:
    """`all` is PEFT's `all-linear`; names may be one text with commas."""
    if isinstance(value, str):
        names = [name.strip() for name in value.split(",")]
        return "all-linear" if names in (["all"], ["all-linear"]) else names
    return value

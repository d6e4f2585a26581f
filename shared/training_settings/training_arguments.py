"""A file of HF `TrainingArguments`, as `to_json_string` writes it or by hand, or of TRL's `SFTConfig`."""

from typing import Any

from shared.messages.message import say
from shared.training_settings.keys import Keys
from shared.training_settings.outcome import Differs
from shared.training_settings.settings import TrainingSettings
from shared.training_settings.trainer_keys import (
    TrainerDefaults,
    take_checkpointing,
    take_precision,
    take_trainer_keys,
    targets,
)
from shared.training_settings.values import short
from shared.training_settings.words import names

SFT_MARKS = frozenset(
    names(
        "max_length packing padding_free dataset_text_field completion_only_loss assistant_only_loss "
        "packing_strategy loss_type"
    )
)
DTYPES = {"bf16": "bfloat16", "fp16": "float16", "fp32": "float32", "auto": "bfloat16"}


def take(keys: Keys) -> None:
    """All keys that are fields here. Padding, length, LoRA and 4-bit weights are in no TrainingArguments: a
    file written by hand may have them in the words of PEFT and bitsandbytes."""
    is_sft = bool(SFT_MARKS & keys.given.keys())
    take_trainer_keys(keys, TrainerDefaults(2e-5, 10) if is_sft else TrainerDefaults())
    take_checkpointing(keys, default=is_sft, reentrant=False)
    take_precision(keys, default="bf16" if is_sft else "fp32")
    _take_rows(keys, is_sft)
    _take_loss(keys)
    _take_quantization(keys)
    take_peft(keys)


def _take_rows(keys: Keys, is_sft: bool) -> None:
    packing = keys.flag("packing", default=False)
    padding_free = keys.flag("padding_free", default=False)
    sampling = keys.take("train_sampling_strategy")
    grouped = keys.flag("group_by_length", default=False)
    keys.put("max_seq_length", "max_seq_length", "max_length")
    keys.put("padding")
    if packing:
        keys.set("padding", "packing", "packing")
    elif grouped or (sampling is not None and sampling.value == "group_by_length"):
        keys.set("padding", "group_by_length", "group_by_length" if grouped else "train_sampling_strategy")
    elif is_sft and "padding" not in keys.values:
        keys.assume("padding", "longest")
    if padding_free and not packing:
        tell_padding_free(keys, "padding_free")
    if "padding" not in keys.values:
        keys.ask("padding", say("settings-ask-padding", field=f"{keys.place}padding"))
    if "max_seq_length" not in keys.values:
        if is_sft and "max_length" not in keys.given:
            keys.assume("max_seq_length", 1024)
        else:
            keys.ask("max_seq_length", say("settings-ask-length", field=f"{keys.place}max_seq_length"))


def tell_padding_free(keys: Keys, name: str) -> None:
    reason = say("settings-differ-padding-free", key=name)
    keys.differs.append(Differs(field=name, value=True, curve=False, reason=reason))


def _take_loss(keys: Keys) -> None:
    completion = keys.take("completion_only_loss")
    assistant = keys.flag("assistant_only_loss", default=False)
    if assistant:
        keys.set("loss_on", "completion", "assistant_only_loss")
    elif completion is not None:
        keys.set("loss_on", "completion" if completion.value else "all", "completion_only_loss")
    keys.only("loss_type", "nll")


def _take_quantization(keys: Keys) -> None:
    four, eight = keys.take("load_in_4bit"), keys.take("load_in_8bit")
    dtype = keys.take("bnb_4bit_compute_dtype")
    keys.put("bnb_4bit_use_double_quant", "bnb_4bit_use_double_quant", "use_bnb_nested_quant")
    if four is not None and four.value:
        keys.put("quantization", "bnb_4bit_quant_type", default="fp4")
        if dtype is None:
            keys.assume("bnb_4bit_compute_dtype", "float32")
        if "bnb_4bit_use_double_quant" not in keys.values:
            keys.assume("bnb_4bit_use_double_quant", False)
    elif eight is not None and eight.value:
        keys.set("quantization", "int8", "load_in_8bit")
    elif four is not None:
        keys.set("quantization", None, "load_in_4bit")
    else:
        keys.put("quantization", "bnb_4bit_quant_type")
        if "quantization" not in keys.values:
            _not_in_file(keys, "quantization")
    if dtype is not None:
        keys.set("bnb_4bit_compute_dtype", compute_dtype(dtype.value), dtype.name)
    elif "bnb_4bit_compute_dtype" not in keys.values:
        _not_in_file(keys, "bnb_4bit_compute_dtype")


def compute_dtype(value: Any) -> Any:
    """`torch.bfloat16` and `bf16` are `bfloat16`."""
    text = str(value).removeprefix("torch.")
    return DTYPES.get(text, text)


def take_peft(keys: Keys) -> None:
    """LoRA in PEFT's words."""
    keys.put("lora.r", "lora_r", "r")
    keys.put("lora.alpha", "lora_alpha")
    keys.put("lora.dropout", "lora_dropout")
    keys.put("lora.target_modules", "lora_target_modules", "target_modules", read=targets)
    given = [field for field in keys.values if field.startswith("lora.")]
    if not given:
        _not_in_file(keys, "lora")
        return
    for field, default in (("lora.r", 8), ("lora.alpha", 8), ("lora.dropout", 0)):
        if field not in given:
            keys.assume(field, default, say("settings-tool-default", tool="PEFT", field=field, value=default))
    if "lora.target_modules" not in given:
        keys.assume(
            "lora.target_modules",
            ["q_proj", "v_proj"],
            say("settings-tool-default", tool="PEFT", field="lora.target_modules", value="q_proj, v_proj"),
        )


def _not_in_file(keys: Keys, field: str) -> None:
    """What the user's script says elsewhere, and the common recipe stands in for."""
    value = TrainingSettings.model_fields[field].get_default(call_default_factory=True)
    shown = value.model_dump(mode="json") if hasattr(value, "model_dump") else value
    reason = say("settings-not-in-file", tool=keys.title, field=field, value=short(shown))
    keys.assume(field, shown, reason)

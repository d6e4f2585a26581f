"""The installed transformers and PEFT: their own defaults are those that are assumed for an absent key."""

import json
from pathlib import Path
from typing import Any

import pytest
from peft import LoraConfig
from transformers import BitsAndBytesConfig, TrainingArguments

from shared.training_settings.read import read_settings

BESIDE = {"padding": "longest", "max_seq_length": 64}


@pytest.fixture
def written(tmp_path: Path) -> dict[str, Any]:
    """All keys, as `to_json_string` writes them."""
    text = TrainingArguments(str(tmp_path), use_cpu=True).to_json_string()
    return dict(json.loads(text))


def test_every_key_that_training_arguments_write_is_known(written: dict[str, Any]) -> None:
    found = read_settings(json.dumps(written), given=BESIDE)
    assert found.kind == "training_arguments"
    assert found.differs == ()


def test_an_absent_key_means_what_training_arguments_take_for_it(written: dict[str, Any]) -> None:
    written["dataloader_pin_memory"] = True  # it is only written as false where there is no card
    whole = read_settings(json.dumps(written), given=BESIDE).settings
    bare = read_settings('{"output_dir": "x"}', kind="training_arguments", given=BESIDE).settings
    assert bare == whole


def test_absent_keys_of_lora_and_4_bit_weights_mean_what_peft_and_bitsandbytes_take() -> None:
    text = '{"optim": "adamw_torch", "load_in_4bit": true, "target_modules": ["q_proj"]}'
    settings = read_settings(text, given=BESIDE).settings
    lora, bits = LoraConfig(), BitsAndBytesConfig(load_in_4bit=True)
    assert (settings.lora.r, settings.lora.alpha, settings.lora.dropout) == (
        lora.r, lora.lora_alpha, lora.lora_dropout
    )  # fmt: skip
    assert settings.quantization == bits.bnb_4bit_quant_type
    assert f"torch.{settings.bnb_4bit_compute_dtype}" == str(bits.bnb_4bit_compute_dtype)
    assert settings.bnb_4bit_use_double_quant == bits.bnb_4bit_use_double_quant

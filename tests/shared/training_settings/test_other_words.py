"""Settings in other words of the same tools."""

from typing import Any

import pytest

from shared.errors import InvalidField
from shared.messages.render import in_english
from shared.training_settings.read import given_settings, read_settings


@pytest.mark.parametrize(
    ("given", "field", "value"),
    [
        ({"bf16": True}, "precision", "bf16"),
        ({"fp16": True}, "precision", "fp16"),
        ({"bf16": False}, "precision", "fp32"),
        ({"fp16": False}, "precision", "bf16"),
        ({"load_in_4bit": False}, "quantization", None),
        ({"load_in_4bit": True}, "quantization", "nf4"),
        ({"load_in_8bit": True}, "quantization", "int8"),
        ({"group_by_length": True}, "padding", "group_by_length"),
        ({"warmup_ratio": 0.1}, "warmup_steps", 0.1),
    ],
)
def test_a_word_of_the_tools_means_its_field(given: dict[str, Any], field: str, value: object) -> None:
    assert getattr(given_settings(given).settings, field) == value


@pytest.mark.parametrize("word", ["lora_r", "lora.r"])
def test_a_part_of_lora_is_given_by_its_own_word(word: str) -> None:
    lora = given_settings(
        {word: 4, "lora_target_modules": "q_proj, v_proj", "lora": {"alpha": 9}}
    ).settings.lora
    assert (lora.r, lora.alpha, lora.target_modules) == (4, 9, ["q_proj", "v_proj"])


@pytest.mark.parametrize(
    ("given", "path", "told"),
    [
        (
            {"bf16": True, "precision": "fp32"},
            "bf16",
            "bf16 is another name of precision, and both are given",
        ),
        ({"lora_r": 4, "lora": {"r": 8}}, "lora_r", "lora_r is another name of lora.r, and both are given"),
        ({"bf16": "maybe"}, "bf16", "bf16 must be true or false, but is maybe"),
        ({"bf16": True, "fp16": True}, "fp16", "must not be true if bf16 is true"),
        ({"warmup_ratio": 3}, "warmup_ratio", "at least 0 and less than 1, but is 3"),
        ({"lora.r": 0}, "lora.r", "lora.r must be at least 1"),
    ],
)
def test_what_is_wrong_is_told_at_the_word_that_was_given(
    given: dict[str, Any], path: str, told: str
) -> None:
    with pytest.raises(InvalidField) as refusal:
        given_settings(given)
    (error,) = refusal.value.errors
    assert error.path == path
    assert told in in_english(error.said)


def test_a_word_beside_a_file_wins_over_it() -> None:
    file = '{"per_device_train_batch_size": 2, "bf16": true, "warmup_steps": 5}'
    beside = {"padding": "longest", "max_seq_length": 64, "bf16": False, "lora_r": 4}
    settings = read_settings(file, given=beside).settings
    assert (settings.precision, settings.lora.r, settings.warmup_steps) == ("fp32", 4, 5)

"""Sizes in a config.json that its weights can't have are refused; those of real models are not."""

from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM
from transformers.models.auto.configuration_auto import CONFIG_MAPPING

from services.worker.failures import FailureCode, JobFailed
from services.worker.models.families.blueprint import choose_blueprint
from services.worker.models.files.config_sizes import refuse_another_model, refuse_impossible_sizes
from tests.full_size_exaone import SIZES
from tests.tiny_models import exaone_config, exaone_shapes

Headers = dict[str, Any]
EXAONE = exaone_config(102_400) | SIZES
# The defaults of these classes are the sizes of published models.
PUBLISHED = (
    "llama",
    "qwen2",
    "qwen3_moe",
    "gemma2",
    "mixtral",
    "deepseek_v3",
    "gptj",
    "phi3",
    "exaone4",
    "jamba",
)


def headers_of(config: dict[str, Any]) -> Headers:
    return {
        name: {"dtype": "F32", "shape": list(shape), "data_offsets": [0, 0]}
        for name, shape in exaone_shapes(config)
    }


def require_possible(config: dict[str, Any], headers: Headers) -> None:
    refuse_impossible_sizes(config, headers)
    refuse_another_model(choose_blueprint(config), headers)


def failure_of(config: dict[str, Any], headers: Headers) -> str:
    with pytest.raises(JobFailed) as failed:
        require_possible(config, headers)
    assert failed.value.failure.code == FailureCode.MODEL_UNREADABLE
    return failed.value.failure.message


def test_the_reference_model_is_what_it_says() -> None:
    require_possible(EXAONE, headers_of(EXAONE))


@pytest.mark.parametrize("model_type", PUBLISHED)
def test_the_sizes_of_published_models_pass(model_type: str) -> None:
    config = CONFIG_MAPPING[model_type]()
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(config)
    headers = {
        name: {"dtype": "BF16", "shape": list(tensor.shape), "data_offsets": [0, 0]}
        for name, tensor in model.state_dict().items()
    }
    require_possible(config.to_dict(), headers)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"num_layers": 400}, "num_layers"),
        ({"vocab_size": 10**9}, "vocab_size"),
        ({"nested": {"deeper": [{"n_layer": 10**6}]}}, "n_layer"),
        ({"num_local_experts": 10**6}, "num_local_experts"),
        ({"num_labels": 10**6}, "num_labels"),
        ({"head_dim": float("inf")}, "head_dim"),
        ({"anything": [0] * 200_000}, "more than 100,000 values"),
        ({"hidden_size": 2560 * 64}, "describes a model of"),
        ({"vocab_size": 10_000_000}, "describes a model of"),
    ],
)
def test_sizes_that_the_weights_can_not_have_are_named(changes: dict[str, Any], said: str) -> None:
    assert said in failure_of(EXAONE | changes, headers_of(EXAONE))


def test_a_configuration_without_bottom_is_refused() -> None:
    nested: dict[str, Any] = {}
    for _ in range(50):
        nested = {"inner": nested}
    assert "nests deeper" in failure_of(EXAONE | nested, headers_of(EXAONE))


def test_packed_weights_count_as_two_values_a_byte() -> None:
    headers = headers_of(EXAONE)
    for entry in headers.values():
        if len(entry["shape"]) == 2:
            entry |= {"dtype": "U8", "shape": [entry["shape"][0] * entry["shape"][1] // 2, 1]}
    nf4 = {"quant_method": "bitsandbytes", "load_in_4bit": True, "bnb_4bit_quant_type": "nf4"}
    blueprint = choose_blueprint(EXAONE)
    blueprint.config.quantization_config = nf4
    refuse_another_model(blueprint, headers)

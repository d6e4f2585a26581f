"""The model folders that families are measured with."""

from pathlib import Path

import pytest
import torch
from transformers import AutoConfig, AutoModelForCausalLM

from bench.family_weights import SHAPES, make_family
from services.worker.computing.engine.description import describe
from tests.tiny_models import make_tiny_llama

PARAMETERS = {"qwen2.5-0.5b": 494e6, "qwen3-0.6b": 596e6, "gemma-3-270m": 268e6, "gemma-3-1b": 1.0e9,
              "exaone-4.0-1.2b": 1.28e9, "llama-135m": 135e6}  # fmt: skip


@pytest.mark.parametrize("name", PARAMETERS)
def test_a_shape_has_the_published_number_of_parameters_and_runs_in_the_fast_layers(name: str) -> None:
    shape = {**SHAPES[name], "tie_word_embeddings": True}
    config = AutoConfig.for_model(shape.pop("model_type"), **shape)
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(config)
    assert sum(part.numel() for part in model.parameters()) == pytest.approx(PARAMETERS[name], rel=0.01)
    assert describe(config, type(model).__name__).layers == config.num_hidden_layers


def test_a_folder_has_the_tokenizer_of_another_model_and_is_made_once(tmp_path: Path) -> None:
    tokenizer = make_tiny_llama(tmp_path / "llama")
    smaller = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1, "vocab_size": 600}
    made = make_family(tmp_path / "qwen", "qwen3-135m", tokenizer, **smaller)
    before = (made / "model.safetensors").stat().st_mtime_ns
    make_family(tmp_path / "qwen", "qwen3-135m", tokenizer, **smaller)
    assert (made / "model.safetensors").stat().st_mtime_ns == before
    assert AutoConfig.from_pretrained(made).model_type == "qwen3"
    with pytest.raises(ValueError, match="ids"):
        make_family(tmp_path / "small", "qwen3-135m", tokenizer, **{**smaller, "vocab_size": 100})

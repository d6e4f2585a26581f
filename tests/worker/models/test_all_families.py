"""Every language model of the installed transformers has a blueprint or is refused with a reason.

The plans take seconds. FAMILIES=all makes a tiny checkpoint of each and trains it for two steps: minutes.
"""

import os
import re
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import (
    AutoModelForCausalLM,
    AutoModelForImageTextToText,
    AutoModelForMultimodalLM,
    PreTrainedConfig,
    PreTrainedModel,
)
from transformers.models.auto.configuration_auto import CONFIG_MAPPING
from transformers.models.auto.modeling_auto import (
    MODEL_FOR_CAUSAL_LM_MAPPING_NAMES,
    MODEL_FOR_MASKED_LM_MAPPING_NAMES,
    MODEL_FOR_MULTIMODAL_LM_MAPPING_NAMES,
    MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES,
)

from services.worker.failures import FailureCode, JobFailed
from services.worker.models.families.blueprint import choose_blueprint
from services.worker.models.families.model_errors import model_errors_explained
from services.worker.models.hub.model_places import ModelFiles
from services.worker.models.load import load_base_model
from services.worker.training.fine_tuning import fine_tune
from shared.job_folder import JobFolder
from shared.schemas.hyperparameters import Hyperparameters, Lora
from shared.schemas.requests import FineTuningRequest
from tests.tiny_models import make_tiny_llama
from tests.worker.models.tiny_families import ROWS
from tests.worker.training.tiny_bases import RecordedJob, WriteRows, write_rows

__all__ = ["write_rows"]
AUTO_CLASSES = (AutoModelForCausalLM, AutoModelForImageTextToText, AutoModelForMultimodalLM)
KINDS = sorted(
    {*MODEL_FOR_CAUSAL_LM_MAPPING_NAMES, *MODEL_FOR_MULTIMODAL_LM_MAPPING_NAMES}
    | {*MODEL_FOR_MASKED_LM_MAPPING_NAMES, *MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES}
)
LARGEST = 30_000_000  # parameters of what is still tiny
SIZES = (
    (r"vocab_size$", ROWS),
    (r"experts$", 4),
    (r"experts_per_tok$|top_?k$", 2),
    (r"^(n_group|topk_group)$", 1),
    (r"(hidden_layers|n_layers?|num_layers|depth|coder_layers|n_block)$", 2),
    (r"(key_value_heads|kv_heads?)$", 2),
    (r"(attention_heads|n_heads?|num_heads)$", 4),
    (r"^(head_dim|d_kv|attention_head_dim|kv_channels)$", 16),
    (r"(hidden_size|n_embd|d_model|embed_dim|dim_model|proj_dim)$", 64),
    (r"(intermediate_size|ffn_dim|n_inner|d_ff|mlp_dim)$", 128),
    (r"max_position_embeddings|n_positions|n_ctx|max_seq_len$", 512),
    (r"image_size", 28),
    (r"patch_size", 14),
    (r"sliding_window$", 32),
)


def default_of(kind: str) -> dict[str, Any]:
    try:
        return dict(CONFIG_MAPPING[kind]().to_dict())
    except Exception as error:
        pytest.skip(f"transformers has no default: {type(error).__name__}")


@pytest.mark.parametrize("kind", KINDS)
def test_a_plan_or_a_reason(kind: str) -> None:
    config = {**default_of(kind), "model_type": kind}
    refused = None
    try:
        assert choose_blueprint(config).model_class in AUTO_CLASSES
    except JobFailed as failed:
        refused = failed.failure
    assert refused is None or refused.code in (FailureCode.MODEL_UNSUPPORTED, FailureCode.MODEL_UNREADABLE)


@pytest.mark.skipif(os.environ.get("FAMILIES") != "all", reason="takes minutes; FAMILIES=all does it")
@pytest.mark.usefixtures("short_timings")
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", KINDS)
def test_two_steps_or_a_reason(kind: str, tmp_path: Path, write_rows: WriteRows) -> None:
    folder = make_tiny_llama(tmp_path / kind)
    for name in ("model.safetensors", "config.json"):
        (folder / name).unlink()
    _tiny(kind).save_pretrained(folder)
    rows = [{"prompt": "tell me " * length, "completion": "yes"} for length in (1, 4, 40, 60)]
    hyperparameters = Hyperparameters(max_steps=2, global_batch_size=4, lora=Lora(r=4, alpha=8))
    refused, result = None, {}
    try:
        base = load_base_model(
            ModelFiles(kind, None, folder, "folder"),
            quantization="nf4",
            dtype=torch.bfloat16,
            device=torch.device("cpu"),
            job=RecordedJob(),
        )
        with model_errors_explained(kind):
            result = fine_tune(
                base,
                FineTuningRequest(dataset="x", hyperparameters=hyperparameters),
                training=write_rows(rows, "prompt_completion"),
                validation=None,
                job_folder=JobFolder(tmp_path / "job"),
                attempt=1,
                checkpoint_seconds=1e9,
                job=RecordedJob(),
            )
    except JobFailed as failed:
        refused = failed.failure
    assert refused.remedy if refused else result["steps"] == 2


def _tiny(kind: str) -> PreTrainedModel:
    """A random model of the kind; skips what can't be made small by the names of its sizes alone."""
    fields = default_of(kind)
    _shrink(fields)
    try:
        config: PreTrainedConfig = CONFIG_MAPPING[kind].from_dict(fields)
        auto = next(auto for auto in AUTO_CLASSES if type(config) in auto._model_mapping)
        with torch.device("meta"):
            parameters = sum(parameter.numel() for parameter in auto.from_config(config).parameters())
        if parameters > LARGEST:
            pytest.skip(f"{parameters} parameters")
        torch.manual_seed(0)
        model: PreTrainedModel = auto.from_config(config)
    except Exception as error:
        pytest.skip(f"is not made tiny so: {type(error).__name__}")
    return model


def _shrink(fields: dict[str, Any]) -> None:
    for name, value in list(fields.items()):
        if isinstance(value, dict) and name.endswith("_config"):
            _shrink(value)
        elif type(value) is int:
            size = next((size for pattern, size in SIZES if re.search(pattern, name)), value)
            limit = ROWS - 1 if re.search(r"token_(id|index)$", name) else size
            fields[name] = min(value, limit)
        elif name in ("layer_types", "mlp_layer_types", "layers_block_type", "no_rope_layers") and value:
            fields[name] = value[:2]
    fields.pop("max_window_layers", None)

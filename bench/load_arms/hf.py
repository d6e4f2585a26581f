"""transformers as its users call it: quantizing while loading, and on the copy, an ordinary checkpoint."""

from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, BitsAndBytesConfig
from transformers.models.llama import modeling_llama
from transformers.utils import logging as transformers_logging

from bench.load_arms.loaded import Loaded

IMPORTED_BEFORE = modeling_llama
transformers_logging.disable_progress_bar()


def quantizing(model: Path, artifact: Path) -> Loaded:
    nf4 = BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=torch.bfloat16,
    )
    return _loaded(model, quantization_config=nf4)


def prepared(model: Path, artifact: Path) -> Loaded:
    return _loaded(artifact)


def _loaded(folder: Path, **options: object) -> Loaded:
    model = AutoModelForCausalLM.from_pretrained(
        folder, dtype=torch.bfloat16, device_map={"": "cpu"}, **options
    )
    return Loaded(model.state_dict().values(), model)

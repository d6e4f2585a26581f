"""LLaMA-Factory with packing that keeps rows apart, on rows that are tokens already."""

import importlib
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from bench.train_arms.hf import Told, common_arguments
from bench.train_arms.job import TrainJob
from bench.train_arms.packs import Packs
from bench.train_arms.token_file import TokenFile
from bench.train_arms.turns import Turns
from datasets import Dataset, DatasetDict


def packed(job: TrainJob, turns: Turns) -> None:
    """Its own packing wants text, so rows are packed here in the form its `neat_packing` collator takes."""
    stand_in_for_torchaudio()
    from llamafactory.train.tuner import run_exp

    rows = TokenFile.read(job.rows_path)
    packs = Packs.of(rows, job)
    tokenized = Path(job.scratch) / "tokenized"
    DatasetDict({"train": Dataset.from_list(packs.numbered(rows))}).save_to_disk(str(tokenized))
    ours: dict[str, Any] = common_arguments(job) | {
        "stage": "sft",
        "do_train": True,
        "model_name_or_path": job.model,
        "adapter_name_or_path": job.start,
        "finetuning_type": "lora",
        "quantization_method": "bnb",
        "quantization_bit": 4,
        "quantization_type": "nf4",
        "double_quantization": True,
        "template": "empty",
        "dataset": "rows",
        "tokenized_path": str(tokenized),
        "cutoff_len": job.max_seq_length,
        "packing": True,
        "neat_packing": True,
        "disable_gradient_checkpointing": True,
        "flash_attn": "sdpa",
        "per_device_train_batch_size": 1,
        "gradient_accumulation_steps": packs.per_step,
        "report_to": "none",
    }
    run_exp(args=ours, callbacks=[Told(turns, packs.counts())])


def stand_in_for_torchaudio() -> None:
    """Its ordinary build can't be loaded beside torch's CPU build, and no row here has sound."""
    try:
        importlib.import_module("torchaudio")
    except OSError:
        sys.modules["torchaudio"] = ModuleType("torchaudio")

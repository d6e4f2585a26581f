"""Unsloth's model under TRL's trainer, which it rewrites when it is imported.

Packed as `trl-best` is; on a CPU it turns packing off, so there its rows are grouped by length.
"""

from pathlib import Path

import unsloth  # isort: skip  # first of all, or its changes come too late
import torch
from peft import set_peft_model_state_dict
from safetensors.torch import load_file

from bench.train_arms.job import TrainJob
from bench.train_arms.trl import grouped, packed
from bench.train_arms.turns import Turns


def best(job: TrainJob, turns: Turns) -> None:
    model, tokenizer = unsloth.FastLanguageModel.from_pretrained(
        job.model, max_seq_length=job.max_seq_length, dtype=torch.bfloat16, load_in_4bit=True
    )
    adapted = unsloth.FastLanguageModel.get_peft_model(
        model,
        r=8,
        lora_alpha=16,
        lora_dropout=0,
        target_modules=["q_proj", "v_proj"],
        bias="none",
        use_gradient_checkpointing=False,
    )
    set_peft_model_state_dict(adapted, load_file(Path(job.start) / "adapter_model.safetensors"))
    train = grouped if job.device == "cpu" else packed
    train(job, turns, adapted, tokenizer)

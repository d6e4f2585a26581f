"""TRL's SFTTrainer with what is quickest in it: rows end to end without padding, nothing recomputed.

TRL computes logits in chunks by itself. Its adapter is bf16 where the base is quantized; here it is fp32 like
everybody else's, because with bf16 weights small updates are lost and the losses are no longer the same.
"""

from typing import Any

import torch
from peft import PeftModel
from transformers import AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase
from trl import SFTConfig, SFTTrainer

from bench.train_arms.hf import Told, common_arguments, quantized
from bench.train_arms.job import TrainJob
from bench.train_arms.token_file import TokenFile
from bench.train_arms.turns import Turns
from datasets import Dataset


def best(job: TrainJob, turns: Turns) -> None:
    model = PeftModel.from_pretrained(quantized(job), job.start, is_trainable=True)
    packed(job, turns, model, AutoTokenizer.from_pretrained(job.model))


def packed(job: TrainJob, turns: Turns, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> None:
    """Best-fit decreasing packs of the full length, one at a time, as many a step as 16 rows fill."""
    rows = TokenFile.read(job.rows_path)
    packs = packs_per_step(rows, job)
    trainer = Counting(
        model=model,
        args=SFTConfig(
            **common_arguments(job) | {"remove_unused_columns": True},
            packing=True,
            packing_strategy="bfd",
            max_length=job.max_seq_length,
            per_device_train_batch_size=1,
            gradient_accumulation_steps=packs,
            gradient_checkpointing=False,
        ),
        processing_class=tokenizer,
        train_dataset=Dataset.from_dict(
            {"input_ids": rows.ids, "labels": [rows.labels(row) for row in range(len(rows.ids))]}
        ),
    )
    for parameter in trainer.model.parameters():
        if parameter.requires_grad:
            parameter.data = parameter.data.float()
    rows_per_step = len(rows.ids) / len(trainer.train_dataset) * packs
    trainer.add_callback(Told(turns, lambda: (rows_per_step, trainer.take_tokens())))
    trainer.train()


def packs_per_step(rows: TokenFile, job: TrainJob) -> int:
    """As many full packs as the tokens of an average step of 16 rows fill, at least one."""
    return max(1, round(rows.tokens / len(rows.ids) * job.rows_per_step / job.max_seq_length))


class Counting(SFTTrainer):
    """Counts the tokens of each step; packs hold no padding."""

    _tokens = 0

    def training_step(self, model: Any, inputs: dict[str, torch.Tensor], *rest: Any) -> torch.Tensor:
        self._tokens += inputs["input_ids"].numel()
        return super().training_step(model, inputs, *rest)

    def take_tokens(self) -> int:
        tokens, self._tokens = self._tokens, 0
        return tokens

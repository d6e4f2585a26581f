"""TRL's SFTTrainer with what is quickest in it: rows end to end without padding, nothing recomputed.

TRL computes logits in chunks by itself. Its adapter is bf16 where the base is quantized; here it is fp32 like
everybody else's, because with bf16 weights small updates are lost and the losses are no longer the same.
"""

from collections.abc import Iterable
from typing import Any

import torch
from peft import PeftModel
from transformers import AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase
from transformers.trainer_pt_utils import get_length_grouped_indices
from trl import SFTConfig, SFTTrainer

from bench.train_arms.hf import Told, common_arguments, quantized, spread
from bench.train_arms.job import TrainJob
from bench.train_arms.token_file import TokenFile
from bench.train_arms.turns import Turns
from datasets import Dataset


def best(job: TrainJob, turns: Turns) -> None:
    packed(job, turns, *loaded(job))


def by_length(job: TrainJob, turns: Turns) -> None:
    """Another way, to see that the best one is."""
    grouped(job, turns, *loaded(job))


def flat(job: TrainJob, turns: Turns) -> None:
    """A third: the step's own rows end to end, four at a time."""
    rows = TokenFile.read(job.rows_path)
    trainer = make_trainer(
        job, *loaded(job), rows, rows.order,
        padding_free=True,
        max_length=None,  # rows are cut already, and it refuses to be told so
        per_device_train_batch_size=4,
        gradient_accumulation_steps=job.rows_per_step // 4,
        train_sampling_strategy="sequential",
    )  # fmt: skip
    train(trainer, turns, rows_per_step=job.rows_per_step)


def loaded(job: TrainJob) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    model = PeftModel.from_pretrained(quantized(job), job.start, is_trainable=True)
    return model, AutoTokenizer.from_pretrained(job.model)


def packed(job: TrainJob, turns: Turns, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> None:
    """Best-fit decreasing packs of the full length, one at a time, as many a step as 16 rows fill."""
    rows = TokenFile.read(job.rows_path)
    packs = packs_per_step(rows, job)
    trainer = make_trainer(
        job, model, tokenizer, rows, range(len(rows.ids)),
        packing=True,
        packing_strategy="bfd",
        per_device_train_batch_size=1,
        gradient_accumulation_steps=packs,
    )  # fmt: skip
    train(trainer, turns, rows_per_step=len(rows.ids) / len(trainer.train_dataset) * packs)


def grouped(job: TrainJob, turns: Turns, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> None:
    """As `hf-grouped`: 16 rows of like length at a time, steps from all over an epoch of them."""
    rows = TokenFile.read(job.rows_path)
    torch.manual_seed(job.seed)
    lengths = [len(row) for row in rows.ids]
    order = spread(get_length_grouped_indices(lengths, job.rows_per_step), job)
    trainer = make_trainer(
        job, model, tokenizer, rows, order,
        per_device_train_batch_size=job.rows_per_step,
        train_sampling_strategy="sequential",
    )  # fmt: skip
    train(trainer, turns, rows_per_step=job.rows_per_step)


def make_trainer(
    job: TrainJob,
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    rows: TokenFile,
    order: Iterable[int],
    **settings: Any,
) -> "Counting":
    fixed = {
        "remove_unused_columns": True, "max_length": job.max_seq_length, "gradient_checkpointing": False
    }  # fmt: skip
    trainer = Counting(
        model=model,
        args=SFTConfig(
            **common_arguments(job) | fixed | settings,
        ),
        processing_class=tokenizer,
        train_dataset=Dataset.from_list(
            [{"input_ids": rows.ids[row], "labels": rows.labels(row)} for row in order]
        ),
    )
    for parameter in trainer.model.parameters():
        if parameter.requires_grad:
            parameter.data = parameter.data.float()
    return trainer


def train(trainer: "Counting", turns: Turns, *, rows_per_step: float) -> None:
    trainer.add_callback(Told(turns, lambda: (rows_per_step, trainer.take_tokens())))
    trainer.train()


def packs_per_step(rows: TokenFile, job: TrainJob) -> int:
    """As many full packs as the tokens of an average step of 16 rows fill, at least one."""
    return max(1, round(rows.tokens / len(rows.ids) * job.rows_per_step / job.max_seq_length))


class Counting(SFTTrainer):
    """Counts the real tokens of each step; packs come without a mask and hold no padding."""

    _tokens = 0

    def training_step(self, model: Any, inputs: dict[str, torch.Tensor], *rest: Any) -> torch.Tensor:
        mask = inputs.get("attention_mask")
        self._tokens += inputs["input_ids"].numel() if mask is None else int(mask.sum())
        return super().training_step(model, inputs, *rest)

    def take_tokens(self) -> int:
        tokens, self._tokens = self._tokens, 0
        return tokens

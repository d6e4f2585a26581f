"""HF Trainer with peft and bitsandbytes: as the reference user runs it, and as well as it can be set."""

from collections.abc import Callable
from typing import Any

import torch
from peft import PeftModel, prepare_model_for_kbit_training
from torch import Tensor
from torch.utils.data import Dataset, Sampler, SequentialSampler
from transformers import (
    AutoModelForCausalLM,
    BitsAndBytesConfig,
    PreTrainedModel,
    Trainer,
    TrainerCallback,
    TrainingArguments,
)
from transformers.trainer_pt_utils import get_length_grouped_indices

from bench.train_arms.job import TrainJob
from bench.train_arms.token_file import TokenFile
from bench.train_arms.turns import Turns

Row = dict[str, list[int]]


def user(job: TrainJob, turns: Turns) -> None:
    """2 rows, 8 times, each padded to the full length; everything recomputed; the embedding in fp32."""
    rows = TokenFile.read(job.rows_path)
    model = prepare_model_for_kbit_training(quantized(job), use_gradient_checkpointing=True)
    train(job, turns, rows, rows.order[: job.steps * job.rows_per_step], model,
          rows_at_once=2, pad_to=job.max_seq_length, checkpointing=True)  # fmt: skip


def grouped(job: TrainJob, turns: Turns) -> None:
    """Rows of like length together, padded to the longest of them; embedding in bf16. Nothing is
    recomputed, unless a card's memory is capped: 16 long rows don't fit there, so it is the user's 2.

    Its steps differ in length by design, from the longest rows to the shortest: what is measured are steps
    spread evenly over an epoch of them.
    """
    rows = TokenFile.read(job.rows_path)
    torch.manual_seed(job.seed)
    lengths = [len(row) for row in rows.ids]
    capped = job.memory_cap_bytes is not None
    train(job, turns, rows, spread(get_length_grouped_indices(lengths, job.rows_per_step), job),
          quantized(job), rows_at_once=2 if capped else ROWS_AT_ONCE_GROUPED, pad_to=None,
          checkpointing=capped)  # fmt: skip


ROWS_AT_ONCE_GROUPED = 16


def spread(epoch: list[int], job: TrainJob) -> list[int]:
    """Rows of the steps to be measured: every turn takes some from all over `epoch`, no two the same.

    Warm-up takes the epoch's middle.
    """
    steps = len(epoch) // job.rows_per_step
    at = [steps // 2] * job.warm_up_steps
    for turn in range(job.turns):
        for step in range(job.steps_per_turn):
            share = (step + (turn + 0.5) / job.turns) / job.steps_per_turn
            at.append(min(steps - 1, int(share * steps)))
    return [row for step in at for row in epoch[step * job.rows_per_step : (step + 1) * job.rows_per_step]]


def quantized(job: TrainJob) -> PreTrainedModel:
    nf4 = BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=torch.bfloat16,
    )
    model: PreTrainedModel = AutoModelForCausalLM.from_pretrained(
        job.model, quantization_config=nf4, dtype=torch.bfloat16, device_map={"": job.device}
    )
    model.config.use_cache = False
    return model


def train(
    job: TrainJob,
    turns: Turns,
    rows: TokenFile,
    order: list[int],
    model: PreTrainedModel,
    *,
    rows_at_once: int,
    pad_to: int | None,
    checkpointing: bool,
) -> None:
    adapted = PeftModel.from_pretrained(model, job.start, is_trainable=True)
    arguments = TrainingArguments(
        **common_arguments(job),
        per_device_train_batch_size=rows_at_once,
        gradient_accumulation_steps=job.rows_per_step // rows_at_once,
        gradient_checkpointing=checkpointing,
    )
    counts = ((float(job.rows_per_step), tokens) for tokens in tokens_by_step(rows, order, job))
    InOrder(
        model=adapted,
        args=arguments,
        train_dataset=Rows(rows, order),
        data_collator=lambda batch: padded(batch, pad_to),
        callbacks=[Told(turns, counts.__next__)],
    ).train()


def common_arguments(job: TrainJob) -> dict[str, Any]:
    """What every arm that ends in HF Trainer has in common: arithmetic, optimizer, schedule, seed."""
    return {
        "output_dir": job.scratch,
        "max_steps": job.total_steps,
        "learning_rate": job.learning_rate,
        "lr_scheduler_type": "cosine",
        "warmup_steps": 0,
        "optim": job.optim,
        "weight_decay": 0.0,
        "max_grad_norm": 1.0,
        "bf16": True,
        "seed": job.seed,
        "logging_steps": 1,
        "save_strategy": "no",
        "report_to": [],
        "use_cpu": job.device == "cpu",
        "disable_tqdm": True,
        "dataloader_num_workers": 0,
        "dataloader_pin_memory": False,
        "remove_unused_columns": False,
    }


def tokens_by_step(rows: TokenFile, order: list[int], job: TrainJob) -> list[int]:
    starts = range(0, len(order), job.rows_per_step)
    return [sum(len(rows.ids[row]) for row in order[start : start + job.rows_per_step]) for start in starts]


def padded(batch: list[Row], width: int | None) -> dict[str, Tensor]:
    """Right-padded to `width`, or to the longest; the padding is masked and no target."""
    width = width or max(len(row["input_ids"]) for row in batch)
    return {
        name: torch.tensor([row[name] + [fill] * (width - len(row[name])) for row in batch])
        for name, fill in (("input_ids", 0), ("attention_mask", 0), ("labels", -100))
    }


class Rows(Dataset[Row]):
    """The rows in the order the steps take them."""

    def __init__(self, rows: TokenFile, order: list[int]) -> None:
        self._rows, self._order = rows, order

    def __len__(self) -> int:
        return len(self._order)

    def __getitem__(self, index: int) -> Row:
        row = self._order[index]
        ids = self._rows.ids[row]
        return {"input_ids": ids, "attention_mask": [1] * len(ids), "labels": self._rows.labels(row)}


class InOrder(Trainer):
    def _get_train_sampler(self, train_dataset: Any = None) -> Sampler[int]:
        return SequentialSampler(train_dataset if train_dataset is not None else self.train_dataset)


class Told(TrainerCallback):
    """Tells of each step when its loss is logged, which is the last thing Trainer does in a step.

    `count` gives the rows and real tokens of the step that has just ended.
    """

    def __init__(self, turns: Turns, count: Callable[[], tuple[float, int]]) -> None:
        self._turns, self._count = turns, count

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self._turns.ready()

    def on_log(
        self, args: Any, state: Any, control: Any, logs: dict[str, float] | None = None, **_: Any
    ) -> None:
        if not logs or "loss" not in logs:
            return
        rows, tokens = self._count()
        self._turns.step_done(
            loss=float(logs["loss"]), grad_norm=float(logs["grad_norm"]), rows=rows, tokens=tokens
        )

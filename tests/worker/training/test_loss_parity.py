"""Our loop against HF Trainer: the same rows, adapter start, optimizer and schedule give the same losses."""

from collections.abc import Callable, Sized
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils.data import Dataset, Sampler, SequentialSampler
from transformers import Trainer, TrainerCallback, TrainingArguments

from services.worker.adapters.lora import attached, lora_config, trained_parameters
from services.worker.computing.batching import Schedule
from services.worker.computing.plan.plan import Plan, baseline_plan
from services.worker.models.load import LoadedModel
from services.worker.text.marked_text import TokenRow
from services.worker.text.row_rules import RowRules
from services.worker.text.rows import encode_dataset
from services.worker.training.checkpoint_keeper import CheckpointKeeper
from services.worker.training.checkpoints import CheckpointFolder
from services.worker.training.done_step import DoneStep
from services.worker.training.loop import train
from shared.job_folder import JobFolder
from shared.schemas.hyperparameters import Hyperparameters, Lora
from tests.worker.training.tiny_bases import RecordedJob, Rows, WriteRows

WIDTH = 128
SETTINGS = Hyperparameters(
    max_steps=20, learning_rate=2e-3, warmup_ratio=0.1, max_seq_length=WIDTH, lora=Lora(r=8, alpha=16)
)
FAST = Plan(
    "auto",
    512,
    gradient_checkpointing=False,
    own_layers=True,
    layout="flat",
    shared_prefix_tokens=WIDTH,  # of it, what the rows of a step really share
)
PLANS = (baseline_plan(WIDTH), Plan("auto", 512, gradient_checkpointing=False), FAST)


def test_twenty_steps_have_the_losses_of_hf_trainer(
    llama: LoadedModel, write_rows: WriteRows, spam_rows: Rows, tmp_path: Path
) -> None:
    rows, schedule = token_rows(llama, write_rows, spam_rows)
    theirs = losses_of_hf_trainer(llama, rows, schedule, tmp_path)
    for plan in PLANS:
        ours = losses_of_our_loop(llama, rows, schedule, plan, tmp_path)
        assert len(ours) == len(theirs) == 20
        assert ours == pytest.approx(theirs, rel=1e-3)
        assert ours[-1] < 0.7 * ours[0]


def test_8_bit_adamw_has_the_losses_of_hf_trainer_s(
    llama: LoadedModel, write_rows: WriteRows, spam_rows: Rows, tmp_path: Path
) -> None:
    rows, schedule = token_rows(llama, write_rows, spam_rows)
    settings = SETTINGS.model_copy(update={"optim": "adamw_8bit", "lora": Lora(r=64, alpha=64)})
    theirs = losses_of_hf_trainer(llama, rows, schedule, tmp_path, settings, optim="adamw_8bit")
    ours = losses_of_our_loop(llama, rows, schedule, PLANS[0], tmp_path / "8", settings)
    assert ours == pytest.approx(theirs, rel=1e-3)
    in_32_bits = settings.model_copy(update={"optim": "adamw"})
    assert ours != losses_of_our_loop(llama, rows, schedule, PLANS[0], tmp_path / "32", in_32_bits)
    assert ours[-1] < 0.7 * ours[0]


def token_rows(base: LoadedModel, write_rows: WriteRows, spam_rows: Rows) -> tuple[list[TokenRow], Schedule]:
    data = write_rows(spam_rows[:32], "classification")  # steps of 16: HF has no smaller ones here
    rules = RowRules.of(data, loss_on=None, max_seq_length=WIDTH, instruction=None)
    rows = encode_dataset(data, rules, base.tokenizer).rows
    schedule = Schedule.of(len(rows), rows_per_step=16, seed=42, n_epochs=1, max_steps=SETTINGS.max_steps)
    return rows, schedule


def losses_of_our_loop(
    base: LoadedModel,
    rows: list[TokenRow],
    schedule: Schedule,
    plan: Plan,
    folder: Path,
    settings: Hyperparameters = SETTINGS,
    observe: Callable[[DoneStep], None] = lambda step: None,
) -> list[float]:
    job = RecordedJob()
    with attached(base, lora_config(settings.lora, base), seed=settings.seed) as adapted:
        keeper = CheckpointKeeper(
            CheckpointFolder(JobFolder(folder / "ours"), 1, {}),
            adapted,
            resumed=None,
            facts={},
            adapter_config={},
            checkpoint_seconds=1000,
            job=job,
        )
        parameters = trained_parameters(adapted)
        train(
            base.model,
            parameters,
            rows,
            [],
            schedule,
            settings,
            plan,
            device=base.device,
            keeper=keeper,
            job=job,
            observe=observe,
        )
    return job.losses


class PaddedRows(Dataset[dict[str, torch.Tensor]]):
    """The rows of all steps in a row, as the user's script would have padded them."""

    def __init__(self, rows: list[TokenRow]) -> None:
        self._rows = rows

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: int) -> dict[str, torch.Tensor]:
        row = self._rows[index]
        ids = torch.zeros(WIDTH, dtype=torch.int64)
        mask = torch.zeros(WIDTH, dtype=torch.int64)
        labels = torch.full((WIDTH,), -100, dtype=torch.int64)
        ids[: len(row)] = torch.from_numpy(row.ids)
        mask[: len(row)] = 1
        labels[: len(row)][torch.from_numpy(row.targets)] = ids[: len(row)][torch.from_numpy(row.targets)]
        return {"input_ids": ids, "attention_mask": mask, "labels": labels}


class InOrder(Trainer):
    def _get_train_sampler(self, train_dataset: Any = None) -> Sampler[int]:
        rows: Sized = self.train_dataset
        return SequentialSampler(rows)


class Losses(TrainerCallback):
    def __init__(self) -> None:
        self.seen: list[float] = []

    def on_log(
        self, args: Any, state: Any, control: Any, logs: dict[str, float] | None = None, **_: Any
    ) -> None:
        if logs and "loss" in logs:
            self.seen.append(logs["loss"])


def losses_of_hf_trainer(
    base: LoadedModel,
    rows: list[TokenRow],
    schedule: Schedule,
    folder: Path,
    settings: Hyperparameters = SETTINGS,
    optim: str = "adamw_torch",
) -> list[float]:
    in_order = [rows[index] for step in range(schedule.total_steps) for index in schedule.rows_of(step)]
    arguments = TrainingArguments(
        output_dir=str(folder / "theirs"),
        per_device_train_batch_size=8,
        gradient_accumulation_steps=2,
        max_steps=schedule.total_steps,
        learning_rate=settings.learning_rate,
        warmup_steps=2,
        lr_scheduler_type="cosine",
        optim=optim,
        weight_decay=0.0,
        max_grad_norm=settings.max_grad_norm,
        logging_steps=1,
        save_strategy="no",
        report_to=[],
        use_cpu=True,
        disable_tqdm=True,
    )
    callback = Losses()
    with attached(base, lora_config(settings.lora, base), seed=settings.seed) as adapted:
        InOrder(
            model=adapted, args=arguments, train_dataset=PaddedRows(in_order), callbacks=[callback]
        ).train()
    return callback.seen

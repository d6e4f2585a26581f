"""Axolotl with sample packing, on rows that are tokens already."""

from pathlib import Path
from typing import Any

from axolotl.cli.config import load_cfg
from axolotl.common.datasets import load_datasets
from axolotl.integrations.base import BasePlugin
from axolotl.train import train
from axolotl.utils.dict import DictDefault

from bench.train_arms.hf import Told
from bench.train_arms.job import TrainJob
from bench.train_arms.packs import Packs
from bench.train_arms.token_file import TokenFile
from bench.train_arms.turns import Turns
from datasets import Dataset

_told: list[Told] = []


class TurnsPlugin(BasePlugin):
    """The only way in for a callback of one's own."""

    def add_callbacks_pre_trainer(self, cfg: Any, model: Any) -> list[Told]:
        return list(_told)


def packed(job: TrainJob, turns: Turns) -> None:
    rows = TokenFile.read(job.rows_path)
    packs = Packs.of(rows, job)  # only to know how many rows Axolotl's own packs of the same size hold
    _told.append(Told(turns, packs.counts()))
    given = Path(job.scratch) / "rows.jsonl"
    columns = {
        "input_ids": rows.ids,
        "attention_mask": [[1] * len(row) for row in rows.ids],
        "labels": [rows.labels(row) for row in range(len(rows.ids))],
    }
    Dataset.from_dict(columns).to_json(given)
    settings = load_cfg(
        DictDefault(
            {
                "base_model": job.model,
                "adapter": "qlora",
                "lora_model_dir": job.start,
                "load_in_4bit": True,
                "datasets": [{"path": str(given), "ds_type": "json", "type": None}],
                "dataset_prepared_path": str(Path(job.scratch) / "prepared"),
                "output_dir": job.scratch,
                "sequence_len": job.max_seq_length,
                "sample_packing": True,
                "pad_to_sequence_len": False,
                "sdp_attention": True,
                "micro_batch_size": 1,
                "gradient_accumulation_steps": packs.per_step,
                "max_steps": job.total_steps,
                "learning_rate": job.learning_rate,
                "lr_scheduler": "cosine",
                "warmup_steps": 0,
                "optimizer": "adamw_torch",
                "weight_decay": 0.0,
                "max_grad_norm": 1.0,
                "bf16": True,
                "gradient_checkpointing": False,
                "logging_steps": 1,
                "save_strategy": "no",
                "seed": job.seed,
                "plugins": ["bench.train_arms.axolotl.TurnsPlugin"],
            }
        )
    )
    train(cfg=settings, dataset_meta=load_datasets(cfg=settings))

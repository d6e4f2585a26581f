"""The jobs of `bench predictions`: their models, rows, plans and losses differ, and each is a short one."""

import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from shared.schemas.hyperparameters import ExplicitPlan, Hyperparameters, Lora

Mix = Literal["short", "mixed", "long"]
Model = Literal["demo", "small"]
WORDS: Mapping[Mix, int] = {"short": 0, "mixed": 250, "long": 1000}
"""Of a row, at least; of mixed ones about. What is too long for `max_seq_length` is cut."""


@dataclass(frozen=True)
class PredictedJob:
    """A fine-tuning: `rows` of the mix, of which `validation_rows` are held out; `hyperparameters` and `plan`
    as a request has them.
    """

    model: Model
    mix: Mix
    hyperparameters: Hyperparameters
    plan: Literal["auto", "baseline"] | ExplicitPlan = "auto"
    rows: int = 320
    validation_rows: int = 0


def _of(steps: int, rows_per_step: int, **more: Any) -> Hyperparameters:
    return Hyperparameters(max_steps=steps, global_batch_size=rows_per_step, **more)


JOBS: Mapping[str, PredictedJob] = {
    "short": PredictedJob("demo", "short", _of(40, 16)),
    "short-all": PredictedJob("demo", "short", _of(30, 16, loss_on="all")),
    "mixed": PredictedJob("demo", "mixed", _of(24, 4)),
    "long": PredictedJob("demo", "long", _of(20, 2)),
    "validated": PredictedJob(
        "demo", "short", Hyperparameters(n_epochs=3, global_batch_size=16), rows=192, validation_rows=64
    ),
    "dropout": PredictedJob("demo", "short", _of(20, 16, lora=Lora(dropout=0.05))),
    "recomputed": PredictedJob(
        "demo", "mixed", _of(20, 4), ExplicitPlan(tokens_per_micro_batch=512, gradient_checkpointing=True)
    ),
    "all-linear": PredictedJob(
        "demo",
        "short",
        _of(25, 16, optim="adamw_8bit", lora=Lora(r=16, alpha=32, target_modules="all-linear")),
    ),
    "small": PredictedJob("small", "mixed", _of(150, 8)),
    "small-baseline": PredictedJob("small", "short", _of(80, 4, max_seq_length=128), "baseline"),
}


def make_rows(job: PredictedJob, messages: Sequence[Mapping[str, str]], folder: Path) -> Mapping[str, Path]:
    """The job's parts as JSON lines in `folder`: "training", and "validation" where some rows are held out.

    Of `messages`, joined until a row has the length that the mix wants; the same ones each time.
    """
    draw = random.Random(0)
    made = [_row(job.mix, messages, draw) for _ in range(job.rows)]
    held = job.validation_rows
    parts = {"training": made[held:], **({"validation": made[:held]} if held else {})}
    folder.mkdir(parents=True, exist_ok=True)
    paths = {part: folder / f"{part}.jsonl" for part in parts}
    for part, rows in parts.items():
        lines = (json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        paths[part].write_text("".join(lines), encoding="utf-8")
    return paths


def _row(mix: Mix, messages: Sequence[Mapping[str, str]], draw: random.Random) -> dict[str, str]:
    first, words = draw.choice(messages), float(WORDS[mix])
    if mix == "mixed":
        words *= draw.lognormvariate(-0.5, 0.8)
    alike = [message["text"] for message in messages if message["label"] == first["label"]]
    texts = [first["text"]]
    while sum(len(text.split()) for text in texts) < words:
        texts.append(draw.choice(alike))
    return {"text": "\n".join(texts), "label": first["label"]}

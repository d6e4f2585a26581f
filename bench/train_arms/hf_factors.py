"""HF Trainer with the common recipe and with one setting changed: what a diagnosis' table is held to.

Unlike `hf-user` nothing is prepared for k-bit training, so that layers and loss compute in bf16 as in the
diagnosis: what PEFT's preparation costs is no factor of its table.
"""

from dataclasses import dataclass

from bench.train_arms.hf import quantized, train
from bench.train_arms.job import TrainJob
from bench.train_arms.token_file import TokenFile
from bench.train_arms.turns import Turns

COMMON = "hf-common"


@dataclass(frozen=True)
class Recipe:
    """Rows of a micro-batch, whether they are padded to the full length, whether layers are recomputed."""

    rows_at_once: int = 2
    padded: bool = True
    checkpointing: bool = True


RECIPES = {
    COMMON: Recipe(),
    "hf-longest": Recipe(padded=False),
    "hf-no-checkpointing": Recipe(checkpointing=False),
    "hf-4-rows": Recipe(rows_at_once=4),
}


def one_factor(job: TrainJob, turns: Turns) -> None:
    """The rows of each step in the order of their file."""
    recipe, rows = RECIPES[job.arm], TokenFile.read(job.rows_path)
    train(job, turns, rows, rows.order[: job.steps * job.rows_per_step], quantized(job),
          rows_at_once=recipe.rows_at_once, pad_to=job.max_seq_length if recipe.padded else None,
          checkpointing=recipe.checkpointing)  # fmt: skip

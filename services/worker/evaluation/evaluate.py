"""One evaluation job: how well a base model, with or without an adapter, does on a data set."""

import time
from collections import Counter
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from pathlib import Path
from typing import Any

from services.worker.adapters.saved_adapter import SavedAdapter, open_adapter, with_adapter
from services.worker.computing.plan.plan import Plan
from services.worker.computing.validation import mean_loss
from services.worker.evaluation.confusion import classification_scores, confusion_matrix
from services.worker.evaluation.label_scores import score_labels
from services.worker.evaluation.question import Question, make_question
from services.worker.failures import FailureCode, JobFailed
from services.worker.machine.out_of_memory import explain_out_of_memory
from services.worker.models.families.fit import longest_row, require_rows_fit
from services.worker.models.load import LoadedModel
from services.worker.running_job import RunningJob
from services.worker.text.chat_template import ChatTemplate, TemplateRefusal
from services.worker.text.classification import ClassificationPrompt
from services.worker.text.dataset_file import DatasetFile, read_rows
from services.worker.text.row_counts import reasons
from services.worker.text.row_lines import row_lines
from services.worker.text.row_rules import RowRules
from services.worker.text.rows import encode_dataset
from shared.messages.message import read_stored, say, stored

PLAN = Plan("auto", tokens_per_micro_batch=4096, gradient_checkpointing=False)
SECONDS_BETWEEN_TICKS = 0.5
MEMORY_REMEDY = say("lower-sequence-length-or-free-memory")


def evaluate(
    base: LoadedModel,
    *,
    data: DatasetFile,
    adapter_folder: Path | None,
    instruction: str | None,
    labels: Sequence[str] | None,
    max_seq_length: int,
    job: RunningJob,
    now: datetime | None = None,
) -> dict[str, Any]:
    """The mean loss over the targets of `data`, and for classification how often the likeliest label is
    right.

    Without an `instruction` an adapter is asked as it was trained. To choose from are the labels given,
    those of the data set, and those the adapter learned. `now` is the date that a chat template may write.
    The base is afterwards what it was before. Raises
    `JobFailed` (adapter_invalid, dataset_invalid, model_unsupported, out_of_memory) and what `job`
    raises.
    """
    started = time.perf_counter()
    max_seq_length = longest_row(max_seq_length, base.abilities, job)
    if adapter_folder is not None:
        job.progress("checking the adapter")
    adapter = None if adapter_folder is None else open_adapter(adapter_folder, base)
    trained_as = adapter.trained_as if adapter else {}
    instruction = instruction or trained_as.get("instruction")

    def work() -> dict[str, Any]:
        if data.summary.format != "classification":
            return _evaluate_loss(base, adapter, data, max_seq_length, now, job)
        known = {*(data.summary.labels or ()), *(labels or ()), *(trained_as.get("labels") or ())}
        prompt = ClassificationPrompt.of(instruction, sorted(known))
        template = ChatTemplate.of(base.tokenizer, thinking=False, now=now)  # a label comes without a thought
        return _evaluate_labels(base, adapter, data, prompt, template, max_seq_length, job)

    result = explain_out_of_memory(work, base.device, MEMORY_REMEDY)
    return {
        "format": data.summary.format,
        "max_seq_length": max_seq_length,
        **result,
        "evaluation_seconds": time.perf_counter() - started,
    }


def _evaluate_loss(
    base: LoadedModel,
    adapter: SavedAdapter | None,
    data: DatasetFile,
    max_seq_length: int,
    now: datetime | None,
    job: RunningJob,
) -> dict[str, Any]:
    """An adapter's rows are written with or without thoughts as those it was trained on."""
    rules = RowRules.of(
        data,
        loss_on=None,
        max_seq_length=max_seq_length,
        instruction=None,
        thinking=adapter.trained_as.get("thinking") if adapter else None,
        now=now,
    )
    rows = encode_dataset(data, rules, base.tokenizer, lambda rows: job.progress("tokenizing", rows=rows))
    for line in row_lines(rows.counts, rules):
        job.event(line.message, level=line.level, data={"code": line.code, **line.data})
    require_rows_fit(rows.rows, base.tokenizer, base.abilities)
    done = 0

    def tick() -> None:
        job.progress("evaluating", rows=done, total_rows=len(rows.rows))

    def count(evaluated: int) -> None:
        nonlocal done
        done = evaluated
        tick()

    with _adapted(base, adapter, job):
        tick()
        loss = mean_loss(base.model, rows.rows, PLAN, device=base.device, tick=tick, tick_rows=count)
    return {**rows.counts.as_result(), "loss": loss}


def _evaluate_labels(
    base: LoadedModel,
    adapter: SavedAdapter | None,
    data: DatasetFile,
    prompt: ClassificationPrompt,
    template: ChatTemplate,
    max_seq_length: int,
    job: RunningJob,
) -> dict[str, Any]:
    questions, truth, skipped = _questions(data, prompt, template, max_seq_length, job)

    def tick(done: int) -> None:
        job.progress("evaluating", rows=done, total_rows=len(questions))

    with _adapted(base, adapter, job):
        tick(0)
        scores = score_labels(base.model, questions, base.device, tick)
    right_answers = [question.answers[true] for question, true in zip(questions, truth, strict=True)]
    targets = sum(int(answer.targets.sum()) for answer in right_answers)
    matrix = confusion_matrix(truth, scores.argmax(dim=1).tolist(), len(prompt.labels))
    return {
        "rows": len(questions),
        "skipped_rows": skipped.total(),
        "skipped_reasons": reasons(skipped, "rows"),
        "instruction": prompt.instruction,
        "loss": -float(scores[range(len(truth)), truth].double().sum()) / targets,
        **classification_scores(matrix, prompt.labels).model_dump(mode="json"),
    }


def _questions(
    data: DatasetFile,
    prompt: ClassificationPrompt,
    template: ChatTemplate,
    max_seq_length: int,
    job: RunningJob,
) -> tuple[list[Question], list[int], Counter[str]]:
    """The questions, the index of each one's true label, and the reasons why others could not be asked."""
    questions, truth, seen, skipped = [], [], 0, Counter[str]()
    job.progress("tokenizing", rows=0)
    no_room = stored(say("no-room-for-message", max_seq_length=max_seq_length))
    told = 0.0
    for seen, row in enumerate(read_rows(data), start=1):
        if (clock := time.monotonic()) - told >= SECONDS_BETWEEN_TICKS:
            told = clock
            job.progress("tokenizing", rows=seen - 1, total_rows=data.summary.rows)
        try:
            question = make_question(row["text"], prompt, template, max_seq_length)
        except TemplateRefusal as refusal:
            skipped[refusal.reason] += 1
            continue
        if question is None:
            skipped[no_room] += 1
            continue
        questions.append(question)
        truth.append(prompt.labels.index(row["label"]))
    if not questions:
        reason = skipped.most_common(1)[0][0]
        raise JobFailed(
            FailureCode.DATASET_INVALID,
            say("no-question-can-be-asked", rows=seen, reason=read_stored(reason)),
            say("shorten-instruction") if reason == no_room else say("name-model-for-questions"),
        )
    return questions, truth, skipped


def _adapted(
    base: LoadedModel, adapter: SavedAdapter | None, job: RunningJob
) -> AbstractContextManager[None]:
    if adapter is None:
        return nullcontext()
    job.progress("attaching the adapter")
    return with_adapter(base, adapter)

"""A step that runs out of memory is computed again with less at once, and learns the same."""

from pathlib import Path
from typing import Any

import pytest
import torch

from services.worker.computing.plan import workload as workload_module
from services.worker.failures import FailureCode, JobFailed
from services.worker.models.load import LoadedModel
from services.worker.running_job import WorkerDraining
from services.worker.text.dataset_file import DatasetFile
from services.worker.training.fine_tuning import fine_tune
from shared.job_folder import JobFolder
from shared.schemas.requests import FineTuningRequest
from tests.thorough import ALL
from tests.worker.training.running_out import RunningOut
from tests.worker.training.tiny_bases import RecordedJob, Rows, WriteRows

BROKEN_STEP = 3
# Every row is longer than that, so alone in its micro-batch: what is left to give up changes no sum.
ALONE = {"tokens_per_micro_batch": 64, "gradient_checkpointing": False}
TOGETHER = {"tokens_per_micro_batch": 250, "gradient_checkpointing": False}


@pytest.fixture
def data(write_rows: WriteRows, spam_rows: Rows) -> DatasetFile:
    rows = [{**row, "text": row["text"] + "; tell me soon, or tell the others" * 2} for row in spam_rows]
    return write_rows(rows, "classification")


def request(plan: Any, dropout: float = 0.0, **settings: Any) -> FineTuningRequest:
    hyperparameters = {
        "max_steps": 4,
        "global_batch_size": 4,
        "learning_rate": 5e-3,
        "max_seq_length": 256,
        "lora": {"r": 4, "alpha": 8, "dropout": dropout},
    }
    fields = {"dataset": "spam", "plan": plan, "hyperparameters": hyperparameters | settings}
    return FineTuningRequest.model_validate(fields)


def run(
    base: LoadedModel,
    data: DatasetFile,
    folder: Path,
    asked: FineTuningRequest,
    running_out: RunningOut,
    job: RecordedJob | None = None,
    attempt: int = 1,
    validation: DatasetFile | None = None,
) -> tuple[dict[str, Any], RecordedJob]:
    job = job or RecordedJob()
    with running_out:
        result = fine_tune(
            base,
            asked,
            training=data,
            validation=validation,
            job_folder=JobFolder(folder),
            attempt=attempt,
            checkpoint_seconds=1000,
            job=job,
            observe=running_out.observe,
        )
    return result, job


def shortages(job: RecordedJob) -> list[str]:
    return [code for code in job.codes() if code.endswith("_out_of_memory")]


def adapter_bytes(folder: Path) -> bytes:
    return (folder / "adapter" / "adapter_model.safetensors").read_bytes()


@pytest.mark.parametrize(
    ("dropout", "own"),
    [(0.0, True), (0.1, True), (0.1, False)],
    ids=["own layers", "own layers, dropout", "the model's layers, dropout"],
)
def test_wherever_a_step_runs_out_of_memory_the_adapter_is_the_same_to_the_bit(
    llama: LoadedModel,
    data: DatasetFile,
    tmp_path: Path,
    dropout: float,
    own: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """In the forward and backward pass of every micro-batch, between them, and in the update."""
    if not own:
        monkeypatch.setattr(workload_module, "LONGEST_ROW", 1)
    asked = request(ALONE, dropout)
    counted = RunningOut()
    _, undisturbed = run(llama, data, tmp_path / "whole", asked, counted)
    operations = counted.counts[BROKEN_STEP]
    places = range(1, operations, operations // (6 if ALL else 3))
    for at in (*places, operations):
        running_out = RunningOut(after=BROKEN_STEP - 1, at=at)
        result, job = run(llama, data, tmp_path / str(at), asked, running_out)
        assert running_out.raised == 1
        assert shortages(job) == ["step_out_of_memory"], at
        assert (result["plan"]["gradient_checkpointing"], result["plan"]["own_layers"]) == (True, own)
        assert not any("dropout uses" in message for message, _ in job.events)  # the split is the same
        assert job.losses == undisturbed.losses, at
        assert adapter_bytes(tmp_path / str(at)) == adapter_bytes(tmp_path / "whole"), at


@pytest.mark.parametrize(("optimizer", "update"), [("adamw", 1), ("adamw", 3), ("adamw_8bit", 2)])
def test_an_update_that_breaks_off_is_taken_back(
    llama: LoadedModel, data: DatasetFile, tmp_path: Path, optimizer: str, update: int
) -> None:
    asked = request(ALONE, optim=optimizer)
    run(llama, data, tmp_path / "whole", asked, RunningOut())
    only = "addcdiv_" if optimizer == "adamw" else "optimizer_update_32bit"
    running_out = RunningOut(after=BROKEN_STEP - 1, at=update, only=only)
    run(llama, data, tmp_path / "broken", asked, running_out)
    assert running_out.raised == 1
    assert adapter_bytes(tmp_path / "broken") == adapter_bytes(tmp_path / "whole")


def test_half_the_micro_batch_comes_first_then_recomputing_and_each_is_said(
    llama: LoadedModel, data: DatasetFile, tmp_path: Path
) -> None:
    _, undisturbed = run(llama, data, tmp_path / "whole", request(TOGETHER), RunningOut())
    running_out = RunningOut(after=BROKEN_STEP - 1, at=40, times=2)
    result, job = run(llama, data, tmp_path / "broken", request(TOGETHER), running_out)
    assert running_out.raised == 2
    assert shortages(job) == ["step_out_of_memory"] * 2
    said = [text for text, content in job.events if content.get("code") == "step_out_of_memory"]
    assert said[0].startswith("Step 3 ran out of memory in micro-batch 1 of ")
    assert "From here on a micro-batch has at most " in said[0]
    assert "all layers are computed again" in said[1]
    assert result["plan"]["tokens_per_micro_batch"] <= TOGETHER["tokens_per_micro_batch"] / 2
    assert result["plan"]["gradient_checkpointing"]
    assert len(job.losses) == 4
    assert job.losses == pytest.approx(undisturbed.losses, rel=1e-4)


def test_a_baseline_plan_takes_half_the_rows_and_has_nothing_else_to_give_up(
    llama: LoadedModel, data: DatasetFile, tmp_path: Path
) -> None:
    _, undisturbed = run(llama, data, tmp_path / "whole", request("baseline"), RunningOut())
    result, job = run(llama, data, tmp_path / "broken", request("baseline"), RunningOut(after=2, at=40))
    assert result["plan"]["rows_per_micro_batch"] == 1
    assert job.losses == pytest.approx(undisturbed.losses, rel=1e-4)
    with pytest.raises(JobFailed) as failed:
        run(llama, data, tmp_path / "failed", request("baseline"), RunningOut(after=2, at=40, times=2))
    assert "A try with 1 row of 256 tokens at once" in failed.value.failure.message


def test_what_did_not_fit_once_is_not_tried_again(
    llama: LoadedModel, data: DatasetFile, tmp_path: Path
) -> None:
    counted = RunningOut()
    run(llama, data, tmp_path / "whole", request(TOGETHER), counted, validation=data)
    running_out = RunningOut(after=1, at=40)
    _, job = run(llama, data, tmp_path / "broken", request(TOGETHER), running_out)
    assert shortages(job) == ["step_out_of_memory"]
    assert running_out.counts[4] > 1.2 * counted.counts[4]  # more micro-batches


def test_three_times_in_a_row_is_a_failure_that_tells_what_was_tried_and_what_was_free(
    llama: LoadedModel, data: DatasetFile, tmp_path: Path
) -> None:
    job = RecordedJob()
    with pytest.raises(JobFailed) as failed:
        run(llama, data, tmp_path, request(TOGETHER), RunningOut(after=2, at=40, times=3), job)
    assert failed.value.failure.code == FailureCode.OUT_OF_MEMORY
    assert shortages(job) == ["step_out_of_memory"] * 2
    message = failed.value.failure.message
    assert message.startswith("Step 3 does not fit into the memory of the cpu. A try with ")
    assert message.count("ran out of memory although") == message.count("By the estimate it takes") == 3
    assert "GB were free" in message
    assert "no layer computed twice" in message
    assert "every layer computed twice" in message
    assert "max_seq_length" in failed.value.failure.remedy
    run(llama, data, tmp_path / "next", request(TOGETHER), RunningOut())


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        RuntimeError("CUDA error: out of memory\nCUDA kernel errors might be asynchronously reported"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
        RuntimeError(
            "[enforce fail at alloc_cpu.cpp:124] err == 0. DefaultCPUAllocator: can't allocate memory"
        ),
        torch.AcceleratorError("CUDA error: out of memory"),
    ],
    ids=str,
)
def test_the_drivers_own_words_are_understood(
    llama: LoadedModel, data: DatasetFile, tmp_path: Path, error: Exception
) -> None:
    running_out = RunningOut(after=2, at=40, error=lambda: error)
    _, job = run(llama, data, tmp_path, request(ALONE), running_out)
    assert shortages(job) == ["step_out_of_memory"]


def test_another_error_is_not_taken_for_it(llama: LoadedModel, data: DatasetFile, tmp_path: Path) -> None:
    broken = RunningOut(after=2, at=40, error=lambda: RuntimeError("shapes do not match"))
    with pytest.raises(RuntimeError, match="shapes"):
        run(llama, data, tmp_path, request(ALONE), broken)


def test_a_validation_that_runs_out_of_memory_shrinks_validations_alone(
    llama: LoadedModel, data: DatasetFile, tmp_path: Path
) -> None:
    """The validation follows the last step of four."""
    whole, _ = run(llama, data, tmp_path / "whole", request(TOGETHER), RunningOut(), validation=data)
    running_out = RunningOut(after=4, at=2, only="embedding")
    result, job = run(llama, data, tmp_path / "broken", request(TOGETHER), running_out, validation=data)
    assert running_out.raised == 1
    assert shortages(job) == ["validation_out_of_memory"]
    assert result["plan"] == whole["plan"]
    assert adapter_bytes(tmp_path / "broken") == adapter_bytes(tmp_path / "whole")
    assert result["validation_loss"] == pytest.approx(whole["validation_loss"], rel=1e-5)


def test_a_validation_that_never_fits_is_a_failure(
    llama: LoadedModel, data: DatasetFile, tmp_path: Path
) -> None:
    running_out = RunningOut(after=4, at=1, times=3, only="embedding")
    with pytest.raises(JobFailed) as failed:
        run(llama, data, tmp_path, request(TOGETHER), running_out, validation=data)
    assert failed.value.failure.message.startswith("The validation after step 4 does not fit")


def test_with_dropout_in_the_model_s_layers_another_split_is_said_to_draw_anew(
    llama: LoadedModel, data: DatasetFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workload_module, "LONGEST_ROW", 1)
    _, job = run(llama, data, tmp_path, request(TOGETHER, 0.1), RunningOut(after=2, at=40))
    (said,) = [text for text, content in job.events if content.get("code") == "step_out_of_memory"]
    assert "dropout uses other random numbers" in said


def test_with_dropout_in_the_own_layers_another_split_learns_the_same(
    llama: LoadedModel, data: DatasetFile, tmp_path: Path
) -> None:
    _, whole = run(llama, data, tmp_path / "whole", request(TOGETHER, 0.3), RunningOut())
    _, job = run(llama, data, tmp_path / "split", request(TOGETHER, 0.3), RunningOut(after=2, at=40))
    assert shortages(job) == ["step_out_of_memory"]
    assert not any("dropout uses" in message for message, _ in job.events)
    assert job.losses == pytest.approx(whole.losses, rel=1e-5)


def test_a_resumed_run_keeps_the_smaller_plan_and_ends_with_the_same_bits(
    llama: LoadedModel, data: DatasetFile, tmp_path: Path
) -> None:
    asked = request("auto")
    whole, _ = run(llama, data, tmp_path / "whole", asked, RunningOut(after=1, at=40))
    drained = RecordedJob(stop=WorkerDraining, at_step=4)
    with pytest.raises(WorkerDraining):
        run(llama, data, tmp_path / "parts", asked, RunningOut(after=1, at=40), drained)
    assert shortages(drained) == ["step_out_of_memory"]
    result, resumed = run(llama, data, tmp_path / "parts", asked, RunningOut(), attempt=2)
    assert result["resumed_from_step"] == 4
    assert "plan_changed" not in resumed.codes()
    assert shortages(resumed) == []
    assert result["plan"] == whole["plan"]
    assert adapter_bytes(tmp_path / "parts") == adapter_bytes(tmp_path / "whole")

"""A published adapter and a checkpoint are models: training begins with them, and evaluations ask them."""

from pathlib import Path

import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM

from services.worker.evaluation.evaluate import evaluate
from services.worker.failures import FailureCode, JobFailed
from services.worker.models.load import LoadedModel
from services.worker.running_job import NoJob, WorkerDraining
from services.worker.text.dataset_file import DatasetFile
from shared.adapters import adapter_folder, checkpoint_steps, held_adapter, hold
from shared.job_folder import JobFolder
from shared.schemas.hyperparameters import Lora
from tests.worker.training.test_fine_tuning import SETTINGS, run, with_settings
from tests.worker.training.tiny_bases import RecordedJob, Rows, WriteRows

STILL = with_settings(learning_rate=1e-12, max_steps=1)


@pytest.fixture
def data(write_rows: WriteRows, spam_rows: Rows) -> DatasetFile:
    return write_rows(spam_rows, "classification")


def weights(folder: Path | None) -> dict[str, torch.Tensor]:
    assert folder is not None
    return load_file(folder / "adapter_model.safetensors")


def begun_with(source: Path | None, job_folder: Path) -> Path:
    """As the API does when it accepts the job."""
    assert source is not None
    job_folder.mkdir()
    hold(source, JobFolder(job_folder))
    held = held_adapter(JobFolder(job_folder))
    assert held is not None
    return held


@pytest.mark.parametrize("name", ["llama", "exaone"])
def test_training_begins_where_the_adapter_ended(
    name: str, request: pytest.FixtureRequest, data: DatasetFile, tmp_path: Path
) -> None:
    base: LoadedModel = request.getfixturevalue(name)
    first = RecordedJob()
    run(base, data, tmp_path / "first", first)
    source = adapter_folder(JobFolder(tmp_path / "first"))
    second = RecordedJob()
    start = begun_with(source, tmp_path / "second")
    run(base, data, tmp_path / "second", second, request=STILL, start=start)
    assert second.losses[0] < 0.8 * first.losses[0]
    for key, tensor in weights(adapter_folder(JobFolder(tmp_path / "second"))).items():
        torch.testing.assert_close(tensor, weights(source)[key], rtol=0, atol=1e-9)


@pytest.mark.parametrize("name", ["llama", "exaone"])
def test_a_checkpoint_answers_as_an_adapter_of_that_step_does(
    name: str, request: pytest.FixtureRequest, data: DatasetFile, tmp_path: Path
) -> None:
    base: LoadedModel = request.getfixturevalue(name)
    run(base, data, tmp_path / "job")
    last = checkpoint_steps(JobFolder(tmp_path / "job"))[-1]
    assert last == 10

    def evaluated(folder: Path | None) -> dict[str, object]:
        result = evaluate(
            base, data=data, adapter_folder=folder, instruction=None, labels=None, max_seq_length=128,
            job=NoJob(),
        )  # fmt: skip
        del result["evaluation_seconds"]
        return result

    checkpoint = begun_with(adapter_folder(JobFolder(tmp_path / "job"), last), tmp_path / "user")
    assert evaluated(checkpoint) == evaluated(adapter_folder(JobFolder(tmp_path / "job")))


@pytest.mark.filterwarnings("ignore:.is_gradient_checkpointing. is deprecated:FutureWarning")  # PEFT's
def test_plain_peft_loads_a_checkpoint(
    llama: LoadedModel, tiny_llama_folder: Path, data: DatasetFile, tmp_path: Path
) -> None:
    run(llama, data, tmp_path)
    ids = torch.arange(1, 17).unsqueeze(0)

    def logits(folder: Path | None) -> torch.Tensor:
        plain = AutoModelForCausalLM.from_pretrained(tiny_llama_folder)
        with torch.no_grad():
            return PeftModel.from_pretrained(plain, str(folder)).eval()(ids).logits

    assert torch.equal(logits(adapter_folder(JobFolder(tmp_path), 10)), logits(tmp_path / "adapter"))


def test_a_continued_job_that_is_interrupted_ends_bit_equal(
    llama: LoadedModel, data: DatasetFile, tmp_path: Path
) -> None:
    run(llama, data, tmp_path / "first")
    source = adapter_folder(JobFolder(tmp_path / "first"))
    whole = begun_with(source, tmp_path / "whole")
    run(llama, data, tmp_path / "whole", start=whole)
    parts = begun_with(source, tmp_path / "parts")
    with pytest.raises(WorkerDraining):
        run(llama, data, tmp_path / "parts", RecordedJob(stop=WorkerDraining, at_step=4), start=parts)
    job = RecordedJob()
    run(llama, data, tmp_path / "parts", job, attempt=2, start=parts)
    assert len(job.losses) == 6
    assert (tmp_path / "parts" / "adapter" / "adapter_model.safetensors").read_bytes() == (
        tmp_path / "whole" / "adapter" / "adapter_model.safetensors"
    ).read_bytes()


def test_a_checkpoint_begun_with_other_weights_is_not_resumed(
    llama: LoadedModel, data: DatasetFile, tmp_path: Path
) -> None:
    run(llama, data, tmp_path / "first")
    with pytest.raises(WorkerDraining):
        run(llama, data, tmp_path / "job", RecordedJob(stop=WorkerDraining, at_step=4))
    hold(tmp_path / "first" / "adapter", JobFolder(tmp_path / "job"))
    job = RecordedJob()
    run(llama, data, tmp_path / "job", job, attempt=2, start=JobFolder(tmp_path / "job").start)
    assert "resume_rejected" in job.codes()
    assert len(job.losses) == 10


def test_an_adapter_of_another_shape_is_refused(
    llama: LoadedModel, data: DatasetFile, tmp_path: Path
) -> None:
    run(llama, data, tmp_path / "first")
    wider = with_settings(lora=Lora(r=8, alpha=8))
    assert SETTINGS.lora.r == 4
    start = begun_with(adapter_folder(JobFolder(tmp_path / "first")), tmp_path / "second")
    with pytest.raises(JobFailed) as failed:
        run(llama, data, tmp_path / "second", request=wider, start=start)
    assert failed.value.failure.code == FailureCode.ADAPTER_INVALID


def test_a_damaged_start_is_refused(llama: LoadedModel, data: DatasetFile, tmp_path: Path) -> None:
    run(llama, data, tmp_path / "first")
    start = begun_with(adapter_folder(JobFolder(tmp_path / "first")), tmp_path / "second")
    file = start / "adapter_model.safetensors"
    content = file.read_bytes()
    file.unlink()  # the name only: the first job's file is the same one
    file.write_bytes(content[:-1] + b"\0\0")
    with pytest.raises(JobFailed) as failed:
        run(llama, data, tmp_path / "second", start=start)
    assert failed.value.failure.code == FailureCode.ADAPTER_INVALID

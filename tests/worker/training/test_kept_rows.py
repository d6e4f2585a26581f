"""The rendered rows of a job are kept with it, so that a resumed run depends on no clock."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from services.worker.adapters.ended_run import give_back
from services.worker.models.load import LoadedModel
from services.worker.running_job import WorkerDraining
from services.worker.text.dataset_file import DatasetFile
from services.worker.training import kept_rows
from services.worker.training.fine_tuning import fine_tune
from services.worker.training.job_rows import RowSource, job_rows
from shared.job_folder import JobFolder
from shared.schemas.hyperparameters import Hyperparameters, Lora
from shared.schemas.requests import FineTuningRequest
from tests.tiny_models import CHATML_TEMPLATE
from tests.worker.training.test_checkpoints import files_limited_to
from tests.worker.training.tiny_bases import RecordedJob, WriteRows

DATED = "{{ '<|im_start|>system\n' + strftime_now('%d %b %Y') + '<|im_end|>\n' }}" + CHATML_TEMPLATE
REQUEST = FineTuningRequest(
    dataset="chat",
    hyperparameters=Hyperparameters(max_steps=4, global_batch_size=2, lora=Lora(r=2, alpha=4)),
)
TODAY, TOMORROW = datetime(2025, 3, 1, tzinfo=UTC), datetime(2025, 3, 2, tzinfo=UTC)


@pytest.fixture
def dated(llama: LoadedModel) -> Iterator[LoadedModel]:
    """A model whose chat template writes the date."""
    template, llama.tokenizer.chat_template = llama.tokenizer.chat_template, DATED
    yield llama
    llama.tokenizer.chat_template = template


@pytest.fixture
def data(write_rows: WriteRows) -> DatasetFile:
    rows = [
        {"messages": [{"role": "user", "content": f"{n}?"}, {"role": "assistant", "content": f"{n}시."}]}
        for n in range(4)
    ]
    return write_rows(rows, "chat")


def run(
    base: LoadedModel, data: DatasetFile, folder: Path, job: RecordedJob, *, attempt: int, now: datetime
) -> dict[str, object]:
    return fine_tune(
        base,
        REQUEST,
        training=data,
        validation=data,
        job_folder=JobFolder(folder),
        attempt=attempt,
        checkpoint_seconds=0.0,
        job=job,
        now=now,
    )


def drained(base: LoadedModel, data: DatasetFile, folder: Path) -> RecordedJob:
    job = RecordedJob(stop=WorkerDraining, at_step=2)
    with pytest.raises(WorkerDraining):
        run(base, data, folder, job, attempt=1, now=TODAY)
    return job


def test_a_run_goes_on_the_next_day_with_the_rows_it_began_with(
    dated: LoadedModel, data: DatasetFile, tmp_path: Path
) -> None:
    first = drained(dated, data, tmp_path)
    assert "01 Mar 2025" in first.events[0][1]["text"]
    dated.tokenizer.chat_template = None  # nothing is rendered again
    job = RecordedJob()
    result = run(dated, data, tmp_path, job, attempt=2, now=TOMORROW)
    assert result["resumed_from_step"] == 2
    assert job.codes() == ["predicted"]  # nothing is told of rows again
    assert (result["rows"], result["answers"]) == (4, 4)


@pytest.mark.parametrize("harm", ["cut", "gone"])
def test_rows_that_are_damaged_are_rendered_again_with_the_jobs_own_date(
    dated: LoadedModel, data: DatasetFile, tmp_path: Path, harm: str
) -> None:
    drained(dated, data, tmp_path)
    file = JobFolder(tmp_path).tokens / "training.safetensors"
    content = file.read_bytes()
    file.unlink() if harm == "gone" else file.write_bytes(content[:-1])
    result = run(dated, data, tmp_path, RecordedJob(), attempt=2, now=TODAY)
    assert result["resumed_from_step"] == 2
    assert file.read_bytes() == content


def test_a_job_that_ended_gives_its_rows_back(llama: LoadedModel, data: DatasetFile, tmp_path: Path) -> None:
    run(llama, data, tmp_path, RecordedJob(), attempt=1, now=TODAY)
    assert JobFolder(tmp_path).tokens.is_dir()
    assert give_back(JobFolder(tmp_path), has_succeeded=True) > 0
    assert not JobFolder(tmp_path).tokens.exists()


def test_rows_of_other_settings_are_not_taken(dated: LoadedModel, data: DatasetFile, tmp_path: Path) -> None:
    run(dated, data, tmp_path, RecordedJob(), attempt=1, now=TODAY)
    assert kept_rows.kept_rows(JobFolder(tmp_path), {"base": "another"}) is None


def test_the_first_row_is_shown_with_its_learned_stretches_marked(
    llama: LoadedModel, data: DatasetFile, tmp_path: Path
) -> None:
    job = RecordedJob()
    run(llama, data, tmp_path, job, attempt=1, now=TODAY)
    message, content = next(event for event in job.events if event[1].get("code") == "rendered_row")
    assert "<|im_start|>assistant\n⟦0시.<|im_end|>⟧\n" in message
    ((start, end),) = content["learned"]
    assert content["text"][start:end] == "0시.<|im_end|>"


def test_a_full_disk_is_no_reason_to_stop_before_the_first_step(
    llama: LoadedModel, data: DatasetFile, tmp_path: Path
) -> None:
    job = RecordedJob()
    with files_limited_to(100):
        rows = job_rows(llama, REQUEST, RowSource(data, None, JobFolder(tmp_path), 1, TODAY), job)
    assert len(rows.training.rows) == 4
    assert job.codes() == ["rendered_row", "rows_not_kept"]
    assert not JobFolder(tmp_path).tokens.exists()
    assert list((tmp_path / "attempts" / "1").iterdir()) == []

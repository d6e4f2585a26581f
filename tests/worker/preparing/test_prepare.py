"""`model_preparation` on tiny models: the copy is made once, measured, and used by the next job."""

from pathlib import Path

import pytest
import torch

from services.worker.failures import FailureCode, JobFailed
from services.worker.models.hub.model_places import ModelFiles
from services.worker.models.quantized import nf4_artifact
from services.worker.models.residency import Residency
from services.worker.preparing.prepare import prepare
from shared.messages.render import told
from shared.reports.preparation import Preparation
from shared.schemas.requests import ModelPreparationRequest
from shared.settings import Settings
from tests.tiny_models import make_tiny_exaone, make_tiny_llama
from tests.worker.training.tiny_bases import RecordedJob

pytestmark = pytest.mark.usefixtures("short_intake")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "data", models_dir=tmp_path / "models")


@pytest.fixture
def residency(settings: Settings) -> Residency:
    return Residency(torch.device("cpu"), settings.data_dir / "models")


def run(settings: Settings, residency: Residency, **fields: object) -> Preparation:
    request = ModelPreparationRequest.model_validate({"model": "base", **fields})
    return prepare(request, settings=settings, residency=residency, job=RecordedJob())[0]


def test_the_copy_is_made_once_and_stays_in_memory(settings: Settings, residency: Residency) -> None:
    make_tiny_llama(settings.models_dir / "base", hidden_size=512)
    first = run(settings, residency)
    assert first.artifact is not None
    assert (settings.data_dir / "models" / first.artifact / "manifest.json").is_file()
    assert first.artifact_bytes is not None
    assert first.artifact_bytes < first.source_bytes / 2
    assert first.load.before_seconds
    assert first.load.after_seconds
    assert residency.name == "base"
    again = run(settings, residency)
    assert (again.artifact, again.save_seconds, again.load.before_seconds) == (first.artifact, None, None)
    files = ModelFiles("base", None, (settings.models_dir / "base").resolve(), "folder")
    loaded, was_resident = residency.base(files, RecordedJob())
    assert (loaded.from_artifact, was_resident) == (True, True)


def test_what_was_predicted_stands_beside_what_was_measured(settings: Settings, residency: Residency) -> None:
    make_tiny_llama(settings.models_dir / "base", hidden_size=1024)
    request = ModelPreparationRequest(model="base", warm_page_cache=True)
    done, diagnosis = prepare(request, settings=settings, residency=residency, job=RecordedJob())
    copied, warmed = done.applied
    assert (copied.remedy, warmed.remedy) == ("nf4_copy", "warm_page_cache")
    assert copied.before_seconds
    assert copied.measured_seconds
    assert copied.predicted_seconds
    assert warmed.measured_seconds
    assert diagnosis.applied == done.applied
    assert done.text == diagnosis.text
    assert "Done" in done.text
    assert [run.name for run in diagnosis.summary.runs][-1] == "prepared"


def test_a_copy_that_does_not_verify_is_made_anew(settings: Settings, residency: Residency) -> None:
    make_tiny_llama(settings.models_dir / "base")
    first = run(settings, residency)
    assert first.artifact is not None
    weights = settings.data_dir / "models" / first.artifact / "model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    again = run(settings, residency)
    assert again.save_seconds is not None
    assert [remedy.remedy for remedy in again.applied] == ["nf4_copy"]
    assert residency.name == "base"


def test_a_checkpoint_that_is_quantized_itself_needs_no_copy(
    settings: Settings, residency: Residency
) -> None:
    make_tiny_llama(settings.models_dir / "base")
    first = run(settings, residency)
    assert first.artifact is not None
    (settings.models_dir / "quantized").symlink_to(settings.data_dir / "models" / first.artifact)
    done = run(settings, residency, model="quantized", warm_page_cache=True)
    assert done.artifact is None
    assert [remedy.remedy for remedy in done.applied] == ["warm_page_cache"]


@pytest.mark.parametrize("allowed", [True, False])
def test_pickles_are_converted_first_if_that_is_allowed(
    settings: Settings, residency: Residency, allowed: bool
) -> None:
    make_tiny_exaone(settings.models_dir / "base", form="bin")
    if not allowed:
        with pytest.raises(JobFailed) as failed:
            run(settings, residency, convert_pickle=False)
        assert failed.value.failure.code == FailureCode.MODEL_REFUSED
        return
    done = run(settings, residency)
    assert done.converted
    assert done.artifact is not None
    assert told(done.applied[0].action).startswith("2 pickle files were converted to safetensors in")
    again = run(settings, residency)
    assert not again.converted
    assert told(again.applied[0].action) == "2 pickle files were converted to safetensors already."


def test_one_pickle_file_is_told_in_the_singular(settings: Settings, residency: Residency) -> None:
    make_tiny_llama(settings.models_dir / "base", form="bin")
    assert told(run(settings, residency).applied[0].action).startswith("1 pickle file was converted")
    again = run(settings, residency)
    assert told(again.applied[0].action) == "1 pickle file was converted to safetensors already."


def test_a_flipped_bit_in_what_was_converted_is_mended_and_its_quantized_copy_too(
    settings: Settings, residency: Residency
) -> None:
    make_tiny_llama(settings.models_dir / "base", form="bin")
    first = run(settings, residency)
    assert first.artifact is not None
    (weights,) = (settings.data_dir / "models").glob("base-safetensors-*/model.safetensors")
    whole = weights.read_bytes()
    weights.write_bytes(whole[:-1] + bytes([whole[-1] ^ 64]))
    again = run(settings, residency)
    assert again.converted
    assert again.save_seconds is not None
    assert weights.read_bytes() == whole


def test_a_full_disk_fails_the_job_and_leaves_nothing(
    settings: Settings, residency: Residency, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_tiny_llama(settings.models_dir / "base")
    monkeypatch.setattr(nf4_artifact, "SPARE_BYTES", 2**60)
    with pytest.raises(JobFailed) as failed:
        run(settings, residency)
    assert failed.value.failure.code == FailureCode.DISK_FULL
    assert not [path for path in (settings.data_dir / "models").iterdir() if path.is_dir()]

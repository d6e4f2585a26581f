"""The prepared copy of a base model: bit-equal to quantizing while loading, never believed unseen."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM

from services.worker.diagnosis.trial_load import describe_resident
from services.worker.models.hub.model_places import ModelFiles
from services.worker.models.load import LoadedModel
from services.worker.models.quantized import nf4_artifact
from services.worker.models.quantized.nf4_artifact import WEIGHTS_NAME, find_nf4, nf4_folder
from services.worker.models.quantized.nf4_load import load_nf4
from services.worker.models.quantized.prepared import load_prepared
from services.worker.models.reading.phases import LoadPhases
from services.worker.models.residency import Residency
from services.worker.running_job import JobCancelled, JsonValue, NoJob, WorkerDraining
from shared.sealed_folder import file_sha256
from tests.tiny_models import make_tiny_exaone, make_tiny_llama
from tests.worker.training.test_checkpoints import files_limited_to
from tests.worker.training.tiny_bases import RecordedJob

MAKERS: dict[str, Callable[[Path], Path]] = {
    "llama": make_tiny_llama,
    "exaone": make_tiny_exaone,
    "untied exaone": lambda folder: make_tiny_exaone(folder, tied=False),
}
IDS = torch.arange(1, 33)[None]


@pytest.fixture(params=MAKERS)
def source(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return MAKERS[request.param](tmp_path / "models" / "base")


@pytest.fixture
def llama(tmp_path: Path) -> Path:
    return make_tiny_llama(tmp_path / "models" / "base")


def load(source: Path, job: RecordedJob | None = None) -> LoadedModel:
    return load_prepared(
        ModelFiles("base", None, source, "folder"),
        dtype=torch.bfloat16,
        device=torch.device("cpu"),
        artifacts=artifacts_of(source),
        job=job or RecordedJob(),
    )


def artifacts_of(source: Path) -> Path:
    return source.parent.parent / "artifacts"


def artifact_of(source: Path) -> Path:
    return nf4_folder(source, "base", artifacts_of(source))


def assert_same(one: torch.nn.Module, other: torch.nn.Module) -> None:
    mine, theirs = one.state_dict(), other.state_dict()
    assert mine.keys() == theirs.keys()
    for name, tensor in mine.items():
        assert tensor.dtype == theirs[name].dtype, name
        assert torch.equal(tensor, theirs[name]), name


def test_the_second_load_reads_the_copy_and_is_equal_to_the_bit(source: Path) -> None:
    job = RecordedJob()
    first = load(source, job)
    assert job.codes() == ["artifact_saved"]
    second = load(source)
    assert (first.from_artifact, second.from_artifact) == (False, True)
    assert_same(second.model, first.model)
    assert torch.equal(second.model(IDS).logits, first.model(IDS).logits)
    assert second.architecture == first.architecture
    assert second.tokenizer.get_vocab() == first.tokenizer.get_vocab()
    assert second.phase_seconds["quantize"] == second.phase_seconds["deserialize"] == 0


def test_transformers_itself_loads_the_copy_as_an_ordinary_checkpoint(source: Path) -> None:
    first = load(source)
    theirs = AutoModelForCausalLM.from_pretrained(artifact_of(source), dtype=torch.bfloat16, device_map="cpu")
    assert_same(theirs, first.model)


def test_gradients_pass_through_the_copy_as_through_the_original(source: Path) -> None:
    def gradient(loaded: LoadedModel) -> torch.Tensor:
        inputs = loaded.model.get_input_embeddings()(IDS).detach().requires_grad_()
        loaded.model(inputs_embeds=inputs).logits.float().square().mean().backward()
        assert inputs.grad is not None
        return inputs.grad

    first = gradient(load(source))
    assert first.abs().sum() > 0
    assert torch.equal(gradient(load(source)), first)


def test_the_parameters_are_the_file_s_bytes_and_no_second_copy(llama: Path) -> None:
    load(llama)
    model = load(llama).model
    size = (artifact_of(llama) / WEIGHTS_NAME).stat().st_size
    pointers = [parameter.data_ptr() for parameter in model.parameters()]
    assert max(pointers) - min(pointers) < size


@pytest.mark.parametrize("damage", ["flip", "cut", "grow", "header", "swap", "config"])
def test_a_damaged_copy_is_thrown_away_and_made_anew(llama: Path, damage: str) -> None:
    first = load(llama)
    weights = artifact_of(llama) / WEIGHTS_NAME
    content = weights.read_bytes()
    if damage == "flip":
        weights.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    if damage == "cut":
        weights.write_bytes(content[:-1])
    if damage == "grow":
        weights.write_bytes(content + b"\0")
    if damage == "header":
        weights.write_bytes(b"\xff" * 8 + content[8:])
    if damage == "swap":
        weights.write_bytes(bytes(len(content)))
    if damage == "config":
        (weights.parent / "config.json").write_text("{}")
    job = RecordedJob()
    again = load(llama, job)
    assert job.codes() == ["artifact_rejected", "artifact_saved"]
    assert_same(again.model, first.model)
    assert load(llama).from_artifact


def unfit(copy: Path, lost: str) -> None:
    """As if the model's class were another now: whole by its manifest, without the tensor `lost`."""
    weights = copy / WEIGHTS_NAME
    tensors = load_file(weights)
    del tensors[next(name for name in tensors if name.endswith(lost))]
    save_file(tensors, weights, metadata={"format": "pt"})
    manifest = json.loads((copy / "manifest.json").read_text())
    manifest["files"][WEIGHTS_NAME] = {"bytes": weights.stat().st_size, "sha256": file_sha256(weights)}
    (copy / "manifest.json").write_text(json.dumps(manifest))


@pytest.mark.parametrize(
    "lost", ["q_proj.weight", "q_proj.weight.absmax", "bitsandbytes__nf4", "norm.weight"]
)
def test_a_copy_that_does_not_fit_the_model_s_class_is_made_anew(llama: Path, lost: str) -> None:
    first = load(llama)
    unfit(artifact_of(llama), lost)
    job = RecordedJob()
    again = load(llama, job)
    assert job.codes() == ["artifact_rejected", "artifact_saved"]
    assert_same(again.model, first.model)
    assert load(llama).from_artifact


@pytest.mark.parametrize(
    "error", [JobCancelled(), WorkerDraining(), MemoryError(), torch.OutOfMemoryError(), OSError(5, "EIO")]
)
def test_what_the_copy_is_not_to_blame_for_is_not_blamed_on_it(llama: Path, error: Exception) -> None:
    load(llama)

    class Stopping(NoJob):
        def progress(self, stage: str, **fields: JsonValue) -> None:
            raise error

    with pytest.raises(type(error)):
        load_nf4(artifact_of(llama), torch.bfloat16, LoadPhases(torch.device("cpu")), Stopping())


@pytest.mark.parametrize(("made_with", "used"), [("patch", True), ("minor", False), ("unknown", False)])
def test_a_copy_made_for_another_minor_version_of_transformers_is_outdated(
    llama: Path, made_with: str, used: bool
) -> None:
    load(llama)
    path = artifact_of(llama) / "manifest.json"
    manifest = json.loads(path.read_text())
    major, minor = transformers.__version__.split(".")[:2]
    versions = {"patch": f"{major}.{minor}.999", "minor": f"{major}.999.0", "unknown": None}
    manifest["libraries"]["transformers"] = versions[made_with]
    path.write_text(json.dumps(manifest))
    assert (find_nf4(llama, "base", torch.bfloat16, artifacts_of(llama)) is not None) is used


def test_a_copy_of_other_files_is_not_used(llama: Path) -> None:
    load(llama)
    make_tiny_llama(llama, seed=1)
    assert find_nf4(llama, "base", torch.bfloat16, artifacts_of(llama)) is None
    assert not load(llama).from_artifact
    assert load(llama).from_artifact


def test_a_full_disk_costs_the_copy_and_not_the_load(llama: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nf4_artifact, "SPARE_BYTES", 2**60)
    job = RecordedJob()
    assert not load(llama, job).from_artifact
    assert job.codes() == ["artifact_skipped"]
    assert not artifact_of(llama).exists()


def test_a_disk_that_runs_full_while_the_copy_is_written_costs_no_more(llama: Path) -> None:
    job = RecordedJob()
    with files_limited_to(50_000):
        assert not load(llama, job).from_artifact
    assert job.codes() == ["artifact_skipped"]
    assert not artifact_of(llama).exists()


def test_a_checkpoint_that_is_quantized_already_gets_no_copy(llama: Path, tmp_path: Path) -> None:
    load(llama)
    ready = artifact_of(llama).rename(tmp_path / "models" / "ready")
    job = RecordedJob()
    assert not load(ready, job).from_artifact
    assert job.codes() == []


def test_a_trial_of_the_checkpoint_makes_no_copy_and_uses_none(llama: Path) -> None:
    files = ModelFiles("base", None, llama, "folder")
    residency = Residency(torch.device("cpu"), artifacts_of(llama))
    trial, _ = residency.base(files, RecordedJob(), from_checkpoint=True)
    assert not trial.from_artifact
    assert not artifact_of(llama).exists()


def test_the_manifest_names_source_method_and_hashes(source: Path) -> None:
    load(source)
    manifest = json.loads((artifact_of(source) / "manifest.json").read_text())
    assert manifest["kind"] == "nf4"
    assert manifest["source"] == {"folder": str(source)}
    assert manifest["made_from"]["quantization"]["double"] is True
    assert set(manifest["files"]) >= {"config.json", WEIGHTS_NAME}
    assert {"torch", "transformers"} <= set(manifest["libraries"])


def test_a_diagnosis_does_not_take_the_copy_s_load_for_the_checkpoint_s(llama: Path) -> None:
    assert describe_resident(load(llama)).folder == str(llama)
    assert describe_resident(load(llama)).folder == str(artifact_of(llama))

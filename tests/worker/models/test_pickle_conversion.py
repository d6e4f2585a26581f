"""`.bin` weights become safetensors in a sandbox; a pickle with a payload never runs it."""

import json
import os
import pickle
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import torch
import transformers
from safetensors.torch import load_file

from services.worker.failures import Failure, FailureCode, JobFailed
from services.worker.models.files import pickle_reader
from services.worker.models.hub.model_places import ModelFiles, ModelPlaces
from services.worker.models.hub.resolve import resolve_model
from services.worker.models.load import load_base_model
from services.worker.models.quantized.nf4_artifact import nf4_folder
from services.worker.models.residency import Residency
from services.worker.running_job import JobCancelled, JsonValue, NoJob, RunningJob
from tests.tiny_models import make_tiny_exaone, make_tiny_llama
from tests.worker.training.tiny_bases import RecordedJob


class Payload:
    """What an attacker puts into a checkpoint: unpickled carelessly, it runs a command."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, (f"touch {self.marker}",)


def files_of(tmp_path: Path, name: str = "tiny", job: RunningJob | None = None) -> ModelFiles:
    places = ModelPlaces(tmp_path / "models", tmp_path / "data")
    return resolve_model(name, None, places, job=job or NoJob())


def resolved(tmp_path: Path, name: str = "tiny", job: RunningJob | None = None) -> Path:
    return files_of(tmp_path, name, job).folder


def failure_of(tmp_path: Path) -> Failure:
    with pytest.raises(JobFailed) as failed:
        resolved(tmp_path)
    assert list((tmp_path / "data" / "models").glob("*")) == list(
        (tmp_path / "data" / "models").glob(".*.lock")
    )
    return failed.value.failure


def test_the_copy_has_the_same_tensors_and_says_what_it_was_made_of(tmp_path: Path) -> None:
    source = make_tiny_exaone(tmp_path / "models" / "tiny", form="bin", dtype=torch.bfloat16)
    (source / "modeling_exaone.py").write_text("raise SystemExit")
    converted = resolved(tmp_path)
    expected: dict[str, torch.Tensor] = {}
    for file in sorted(source.glob("*.bin")):
        expected |= torch.load(file, weights_only=True)
    found: dict[str, torch.Tensor] = {}
    for file in sorted(converted.glob("*.safetensors")):
        found |= load_file(file)
    assert found.keys() == expected.keys()
    assert all(torch.equal(found[name], expected[name]) for name in expected)
    assert {tensor.dtype for tensor in found.values()} == {torch.bfloat16}
    index = json.loads((converted / "model.safetensors.index.json").read_text())
    assert index["weight_map"].keys() == expected.keys()
    assert (converted / "tokenizer.json").read_bytes() == (source / "tokenizer.json").read_bytes()
    assert not list(converted.glob("*.py")) + list(converted.glob("*.bin"))
    manifest = json.loads((converted / "manifest.json").read_text())
    assert manifest["source"]["folder"] == str(source)
    recorded = manifest["source"]["files"]["pytorch_model-00001-of-00002.bin"]
    assert recorded["bytes"] == (source / "pytorch_model-00001-of-00002.bin").stat().st_size
    assert len(recorded["sha256"]) == 64
    assert "model-00002-of-00002.safetensors" in manifest["files"]
    assert converted.stat().st_mode & 0o077 == 0  # the data folder is its owner's alone


def test_a_second_load_reuses_the_copy_and_a_changed_source_renews_it(tmp_path: Path) -> None:
    source = make_tiny_llama(tmp_path / "models" / "tiny", form="bin")
    first = resolved(tmp_path)
    made = (first / "model.safetensors").stat().st_mtime_ns
    assert (resolved(tmp_path) / "model.safetensors").stat().st_mtime_ns == made
    os.utime(source / "pytorch_model.bin")  # another time, the same content
    assert (resolved(tmp_path) / "model.safetensors").stat().st_mtime_ns == made
    manifest = json.loads((first / "manifest.json").read_text())
    noted = manifest["source"]["files"]["pytorch_model.bin"]["modified_ns"]
    assert noted == (source / "pytorch_model.bin").stat().st_mtime_ns
    make_tiny_llama(source, form="bin", seed=9)
    renewed = load_file(resolved(tmp_path) / "model.safetensors")
    expected = torch.load(source / "pytorch_model.bin", weights_only=True)
    assert torch.equal(renewed["model.norm.weight"], expected["model.norm.weight"])
    assert [path.name for path in (tmp_path / "data" / "models").iterdir() if path.is_dir()] == [first.name]


@pytest.mark.parametrize("damage", ["truncated", "without weights", "without config"])
def test_a_damaged_copy_is_told_and_made_anew(tmp_path: Path, damage: str) -> None:
    source = make_tiny_llama(tmp_path / "models" / "tiny", form="bin")
    folder = resolved(tmp_path)
    weights, job = folder / "model.safetensors", RecordedJob()
    whole = weights.read_bytes()
    if damage == "truncated":
        weights.write_bytes(whole[:-100])
    else:
        (weights if damage == "without weights" else folder / "config.json").unlink()
    again = resolved(tmp_path, job=job)
    assert weights.read_bytes() == whole
    assert again == folder
    assert (again / "config.json").read_bytes() == (source / "config.json").read_bytes()
    assert job.codes() == ["conversion_rejected"]
    resolved(tmp_path, job=job)
    assert job.codes() == ["conversion_rejected"]


def test_a_flipped_bit_in_the_copy_is_found_before_it_is_quantized(tmp_path: Path) -> None:
    make_tiny_llama(tmp_path / "models" / "tiny", form="bin")
    residency = Residency(torch.device("cpu"), tmp_path / "data" / "models")

    def load(job: RecordedJob) -> tuple[bool, torch.Tensor]:
        residency.evict()
        base, _ = residency.base(files_of(tmp_path), job)
        return base.from_artifact, base.model(torch.arange(1, 9)[None]).logits

    _, expected = load(RecordedJob())
    weights = resolved(tmp_path) / "model.safetensors"
    whole = weights.read_bytes()
    shutil.rmtree(nf4_folder(weights.parent, "tiny", tmp_path / "data" / "models"))
    weights.write_bytes(whole[:-1] + bytes([whole[-1] ^ 64]))
    job = RecordedJob()
    from_artifact, logits = load(job)
    assert not from_artifact
    assert job.codes() == ["conversion_rejected", "artifact_saved"]
    assert weights.read_bytes() == whole
    assert torch.equal(logits, expected)


@pytest.mark.parametrize("time_changed", [False, True])
def test_who_finds_the_copy_made_has_not_made_it(tmp_path: Path, time_changed: bool) -> None:
    source = make_tiny_llama(tmp_path / "models" / "tiny", form="bin")
    first = files_of(tmp_path).conversion
    if time_changed:  # so that the content decides, as for the second of two at the same time
        os.utime(source / "pytorch_model.bin")
    second = files_of(tmp_path).conversion
    assert first is not None
    assert second is not None
    assert (first.made, second.made) == (True, False)
    assert first.folder == second.folder


def test_a_pickle_with_a_payload_is_refused_and_never_run(tmp_path: Path) -> None:
    source = make_tiny_llama(tmp_path / "models" / "tiny", form="bin")
    marker = tmp_path / "was here"
    torch.save({"model.norm.weight": Payload(marker)}, source / "pytorch_model.bin")
    failure = failure_of(tmp_path)
    assert failure.code == FailureCode.MODEL_REFUSED
    assert "pytorch_model.bin" in failure.message
    assert "system" in failure.message
    assert "safetensors" in failure.remedy
    assert not marker.exists()


def test_a_plain_pickle_with_a_payload_is_refused_too(tmp_path: Path) -> None:
    source = make_tiny_llama(tmp_path / "models" / "tiny", form="bin")
    marker = tmp_path / "was here"
    (source / "pytorch_model.bin").write_bytes(pickle.dumps(Payload(marker)))
    assert failure_of(tmp_path).code in (FailureCode.MODEL_REFUSED, FailureCode.MODEL_UNREADABLE)
    assert not marker.exists()


@pytest.mark.parametrize("name", ["model.safetensors", "model-00002-of-00002.safetensors"])
def test_a_pickle_renamed_to_safetensors_is_unreadable_and_never_run(tmp_path: Path, name: str) -> None:
    source = tmp_path / "models" / "tiny"
    make_tiny_exaone(source, shards=1 if name == "model.safetensors" else 2)
    marker = tmp_path / "was here"
    torch.save({"transformer.ln_f.weight": Payload(marker)}, source / name)
    files = resolve_model("tiny", None, ModelPlaces(tmp_path / "models", tmp_path / "data"), job=NoJob())
    with pytest.raises(JobFailed) as failed:
        load_base_model(
            files,
            quantization="none",
            dtype=torch.float32,
            device=torch.device("cpu"),
            job=NoJob(),
        )
    assert failed.value.failure.code == FailureCode.MODEL_UNREADABLE
    assert name in failed.value.failure.message
    assert not marker.exists()


def test_a_truncated_pickle_is_unreadable(tmp_path: Path) -> None:
    source = make_tiny_llama(tmp_path / "models" / "tiny", form="bin")
    file = source / "pytorch_model.bin"
    file.write_bytes(file.read_bytes()[:-5000])
    failure = failure_of(tmp_path)
    assert failure.code == FailureCode.MODEL_UNREADABLE
    assert "pytorch_model.bin" in failure.message


def test_a_pickle_of_something_else_is_damage(tmp_path: Path) -> None:
    torch.save({"step": 7}, tmp_path / "weights.bin")
    answer = pickle_reader.main([str(tmp_path / "weights.bin"), str(tmp_path / "out")])
    assert answer == {"file": "weights.bin", "odd": "entry", "entry": "step"}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({"step": 7}, "Its entry step is not a tensor."),
        ([torch.zeros(2)], "It holds a list and not a dictionary of tensors."),
        (
            {"w": torch.zeros(2, dtype=torch.complex64)},
            "Its tensor w is of an unsupported kind: torch.strided torch.complex64.",
        ),
        ({"w": torch.zeros(1).expand(1 << 20, 1 << 10)}, "Its tensors would take 4.29 GB"),
    ],
)
def test_a_pickle_of_something_else_is_refused_by_what_it_holds(
    tmp_path: Path, content: object, said: str
) -> None:
    source = make_tiny_llama(tmp_path / "models" / "tiny", form="bin")
    torch.save(content, source / "pytorch_model.bin")
    failure = failure_of(tmp_path)
    assert failure.code == FailureCode.MODEL_UNREADABLE
    assert f"pytorch_model.bin can't be converted to safetensors. {said}" in failure.message


def test_a_small_file_that_unfolds_to_gigabytes_is_stopped(tmp_path: Path) -> None:
    bomb = torch.zeros(1).expand(1 << 20, 1 << 10)  # 4 GiB out of four bytes
    torch.save({"model.norm.weight": bomb}, tmp_path / "weights.bin")
    answer = pickle_reader.main([str(tmp_path / "weights.bin"), str(tmp_path / "out")])
    assert answer == {"file": "weights.bin", "odd": "size", "bytes": 1 << 32}
    assert not (tmp_path / "out").exists()


class CancelOnConversion(NoJob):
    def progress(self, stage: str, **fields: JsonValue) -> None:
        if stage == "converting":
            raise JobCancelled


def test_a_cancel_ends_the_conversion_and_leaves_nothing(tmp_path: Path) -> None:
    make_tiny_llama(tmp_path / "models" / "tiny", form="bin")
    with pytest.raises(JobCancelled):
        resolve_model(
            "tiny",
            None,
            ModelPlaces(tmp_path / "models", tmp_path / "data"),
            job=CancelOnConversion(),
        )
    assert not [path for path in (tmp_path / "data" / "models").iterdir() if path.is_dir()]


def test_two_loads_at_once_convert_once(tmp_path: Path) -> None:
    make_tiny_llama(tmp_path / "models" / "tiny", form="bin")
    folders: list[Path] = []
    threads = [threading.Thread(target=lambda: folders.append(resolved(tmp_path))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert folders[0] == folders[1]
    assert (folders[0] / "model.safetensors").is_file()


def test_shared_sliced_and_legacy_tensors_are_written_as_they_read(tmp_path: Path) -> None:
    whole = torch.arange(12.0).reshape(3, 4)
    weights = {
        "whole": whole,
        "same": whole,
        "turned": whole.t(),
        "part": whole[1:, ::2],
        "none": torch.zeros(0, 4),
        "one": torch.tensor(2.5, dtype=torch.float16),
        "flags": torch.tensor([True, False]),
        "counts": torch.arange(5),
    }
    torch.save(weights, tmp_path / "new.bin")
    torch.save(weights, tmp_path / "old.bin", _use_new_zipfile_serialization=False)
    for name in ("new", "old"):
        read = pickle_reader.read_weights(tmp_path / f"{name}.bin")
        pickle_reader.write_safetensors(read, tmp_path / f"{name}.safetensors")
        found = load_file(tmp_path / f"{name}.safetensors")
        assert found.keys() == weights.keys()
        assert all(torch.equal(found[key], weights[key]) for key in weights)
        assert all(found[key].dtype == weights[key].dtype for key in weights)


def test_transformers_own_conversion_which_sends_the_token_away_is_switched_off() -> None:
    program = "import os, services.worker.models; print(os.environ['DISABLE_SAFETENSORS_CONVERSION'])"
    environment = {name: value for name, value in os.environ.items() if "CONVERSION" not in name}
    command = [sys.executable, "-c", program]
    said = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
    assert said == "1\n"
    folder = Path(transformers.__file__).parent
    asked = ["grep", "-rlF", "--include=*.py", "DISABLE_SAFETENSORS_CONVERSION", str(folder)]
    assert subprocess.run(asked, capture_output=True, text=True).stdout

"""Whole diagnoses of real tiny models on this machine's disk, trial loads included."""

import hashlib
import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from services.worker.diagnosis.diagnose import diagnose
from services.worker.diagnosis.inspect import may_be_written
from services.worker.failures import FailureCode, JobFailed
from services.worker.models.hub.model_places import ModelFiles
from services.worker.models.residency import Residency
from services.worker.running_job import JobCancelled, JsonValue, NoJob
from shared.messages.render import told
from shared.reports.load import LoadReport
from shared.reports.load_facts import TrialLoad
from shared.schemas.requests import LoadDiagnosticRequest
from shared.settings import Settings
from shared.storage import storage_of
from tests.tiny_models import make_tiny_exaone, make_tiny_llama
from tests.worker.diagnosis.diagnosed import evidence_of
from tests.worker.models.test_nf4_artifact import unfit

pytestmark = pytest.mark.usefixtures("short_intake")
Diagnose = Callable[..., LoadReport]
PHASES = ["resolve", "read", "deserialize", "quantize", "move", "rest"]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "data", models_dir=tmp_path / "models")


@pytest.fixture
def folder(settings: Settings) -> Path:
    """An EXAONE in two float32 shards."""
    return make_tiny_exaone(settings.models_dir / "tiny")


@pytest.fixture
def diagnosed(settings: Settings) -> Diagnose:
    def run(residency: Residency | None = None, **fields: Any) -> LoadReport:
        request = LoadDiagnosticRequest(**{"model": "tiny"} | fields)
        return diagnose(request, settings=settings, residency=residency, job=NoJob(), watch_seconds=0.05)

    return run


@pytest.fixture
def residency() -> Residency:
    return Residency(torch.device("cpu"))


def trial_of(report: LoadReport) -> TrialLoad:
    assert report.facts.trial is not None
    return report.facts.trial


def ids(report: LoadReport) -> list[str]:
    return [finding.id for finding in report.findings]


@pytest.mark.usefixtures("folder")
def test_phases_of_a_trial_load_sum_to_its_time(diagnosed: Diagnose) -> None:
    trial = trial_of(diagnosed())
    assert list(trial.phase_seconds) == PHASES
    assert all(seconds >= 0 for seconds in trial.phase_seconds.values())
    # The stopwatch outside sees a little more: looking at the files' names and times.
    assert 0.5 * trial.total_seconds < sum(trial.phase_seconds.values()) <= trial.total_seconds
    assert trial.phase_seconds["quantize"] > 0
    assert trial.phase_seconds["deserialize"] > 0


def test_the_files_really_opened_are_the_shards_with_all_their_bytes(
    diagnosed: Diagnose, folder: Path
) -> None:
    (folder / "pytorch_model.bin").write_bytes(b"PK\x03\x04 never opened")
    report = diagnosed()
    trial, shards = trial_of(report), sorted(folder.glob("*.safetensors"))
    assert [(file.name, file.bytes) for file in trial.opened_files] == [
        (shard.name, shard.stat().st_size) for shard in shards
    ]
    assert trial.weight_bytes == sum(shard.stat().st_size for shard in shards) == report.summary.weight_bytes
    assert "unused-formats" in ids(report)


@pytest.mark.usefixtures("folder")
def test_a_cold_trial_fetches_every_byte_from_storage(
    diagnosed: Diagnose, settings: Settings, residency: Residency
) -> None:
    if storage_of(settings.models_dir).storage_class != "local":
        pytest.skip("the temporary folder is on no local disk; --basetemp names another")
    trial = trial_of(diagnosed(residency, cold=True))
    assert (trial.cold_wanted, trial.cached_bytes_before) == (True, 0)
    assert trial.uncached_bytes == trial.weight_bytes
    assert trial.storage_read_bytes is not None
    assert trial.storage_read_bytes >= trial.weight_bytes


@pytest.mark.usefixtures("folder")
def test_a_warm_trial_finds_its_bytes_in_memory(diagnosed: Diagnose) -> None:
    trial = trial_of(diagnosed())
    assert trial.cached_bytes_before is not None
    assert trial.cached_bytes_before >= trial.weight_bytes
    assert trial.uncached_bytes == 0


@pytest.mark.usefixtures("folder")
def test_a_trial_leaves_the_model_resident_for_the_next_job(
    diagnosed: Diagnose, residency: Residency
) -> None:
    diagnosed(residency)
    assert residency.name == "tiny"


@pytest.mark.usefixtures("folder")
def test_a_second_trial_loads_anew(diagnosed: Diagnose, residency: Residency) -> None:
    diagnosed(residency)
    assert trial_of(diagnosed(residency)).source == "trial"


@pytest.mark.usefixtures("folder")
def test_without_a_trial_nothing_is_loaded(diagnosed: Diagnose, residency: Residency) -> None:
    report = diagnosed(residency, trial_load=False)
    assert residency.name is None
    assert report.facts.trial is None
    assert report.summary.weight_bytes > 0
    assert "not tried" in report.text


@pytest.mark.usefixtures("folder")
def test_without_a_trial_a_resident_model_tells_of_its_own_load(
    diagnosed: Diagnose, residency: Residency
) -> None:
    first = trial_of(diagnosed(residency))
    past = trial_of(diagnosed(residency, trial_load=False))
    assert past.source == "resident"
    assert past.phase_seconds == first.phase_seconds
    assert residency.name == "tiny"


def test_whether_models_can_be_written_is_a_fact(diagnosed: Diagnose, folder: Path, tmp_path: Path) -> None:
    assert diagnosed(trial_load=False).facts.models_dir_writable is True
    assert may_be_written(tmp_path / "not" / "there")
    assert not may_be_written(folder / "config.json" / "below")
    assert not may_be_written(Path("/proc/self"))


def test_facts_of_the_place_are_those_of_the_folder(diagnosed: Diagnose, folder: Path) -> None:
    facts = diagnosed(trial_load=False).facts
    assert facts.storage.filesystem == storage_of(folder).filesystem
    assert facts.checkpoint.folder == str(folder)
    assert facts.checkpoint.source == "folder"
    assert facts.memory.usable_bytes
    assert facts.versions["torch"] == torch.__version__
    assert facts.read_speed is not None
    assert "too few" in told(facts.read_speed.direct.reason or "")


def test_a_healthy_model_raises_no_alarm(diagnosed: Diagnose, settings: Settings) -> None:
    make_tiny_llama(settings.models_dir / "tiny", dtype=torch.bfloat16)
    report = diagnosed()
    # The machine's own state during the tests is no matter of the model.
    machine = {"busy-disk", "fixed-costs", "short-memory"}
    assert {f.id for f in report.findings if f.severity != "info"} <= machine
    assert "wide-dtype" not in ids(report)


def test_a_damaged_model_is_a_finding_and_no_failure(diagnosed: Diagnose, folder: Path) -> None:
    shard = folder / "model-00002-of-00002.safetensors"
    shard.write_bytes(shard.read_bytes()[:-1])
    report = diagnosed()
    assert ids(report)[0] == "incomplete-checkpoint"
    assert shard.name in evidence_of(report.findings[0])[0]
    assert report.facts.trial is None


def test_a_missing_shard_is_a_finding(diagnosed: Diagnose, folder: Path) -> None:
    (folder / "model-00001-of-00002.safetensors").unlink()
    assert ids(diagnosed())[0] == "incomplete-checkpoint"


def test_a_model_that_cannot_run_is_a_failed_trial_with_the_loaders_words(
    diagnosed: Diagnose, folder: Path
) -> None:
    config = folder / "config.json"
    config.write_text(config.read_text().replace('"exaone"', '"no_such_architecture"'))
    report = diagnosed()
    assert ids(report)[0] == "failed-trial"
    assert report.facts.trial_failure is not None
    assert report.facts.trial_failure.code == FailureCode.MODEL_UNSUPPORTED
    assert "no_such_architecture" in evidence_of(report.findings[0])[0]


def test_a_pickled_model_is_converted_for_the_trial_and_named(
    diagnosed: Diagnose, settings: Settings, residency: Residency
) -> None:
    make_tiny_llama(settings.models_dir / "tiny", form="bin")
    report = diagnosed(residency)
    assert "pickle-only" in ids(report)
    assert report.facts.checkpoint.opened[0].format == "pickle"
    assert all(file.name.endswith(".safetensors") for file in trial_of(report).opened_files)
    assert Path(trial_of(report).folder).parent == settings.data_dir / "models"
    assert report.summary.achieved_ratio is None


def test_a_resident_model_that_was_pickled_tells_of_its_own_load(
    diagnosed: Diagnose, settings: Settings, residency: Residency
) -> None:
    make_tiny_llama(settings.models_dir / "tiny", form="bin")
    assert diagnosed(residency, trial_load=False).facts.trial is None
    assert not (settings.data_dir / "models").exists()
    first = trial_of(diagnosed(residency))
    past = trial_of(diagnosed(residency, trial_load=False))
    assert (past.source, past.phase_seconds) == ("resident", first.phase_seconds)


def test_a_model_that_does_not_exist_fails_the_job(diagnosed: Diagnose) -> None:
    with pytest.raises(JobFailed) as raised:
        diagnosed(model="../outside")
    assert raised.value.failure.code == FailureCode.MODEL_NOT_FOUND


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("moment", ["inspecting", "loading"])
def test_a_cancelled_diagnosis_ends_at_once(settings: Settings, residency: Residency, moment: str) -> None:
    class Cancelling(NoJob):
        def progress(self, stage: str, **fields: JsonValue) -> None:
            if stage == moment:
                raise JobCancelled

    request = LoadDiagnosticRequest(model="tiny")
    with pytest.raises(JobCancelled):
        diagnose(request, settings=settings, residency=residency, job=Cancelling())
    assert residency.name is None


def test_three_runs_tell_storage_quantizing_and_fixed_costs_apart(
    diagnosed: Diagnose, folder: Path, settings: Settings
) -> None:
    if storage_of(folder).storage_class != "local":
        pytest.skip("the temporary folder is on no local disk; --basetemp names another")
    residency = Residency(torch.device("cpu"), settings.data_dir / "models")
    files = ModelFiles("tiny", None, folder.resolve(), "folder")
    residency.base(files, NoJob())
    report = diagnosed(residency, cold=True)
    runs = {run.name: run for run in report.summary.runs}
    assert list(runs) == ["cold", "warm", "prepared_cold", "prepared"]
    assert runs["cold"].weight_bytes == runs["warm"].weight_bytes > runs["prepared"].weight_bytes
    assert runs["prepared"].phase_seconds["quantize"] == 0
    summary = report.summary
    assert summary.quantize_seconds is not None
    assert summary.fixed_seconds is not None
    # So small a model's storage may be lost in noise.
    assert (summary.storage_seconds is None) is summary.storage_in_noise
    assert "prepared, cold" in report.text
    assert residency.peek(files) is not None


@pytest.mark.usefixtures("folder")
def test_a_warm_load_is_not_repeated_and_without_a_copy_none_is_loaded(diagnosed: Diagnose) -> None:
    report = diagnosed()
    assert [run.name for run in report.summary.runs] == ["warm"]
    assert report.summary.storage_seconds is None


def prepared(folder: Path, settings: Settings) -> tuple[Residency, ModelFiles, Path]:
    """The model in memory, and the copy that this made of it."""
    residency = Residency(torch.device("cpu"), settings.data_dir / "models")
    files = ModelFiles("tiny", None, folder.resolve(), "folder")
    residency.base(files, NoJob())
    copy = residency.prepared_copy(files)
    assert copy is not None
    return residency, files, copy


def test_a_prepared_copy_that_does_not_verify_is_a_finding(
    diagnosed: Diagnose, folder: Path, settings: Settings
) -> None:
    residency, files, copy = prepared(folder, settings)
    weights = copy / "model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    report = diagnosed(residency)
    assert "damaged-copy" in ids(report)
    assert report.facts.trial is not None
    loaded, _ = residency.base(files, NoJob())
    assert not loaded.from_artifact
    assert "damaged-copy" not in ids(diagnosed(residency))


def test_a_quantized_copy_that_does_not_fit_the_model_s_class_is_a_finding(
    diagnosed: Diagnose, folder: Path, settings: Settings
) -> None:
    residency, _, copy = prepared(folder, settings)
    unfit(copy, "q_proj.weight")
    report = diagnosed(residency)
    assert "damaged-copy" in ids(report)
    assert report.facts.copy_in_use is not None
    assert "q_proj.weight is missing" in told(report.facts.copy_in_use.problem or "")


def flip_last_bit(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)


@pytest.fixture
def converted(settings: Settings, diagnosed: Diagnose) -> Path:
    """The weights of the safetensors copy that a first diagnosis has made of a pickle."""
    make_tiny_llama(settings.models_dir / "tiny", form="bin")
    diagnosed()
    (weights,) = (settings.data_dir / "models").glob("*-safetensors-*/model.safetensors")
    return weights


@pytest.mark.parametrize("trial_load", [True, False])
def test_a_flipped_bit_in_the_converted_copy_is_a_finding_and_the_model_not_kept(
    diagnosed: Diagnose, residency: Residency, converted: Path, trial_load: bool
) -> None:
    assert "damaged-copy" not in ids(diagnosed(residency, trial_load=trial_load))
    flip_last_bit(converted)
    report = diagnosed(residency, trial_load=trial_load)
    assert "damaged-copy" in ids(report)
    assert report.facts.converted is not None
    assert "model.safetensors" in told(report.facts.converted.problem or "")
    assert residency.name is None


@pytest.mark.parametrize("trial_load", [True, False])
def test_a_truncated_converted_copy_is_a_finding_and_a_trial_makes_it_anew(
    diagnosed: Diagnose, converted: Path, trial_load: bool
) -> None:
    whole = converted.read_bytes()
    converted.write_bytes(whole[:-100])
    report = diagnosed(trial_load=trial_load)
    (finding,) = [finding for finding in report.findings if finding.id == "damaged-copy"]
    sizes = f"has {len(whole) - 100:,} bytes, and its manifest names {len(whole):,}."
    assert sizes in evidence_of(finding)[0]
    assert ("made again" in told(finding.title)) is trial_load
    assert (converted.read_bytes() == whole) is trial_load
    assert ("damaged-copy" in ids(diagnosed())) is not trial_load


def test_the_bfloat16_remedy_does_what_it_says(diagnosed: Diagnose, folder: Path, settings: Settings) -> None:
    (folder / "consolidated.safetensors").write_bytes(bytes(100))
    (folder / "model.gguf").write_bytes(b"GGUF")
    remedies = [r for f in diagnosed(trial_load=False).findings if f.id == "wide-dtype" for r in f.remedies]
    command = next(remedy.command for remedy in remedies if remedy.command)
    subprocess.run(["bash", "-c", command], env={"PATH": "/usr/bin:/bin"}, check=True)
    copied = {path.name for path in (settings.models_dir / "tiny-bf16").iterdir()}
    assert copied == {path.name for path in folder.iterdir()} - {"consolidated.safetensors", "model.gguf"}
    before, after = diagnosed(trial_load=False), diagnosed(model="tiny-bf16")
    assert after.facts.checkpoint.dtype_parameters == {"BF16": before.facts.checkpoint.parameters}
    assert after.facts.trial is not None
    assert "wide-dtype" not in ids(after)


@pytest.mark.parametrize("noted_by", ["manifest", "hub"])
def test_the_bfloat16_copy_is_not_called_damaged_for_what_was_noted_of_the_wide_weights(
    diagnosed: Diagnose, folder: Path, noted_by: str
) -> None:
    digests = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}
    if noted_by == "manifest":
        files = {name: {"sha256": digest} for name, digest in digests.items()}
        (folder / "manifest.json").write_text(json.dumps({"files": files}))
    else:
        notes = folder / ".cache/huggingface/download"
        notes.mkdir(parents=True)
        for name, digest in digests.items():
            (notes / f"{name}.metadata").write_text(f"{'a' * 40}\n{digest}\n1.0\n")
    before = diagnosed(trial_load=False)
    assert {file.named_by for file in before.facts.hashes if file.matches} == {noted_by}
    command = next(r.command for f in before.findings if f.id == "wide-dtype" for r in f.remedies)
    subprocess.run(["bash", "-c", command or ""], env={"PATH": "/usr/bin:/bin"}, check=True)
    after = diagnosed(model="tiny-bf16", trial_load=False)
    assert after.facts.checkpoint.dtype_parameters.keys() == {"BF16"}
    assert "wrong-hash" not in ids(after)


@pytest.mark.usefixtures("folder")
def test_what_a_load_refuses_is_found_without_a_trial(
    diagnosed: Diagnose, settings: Settings, residency: Residency
) -> None:
    config = settings.models_dir / "tiny" / "config.json"
    fields = json.loads(config.read_text())
    config.write_text(json.dumps({**fields, "architectures": ["LlamaForSequenceClassification"]}))
    report = diagnosed(residency, trial_load=False)
    assert "failed-trial" in ids(report)
    assert report.facts.trial_failure is not None
    assert "a classifier, whose language head was replaced" in told(report.facts.trial_failure.message)

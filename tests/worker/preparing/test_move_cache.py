"""A cache moved by a preparation: measured from its new place, kept if that is no slower, else taken back."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from huggingface_hub import constants

from services.api.load_page.remedies import ranked_remedies
from services.worker.diagnosis import diagnose
from services.worker.diagnosis.checks import run_checks
from services.worker.diagnosis.report import make_report
from services.worker.failures import FailureCode, JobFailed
from services.worker.models.hub import cache_folder, untried_move
from services.worker.models.hub import cache_move as moving
from services.worker.models.hub.model_places import ModelFiles
from services.worker.models.hub.snapshot_copy import import_snapshot
from services.worker.models.quantized import nf4_artifact
from services.worker.models.residency import Residency
from services.worker.preparing import move_cache
from services.worker.preparing.prepare import prepare
from services.worker.process import work
from services.worker.running_job import JobCancelled, JsonValue, RunningJob
from shared.cache_choice import CacheChoice, read_choice
from shared.job_records import Claim
from shared.messages.message import Message, say
from shared.messages.render import in_english, told
from shared.reports.load import LoadReport
from shared.reports.preparation import Preparation
from shared.schemas.requests import LoadDiagnosticRequest, ModelPreparationRequest
from shared.settings import OWN_CACHE, Settings
from tests.tiny_models import make_tiny_llama
from tests.worker.diagnosis.diagnosed import trial
from tests.worker.diagnosis.test_predictions import SSD, slow
from tests.worker.training.tiny_bases import RecordedJob

pytestmark = pytest.mark.usefixtures("short_intake")
NAME, COMMIT = "org/model", "a" * 40


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """An offline installation whose own cache holds a model, and a storage to move to."""
    own = tmp_path / "own" / "hub"
    repository = own / "models--org--model"
    make_tiny_llama(repository / "snapshots" / COMMIT)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(COMMIT)
    (tmp_path / "ssd").mkdir()
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(own))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(cache_folder, "_applied", None)
    for module in (cache_folder, moving, untried_move, diagnose):
        monkeypatch.setattr(module, "OWN_FOLDER", own)
    return Settings(
        data_dir=tmp_path / "data", models_dir=tmp_path / "models", storages={"ssd": tmp_path / "ssd"}
    )


@pytest.fixture
def residency(settings: Settings) -> Residency:
    return Residency(torch.device("cpu"), settings.data_dir / "models")


class CancelledAfterTheMove(RecordedJob):
    """The user cancels while the model is loaded from its new place; each call brings the order."""

    def __init__(self) -> None:
        super().__init__()
        self.moved = False
        self.messages: list[str] = []

    def progress(self, stage: str, **fields: JsonValue) -> None:
        if self.moved:
            raise JobCancelled

    def event(self, message: str | Message, **details: object) -> None:
        self.messages.append(in_english(message))
        if self.moved:
            raise JobCancelled
        self.moved = "is cached on storage" in in_english(message)


def run(settings: Settings, residency: Residency, **fields: object) -> Preparation:
    request = ModelPreparationRequest.model_validate({"model": NAME, **fields})
    return prepare(request, settings=settings, residency=residency, job=RecordedJob())[0]


def elsewhere_is_slower(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the storages were other disks, and any load from them took longer."""
    monkeypatch.setattr(move_cache, "same_disk", lambda *_: False)
    monkeypatch.setattr(move_cache, "NOISE_SECONDS", -1e9)


@pytest.mark.parametrize(
    ("before", "after", "slower"),
    [
        ({"read": 4.0, "deserialize": 1.0}, {"read": 6.0, "deserialize": 1.0}, True),
        ({"read": 4.0}, {"read": 1.0, "deserialize": 6.0}, True),  # no room to read ahead
        ({"read": 4.0, "quantize": 1.0}, {"read": 4.0, "quantize": 99.0}, False),
        ({"read": 4.0, "rest": 99.0}, {"read": 6.0}, True),
        ({"read": 30.0}, {"read": 32.0}, False),
        ({"read": 0.1}, {"read": 0.4}, False),
    ],
)
def test_a_move_is_judged_by_the_time_of_reading_alone(
    before: dict[str, float], after: dict[str, float], slower: bool
) -> None:
    assert move_cache.reads_slower(trial(0, 1, **before), trial(0, 1, **after)) is slower


def test_a_model_that_follows_others_is_compared_with_where_it_lay(
    settings: Settings, residency: Residency
) -> None:
    own = Path(constants.HF_HUB_CACHE)
    shutil.copytree(own / "models--org--model", own / "models--org--other")
    run(settings, residency, model="org/other", move_cache_to="ssd")
    followed = run(settings, residency, move_cache_to="ssd").applied[0]
    ssd = settings.storages["ssd"] / "hub"
    assert told(followed.action) == f"The model was copied from {own} to {ssd}, where the cache is."
    assert followed.before_seconds
    assert followed.measured_seconds


def test_a_model_that_follows_others_into_a_slower_place_does_not_take_them_back(
    settings: Settings, residency: Residency, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = Path(constants.HF_HUB_CACHE)
    shutil.copytree(own / "models--org--model", own / "models--org--other")
    run(settings, residency, model="org/other", move_cache_to="ssd")
    elsewhere_is_slower(monkeypatch)
    followed = run(settings, residency, move_cache_to="ssd").applied[0]
    assert "so it stays there" in told(followed.note or "")
    assert str(settings.storages["ssd"] / "hub") == constants.HF_HUB_CACHE


def test_a_cancel_during_the_load_takes_the_move_back_and_names_the_model_s_folder_only(
    settings: Settings, residency: Residency
) -> None:
    own, report = constants.HF_HUB_CACHE, CancelledAfterTheMove()
    request = ModelPreparationRequest(model=NAME, move_cache_to="ssd")
    with pytest.raises(JobCancelled):
        prepare(request, settings=settings, residency=residency, job=report)
    copy = settings.storages["ssd"] / "hub" / "models--org--model"
    assert report.messages[-1] == (
        f"The cache is back in {own}. The copy that this job made, {copy}, can be deleted."
    )
    assert own == constants.HF_HUB_CACHE


def test_any_job_takes_back_a_move_that_was_never_tried(settings: Settings, residency: Residency) -> None:
    own, report = Path(constants.HF_HUB_CACHE), RecordedJob()
    files = ModelFiles(NAME, COMMIT, own / "models--org--model" / "snapshots" / COMMIT, "hub_cache")
    moving.move_model_cache(files, "ssd", settings, report, job_id="job-a")
    assert str(own) != constants.HF_HUB_CACHE
    diagnostic = {"model": NAME, "trial_load": False}
    (settings.data_dir / "jobs" / "job-b").mkdir(parents=True)
    work.do(Claim("job-b", 1, "load_diagnostic", diagnostic, 0.0), settings, residency, report)
    assert str(own) == constants.HF_HUB_CACHE
    assert read_choice(settings) == CacheChoice(
        storage=OWN_CACHE, folder=str(own), earlier=(str(settings.storages["ssd"] / "hub"),)
    )


def test_a_preparation_that_fails_late_keeps_what_it_measured_and_did(
    settings: Settings, residency: Residency, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nf4_artifact, "SPARE_BYTES", 2**60)
    claim = Claim("job-a", 1, "model_preparation", {"model": NAME, "move_cache_to": "ssd"}, 0.0)
    (settings.data_dir / "jobs" / "job-a").mkdir(parents=True)
    with pytest.raises(JobFailed) as failed:
        work.do(claim, settings, residency, RecordedJob())
    assert failed.value.failure.code == FailureCode.DISK_FULL
    kept = json.loads((settings.data_dir / "jobs" / "job-a" / "report.json").read_text())
    assert [remedy["remedy"] for remedy in kept["applied"]] == ["move_cache"]
    assert kept["applied"][0]["measured_seconds"]
    assert Path(kept["facts"]["checkpoint"]["folder"]).is_relative_to(settings.storages["ssd"])


def test_the_model_is_loaded_from_its_new_place_and_its_copy_made_there(
    settings: Settings, residency: Residency, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = run(settings, residency, move_cache_to="ssd")
    moved, copied = done.applied
    assert (moved.remedy, copied.remedy) == ("move_cache", "nf4_copy")
    assert "so no gain is expected" in told(moved.note or "")
    assert moved.before_seconds
    assert moved.measured_seconds
    assert str(settings.storages["ssd"] / "hub") == constants.HF_HUB_CACHE
    assert (settings.storages["ssd"] / "hub" / "models--org--model" / "snapshots" / COMMIT).is_dir()
    again = run(settings, residency, move_cache_to="ssd")
    assert again.applied[0].note == say("was-there-already")
    assert again.artifact == done.artifact


def test_the_copy_that_was_there_follows_the_files(
    settings: Settings, residency: Residency, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = run(settings, residency)
    assert before.artifact is not None
    after = run(settings, residency, move_cache_to="ssd")
    assert after.artifact is not None
    assert after.save_seconds is None  # not made again
    copies = [path.name for path in (settings.data_dir / "models").iterdir() if path.is_dir()]
    assert copies == [before.artifact] == [after.artifact]


def test_a_move_that_makes_loads_longer_is_taken_back(
    settings: Settings, residency: Residency, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = constants.HF_HUB_CACHE
    elsewhere_is_slower(monkeypatch)
    moved, _ = run(settings, residency, move_cache_to="ssd").applied
    assert "put back" in told(moved.note or "")
    assert own == constants.HF_HUB_CACHE
    assert residency.name == NAME


@pytest.mark.parametrize(("offered", "is_measured"), [("ssd", True), ("nvme", False)])
def test_the_page_sets_what_a_move_brought_beside_the_offer_of_that_very_move(
    settings: Settings,
    residency: Residency,
    monkeypatch: pytest.MonkeyPatch,
    offered: str,
    is_measured: bool,
) -> None:
    elsewhere_is_slower(monkeypatch)
    moved, _ = run(settings, residency, move_cache_to="ssd").applied
    facts = slow(targets=(SSD.model_copy(update={"name": offered}),))
    report = LoadReport.model_validate_json(make_report(facts, run_checks(facts), [moved]).model_dump_json())
    (move,) = [one for one in ranked_remedies(report).ranked if one.remedy.kind == "move_cache"]
    names = ["predicted", "measured"] if is_measured else ["predicted"]
    assert [bar.name for bar in move.bars] == names
    assert move.measured_seconds == (moved.measured_seconds if is_measured else None)


def test_a_load_that_fails_from_the_new_place_takes_the_move_back(
    settings: Settings, residency: Residency, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = constants.HF_HUB_CACHE

    def damaging(snapshot: Path, name: str, cache: Path, report: RunningJob) -> Path:
        target = import_snapshot(snapshot, name, cache, report)
        (target / "config.json").write_text('{"model_type": "no_such_architecture"}')
        return target

    monkeypatch.setattr(moving, "import_snapshot", damaging)
    with pytest.raises(JobFailed) as failed:
        run(settings, residency, move_cache_to="ssd")
    assert failed.value.failure.code == FailureCode.MODEL_UNSUPPORTED
    assert own == constants.HF_HUB_CACHE
    choice = read_choice(settings)
    assert choice is None or choice.folder == own


def test_the_revision_that_was_asked_for_is_known_after_the_move_too(
    settings: Settings, residency: Residency, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = LoadDiagnosticRequest(model=NAME, revision=COMMIT, trial_load=False)
    before = diagnose.diagnose(request, settings=settings, job=RecordedJob(), watch_seconds=0.05)
    wanted = ModelPreparationRequest(model=NAME, revision=COMMIT, move_cache_to="ssd")
    _, after = prepare(wanted, settings=settings, residency=residency, job=RecordedJob())
    assert before.facts.wanted_revision == after.facts.wanted_revision == COMMIT


def test_a_model_that_is_no_part_of_the_cache_is_refused_before_anything_is_loaded(
    settings: Settings, residency: Residency
) -> None:
    make_tiny_llama(settings.models_dir / "folder")
    with pytest.raises(JobFailed) as failed:
        run(settings, residency, model="folder", move_cache_to="ssd")
    assert failed.value.failure.code == FailureCode.CACHE_NOT_MOVED
    assert residency.name is None

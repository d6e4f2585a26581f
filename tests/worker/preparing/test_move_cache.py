"""A cache moved by a preparation: measured from its new place, kept if that is no slower, else taken back."""

from pathlib import Path

import pytest
import torch
from huggingface_hub import constants

from services.api.load_page.remedies import ranked_remedies
from services.api.load_page.report import LoadReport
from services.worker.diagnosis import diagnose
from services.worker.diagnosis.checks import run_checks
from services.worker.diagnosis.report import make_report
from services.worker.failures import FailureCode, JobFailed
from services.worker.loading import cache_folder
from services.worker.loading import cache_move as moving
from services.worker.loading.snapshot_copy import import_snapshot
from services.worker.preparing import move_cache
from services.worker.preparing.prepare import Preparation, prepare
from services.worker.report import Report
from services.worker.residency import Residency
from shared.cache_choice import read_choice
from shared.schemas import LoadDiagnosticRequest, ModelPreparationRequest
from shared.settings import Settings
from tests.tiny_models import make_tiny_llama
from tests.worker.diagnosis.test_predictions import SSD, slow
from tests.worker.training.tiny_bases import RecordedReport

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
    for module in (cache_folder, moving, diagnose):
        monkeypatch.setattr(module, "OWN_FOLDER", own)
    return Settings(
        data_dir=tmp_path / "data", models_dir=tmp_path / "models", storages={"ssd": tmp_path / "ssd"}
    )


@pytest.fixture
def residency(settings: Settings) -> Residency:
    return Residency(torch.device("cpu"), settings.data_dir / "models")


def run(settings: Settings, residency: Residency, **fields: object) -> Preparation:
    request = ModelPreparationRequest.model_validate({"model": NAME, **fields})
    return prepare(request, settings=settings, residency=residency, report=RecordedReport())[0]


def test_the_model_is_loaded_from_its_new_place_and_its_copy_made_there(
    settings: Settings, residency: Residency, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(move_cache, "SLOWER", 1e9)
    done = run(settings, residency, move_cache_to="ssd")
    moved, copied = done.applied
    assert (moved.remedy, copied.remedy) == ("move_cache", "nf4_copy")
    assert moved.note is None
    assert moved.before_seconds
    assert moved.measured_seconds
    assert str(settings.storages["ssd"] / "hub") == constants.HF_HUB_CACHE
    assert (settings.storages["ssd"] / "hub" / "models--org--model" / "snapshots" / COMMIT).is_dir()
    again = run(settings, residency, move_cache_to="ssd")
    assert again.applied[0].note == "it was there already"
    assert again.artifact == done.artifact


def test_the_copy_that_was_there_follows_the_files(
    settings: Settings, residency: Residency, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(move_cache, "SLOWER", 1e9)
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
    monkeypatch.setattr(move_cache, "SLOWER", 0.0)
    moved, _ = run(settings, residency, move_cache_to="ssd").applied
    assert "put back" in (moved.note or "")
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
    monkeypatch.setattr(move_cache, "SLOWER", 0.0)
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

    def damaging(snapshot: Path, name: str, cache: Path, report: Report) -> Path:
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
    monkeypatch.setattr(move_cache, "SLOWER", 1e9)
    request = LoadDiagnosticRequest(model=NAME, revision=COMMIT, trial_load=False)
    before = diagnose.diagnose(request, settings=settings, report=RecordedReport(), watch_seconds=0.05)
    wanted = ModelPreparationRequest(model=NAME, revision=COMMIT, move_cache_to="ssd")
    _, after = prepare(wanted, settings=settings, residency=residency, report=RecordedReport())
    assert before.facts.wanted_revision == after.facts.wanted_revision == COMMIT


def test_a_model_that_is_no_part_of_the_cache_is_refused_before_anything_is_loaded(
    settings: Settings, residency: Residency
) -> None:
    make_tiny_llama(settings.models_dir / "folder")
    with pytest.raises(JobFailed) as failed:
        run(settings, residency, model="folder", move_cache_to="ssd")
    assert failed.value.failure.code == FailureCode.CACHE_NOT_MOVED
    assert residency.name is None

"""Hostile model folders, by a real diagnosis and a real load: told clearly, in bounded memory, never run."""

from pathlib import Path

import pytest

from tests.tiny_models import make_tiny_llama
from tests.worker.apart import Apart, Order, Outcome
from tests.worker.hostile_files import (
    FOLDER,
    HOSTILE_FILES,
    MOST_BYTES,
    HostileFile,
    ended,
    marker_of,
    outcomes_of,
)

COMMIT = "0" * 40


@pytest.mark.parametrize("hostile", HOSTILE_FILES, ids=lambda hostile: hostile.name)
@pytest.mark.timeout(300)
def test_it_ends_as_a_finding_or_a_failure_and_harms_nobody(
    hostile: HostileFile, tmp_path: Path, process: Apart
) -> None:
    diagnosis, load = outcomes_of(hostile, tmp_path, process)
    assert (ended(diagnosis), ended(load)) == (hostile.diagnosis, hostile.load)
    assert max(diagnosis.grown_bytes, load.grown_bytes) < MOST_BYTES
    for failure in (diagnosis.failure, load.failure):
        assert failure is None or (failure["message"].replace("\n", "").isprintable() and failure["remedy"])
        assert failure is None or len(failure["message"]) < 1500
    for work in ("diagnose", "load"):
        assert not marker_of(tmp_path / work / "models" / FOLDER).exists()


def load(process: Apart, place: Path, **at_stage: str) -> Outcome:
    commands = {stage: f"cd '{place}' && {command}" for stage, command in at_stage.items()}
    return process.run(Order("load", {"model": FOLDER}, str(place), at_stage=commands))


@pytest.mark.parametrize("stage", ["resolving", "reading"])
@pytest.mark.parametrize(
    "change",
    [
        "sed --in-place '$ s/.$/x/' $WEIGHTS",
        "head --bytes 300000 /dev/urandom > new && mv new $WEIGHTS",
        "truncate --size 5000 $WEIGHTS",
        "rm $WEIGHTS && mkfifo $WEIGHTS",
        "ln --symbolic --force /etc/passwd $WEIGHTS",
        "rm $WEIGHTS",
    ],
    ids=["a bit", "another file", "truncated", "a pipe", "a link out", "gone"],
)
@pytest.mark.timeout(300)
def test_a_copy_that_is_changed_between_check_and_use_is_made_anew(
    tmp_path: Path, process: Apart, change: str, stage: str
) -> None:
    make_tiny_llama(tmp_path / "models" / FOLDER)
    first = load(process, tmp_path)
    assert first.value is not None
    weights = next((tmp_path / "data/models").glob("tiny-nf4-*/model.safetensors"))
    again = load(process, tmp_path, **{stage: f"WEIGHTS='{weights}'; {change}"})
    assert again.value is not None, again
    assert again.value["sum_of_logits"] == first.value["sum_of_logits"]


def test_a_config_that_is_changed_after_its_hash_was_taken_is_not_used(
    tmp_path: Path, process: Apart
) -> None:
    make_tiny_llama(tmp_path / "models" / FOLDER)
    first = load(process, tmp_path)
    config = next((tmp_path / "data/models").glob("tiny-nf4-*/config.json"))
    again = load(process, tmp_path, reading=f"echo '{{}}' > '{config}'")
    assert first.value is not None
    assert again.value is not None, again
    assert again.value["from_artifact"]
    assert again.value["sum_of_logits"] == first.value["sum_of_logits"]


def test_pickles_that_are_changed_while_they_are_converted_leave_no_copy(
    tmp_path: Path, process: Apart
) -> None:
    """The manifest would name the hash of other bytes than those that were converted."""
    file = make_tiny_llama(tmp_path / "models" / FOLDER, form="bin") / "pytorch_model.bin"
    other = make_tiny_llama(tmp_path / "other", form="bin", seed=9) / "pytorch_model.bin"
    outcome = load(process, tmp_path, converting=f"cp '{other}' '{file}'")
    assert outcome.failure is not None
    assert "changed or replaced" in outcome.failure["message"]
    assert not list((tmp_path / "data/models").glob("*/model.safetensors"))
    assert load(process, tmp_path).value is not None


@pytest.mark.parametrize("target", ["/etc/passwd", "../../../../outside", "../../blobs/../../../outside"])
def test_a_link_out_of_the_hubs_cache_is_refused(tmp_path: Path, process: Apart, target: str) -> None:
    entry = tmp_path / "hf/hub/models--org--name"
    snapshot = make_tiny_llama(entry / "snapshots" / COMMIT)
    (snapshot / "model.safetensors").rename(tmp_path / "outside")
    (snapshot / "model.safetensors").symlink_to(target)
    (entry / "refs").mkdir()
    (entry / "refs/main").write_text(COMMIT)
    environment = {"HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path / "hf")}
    for work in ("diagnose", "load"):
        outcome = process.run(Order(work, {"model": "org/name"}, str(tmp_path), environment=environment))
        assert outcome.failure is not None, outcome
        assert outcome.failure["code"] == "model_refused"

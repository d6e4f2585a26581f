"""A model's cache moved to another storage and back: verified, remembered, nothing deleted or downloaded."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from services.worker.models.hub.model_places import ModelFiles
from services.worker.models.load import load_base_model
from services.worker.models.quantized.prepared import load_prepared
from services.worker.running_job import NoJob
from shared.settings import PROJECT_ROOT
from shared.units import size
from tests.small_disk import MIB, make_read_only, may_mount, resize, small_disk
from tests.tiny_models import make_tiny_exaone, make_tiny_llama
from tests.worker.models.hub_server import COMMIT, Hub, running_hub

MODEL, OTHER, PICKLED = "someone/tiny", "someone/other", "someone/pickled"


class Installation:
    """An environment with a cache, a data folder and two storages; each `run` is a worker's life."""

    def __init__(self, folder: Path, hub: Hub) -> None:
        self.folder, self.hub = folder, hub
        self.own = folder / "hf" / "hub"
        self.ssd, self.nvme = folder / "ssd" / "hub", folder / "nvme" / "hub"
        self.storages = {"ssd": folder / "ssd", "nvme": folder / "nvme"}
        for path in self.storages.values():
            path.mkdir()

    def run(self, *commands: str, **variables: str) -> list[dict[str, Any]]:
        environment = {
            "PYTHONPATH": str(PROJECT_ROOT),
            "HF_HOME": str(self.folder / "hf"),
            "HF_ENDPOINT": self.hub.endpoint,
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "TUNEDOCK_DATA_DIR": str(self.folder / "data"),
            "TUNEDOCK_MODELS_DIR": str(self.folder / "models"),
            "TUNEDOCK_STORAGES": ",".join(f"{name}={path}" for name, path in self.storages.items()),
            "HF_HUB_OFFLINE": "1",
            **variables,
        }
        done = subprocess.run(
            [sys.executable, "-m", "tests.worker.models.cache_commands", *commands],
            env=environment,
            cwd=PROJECT_ROOT,
            capture_output=True,
            text=True,
            timeout=100,
        )
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    def one(self, command: str, **variables: str) -> dict[str, Any]:
        return self.run(command, **variables)[0]


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    folder = tmp_path_factory.mktemp("hub")
    with running_hub() as hub:
        hub.publish(MODEL, make_tiny_exaone(folder / "tiny"))
        hub.publish(OTHER, make_tiny_llama(folder / "other"))
        hub.publish(PICKLED, make_tiny_llama(folder / "pickled", form="bin"))
        yield hub


@pytest.fixture(scope="module")
def downloaded(hub: Hub, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache that huggingface_hub itself filled; from here on nobody may ask the hub."""
    there = Installation(tmp_path_factory.mktemp("downloaded"), hub)
    there.run(*(f"find {model}" for model in (MODEL, OTHER, PICKLED)), HF_HUB_OFFLINE="0")
    return there.folder / "hf"


@pytest.fixture
def here(downloaded: Path, hub: Hub, tmp_path: Path) -> Installation:
    shutil.copytree(downloaded, tmp_path / "hf", symlinks=True)
    return Installation(tmp_path, hub)


def content(folder: Path) -> dict[str, bytes]:
    """All files but locks, which stay where they were once taken."""
    files = (path for path in folder.rglob("*") if path.is_file() and ".locks" not in path.parts)
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def codes(answer: dict[str, Any]) -> list[str]:
    return [event["code"] for event in answer["events"] if "code" in event]


def blobs(cache: Path, model: str = MODEL) -> list[Path]:
    """Of weights, smallest name first."""
    return sorted(
        {
            path.resolve()
            for path in cache.glob(f"models--{model.replace('/', '--')}/snapshots/*/*.safetensors")
        }
    )


def test_a_moved_model_is_loaded_from_there_in_every_later_process(here: Installation) -> None:
    before = content(here.own)
    moved = here.one(f"move {MODEL} ssd")
    assert (moved["old_folder"], moved["new_folder"]) == (str(here.own), str(here.ssd))
    assert moved["bytes"] >= sum(path.stat().st_size for path in blobs(here.own))
    assert codes(moved) == ["cache_moved", "old_copy"]
    found = here.one(f"resolve {MODEL}")
    folder = Path(found["folder"])
    assert folder.is_relative_to(here.ssd)
    assert (found["source"], found["revision"], found["stages"]) == ("hub_cache", COMMIT, ["downloading"])
    assert content(folder) == content(here.own / folder.relative_to(here.ssd))
    assert all(path.is_symlink() for path in folder.iterdir())
    assert content(here.own) == before
    loaded = load_base_model(
        ModelFiles(MODEL, COMMIT, folder, "hub_cache"),
        quantization="none",
        dtype=torch.float32,
        device=torch.device("cpu"),
        job=NoJob(),
    )
    assert all(path.is_relative_to(here.ssd) for path in loaded.opened_files)


def test_the_old_copy_is_measured_and_left(here: Installation) -> None:
    old = here.own / "models--someone--tiny"
    (told,) = [event for event in here.one(f"move {MODEL} ssd")["events"] if event.get("code") == "old_copy"]
    assert told["folder"] == str(old)
    assert told["bytes"] == sum(
        path.stat().st_size for path in old.rglob("*") if path.resolve() == path and path.is_file()
    )


def test_a_job_s_own_process_uses_the_new_place_at_once(here: Installation) -> None:
    _, found, where = here.run(f"move {MODEL} ssd", f"resolve {MODEL}", "where")
    assert Path(found["folder"]).is_relative_to(here.ssd)
    assert where["folder"] == str(here.ssd)


def test_the_move_outranks_the_variables(here: Installation) -> None:
    assert here.one("where")["decided_by"] == "HF_HOME"
    where = here.run(f"move {MODEL} ssd", "where")[1]
    assert where["decided_by"] == "the move to storage 'ssd'"
    assert where["effects"] == {"HF_HOME": "outranked"}


def test_other_models_are_taken_over_from_the_earlier_cache(here: Installation) -> None:
    here.one(f"move {MODEL} ssd")
    assert Path(here.one(f"find {OTHER}")["folder"]).is_relative_to(here.own)
    found = here.one(f"resolve {OTHER}")
    assert Path(found["folder"]).is_relative_to(here.ssd)
    assert "importing" in found["stages"]
    assert "importing" not in here.one(f"resolve {OTHER}")["stages"]


def test_where_there_is_no_room_for_another_model_it_is_used_where_it_lies(
    here: Installation, need: Callable[[bool, str], None]
) -> None:
    need(may_mount(), "the right to mount a small disk")
    with small_disk(here.storages["ssd"], 70 * MIB):
        here.one(f"move {MODEL} ssd")
        (here.storages["ssd"] / "ballast").write_bytes(bytes(8 * MIB))
        found = here.one(f"resolve {OTHER}")
        assert Path(found["folder"]).is_relative_to(here.own)
        assert codes(found) == ["no_room_to_import"]


def test_a_damaged_file_is_named_and_the_cache_stays_where_it_is(here: Installation) -> None:
    _, last = blobs(here.own)
    whole = last.read_bytes()
    last.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    refused = here.one(f"move {MODEL} ssd")
    assert refused["code"] == "model_unreadable"
    assert last.name in refused["message"]
    assert here.one("where")["folder"] == str(here.own)
    assert not list(here.ssd.glob("*/snapshots/*"))
    last.write_bytes(whole)
    (copied,) = (here.ssd / "models--someone--tiny" / "blobs").glob(blobs(here.own)[0].name)
    written = copied.stat().st_ino
    here.one(f"move {MODEL} ssd")
    assert copied.stat().st_ino == written, "a second try goes on"
    assert len(blobs(here.ssd)) == 2


def test_a_damaged_file_that_lies_there_already_is_replaced(here: Installation) -> None:
    here.one(f"move {MODEL} ssd")
    here.run("back")
    first = blobs(here.ssd)[0]
    first.write_bytes(bytes(first.stat().st_size))
    here.one(f"move {MODEL} ssd")
    assert content(here.ssd / "models--someone--tiny" / "blobs") == content(
        here.own / "models--someone--tiny" / "blobs"
    )


def test_a_full_disk_leaves_the_old_state_and_the_rerun_finishes(
    here: Installation, need: Callable[[bool, str], None]
) -> None:
    need(may_mount(), "the right to mount a small disk")
    with small_disk(here.storages["ssd"], 2 * MIB):
        full = here.one(f"move {MODEL} ssd")
        wanted = sum(path.stat().st_size for path in here.own.glob("models--someone--tiny/snapshots/*/*"))
        assert full["code"] == "disk_full"
        assert size(wanted) in full["message"]
        assert f"{size(2 * MIB)} are free" in full["message"]
        assert str(here.ssd) in full["message"]
        assert here.one("where")["folder"] == str(here.own)
        resize(here.storages["ssd"], 100 * MIB)
        here.one(f"move {MODEL} ssd")
        assert here.one("where")["folder"] == str(here.ssd)


def test_a_roll_back_is_remembered_and_the_copy_stays(here: Installation) -> None:
    here.one(f"move {MODEL} ssd")
    assert here.one("back")["folder"] == str(here.own)
    assert Path(here.one(f"resolve {MODEL}")["folder"]).is_relative_to(here.own)
    assert len(blobs(here.ssd)) == 2
    here.one("back")
    assert here.one("where")["folder"] == str(here.own)


def test_a_roll_back_names_no_more_than_the_model_s_own_folder_for_deletion(here: Installation) -> None:
    shutil.copytree(here.own / "models--someone--other", here.ssd / "models--someone--other", symlinks=True)
    back = here.run(f"move {MODEL} ssd", "back")[1]
    (told,) = back["events"]
    assert told["message"].endswith(f"{here.ssd / 'models--someone--tiny'}, can be deleted.")


@pytest.mark.parametrize("entry", ["was there before", "has another revision", "is the only copy"])
def test_a_copy_that_somebody_would_miss_is_not_named_for_deletion(here: Installation, entry: str) -> None:
    made = here.ssd / "models--someone--tiny"
    if entry == "was there before":
        here.run(f"move {MODEL} ssd", "back")
    here.one(f"move {MODEL} ssd")
    if entry == "has another revision":
        shutil.copytree(made / "snapshots" / COMMIT, made / "snapshots" / ("f" * 40), symlinks=True)
    if entry == "is the only copy":
        shutil.rmtree(here.own / "models--someone--tiny")
    (told,) = here.one("back")["events"]
    assert told["message"] == f"The cache is back in {here.own}."


def test_an_old_copy_with_more_than_was_copied_is_not_named_for_deletion(here: Installation) -> None:
    (snapshot,) = (here.own / "models--someone--tiny" / "snapshots").iterdir()
    (snapshot / "model.gguf").write_bytes(b"of another program")
    told = here.one(f"move {MODEL} ssd")["events"][-1]
    assert "holds files that were not copied" in told["message"]
    assert "Delete that folder" not in told["message"]


def test_a_move_whose_job_ended_untried_is_taken_back_by_the_next_job(here: Installation) -> None:
    here.run(f"move {MODEL} ssd job-a", f"resolve {OTHER}")
    shutil.rmtree(here.own / "models--someone--other")  # as if it had been downloaded meanwhile
    begun = here.one("begin job-b")
    assert begun["folder"] == here.one("where")["folder"] == str(here.own)
    (told,) = begun["events"]
    assert told["code"] == "cache_rolled_back"
    assert "the job job-a moved it" in told["message"]
    assert "deleted" not in told["message"]
    assert here.one("begin job-c")["events"] == []
    assert Path(here.one(f"find {OTHER}")["folder"]).is_relative_to(here.ssd)


def test_a_second_attempt_takes_its_own_move_back_before_it_moves_again(here: Installation) -> None:
    here.one(f"move {MODEL} ssd job-a")
    begun = here.one("begin job-a")
    assert begun["folder"] == str(here.own)
    assert "an earlier attempt of this job" in begun["events"][0]["message"]


def test_a_move_of_an_earlier_release_is_taken_for_somebody_else_s(here: Installation) -> None:
    here.one(f"move {MODEL} ssd job-a")
    (path,) = (here.folder / "data" / "worker").glob("*.cache.json")
    choice = json.loads(path.read_text())
    for field in ("job", "made_entry", "copied_from"):
        del choice["before"][field]
    path.write_text(json.dumps(choice))
    begun = here.one("begin job-a")
    assert begun["folder"] == str(here.own)
    assert "an earlier job moved it" in begun["events"][0]["message"]


def test_a_move_that_was_kept_is_not_rolled_back(here: Installation) -> None:
    here.run(f"move {MODEL} ssd", "keep")
    assert here.one("back")["folder"] == str(here.ssd)


def test_a_second_attempt_at_the_same_move_can_still_go_back(here: Installation) -> None:
    here.one(f"move {MODEL} ssd")
    again = here.one(f"move {MODEL} ssd")
    assert (again["old_folder"], again["new_folder"]) == (str(here.own), str(here.ssd))
    assert here.one("back")["folder"] == str(here.own)


def test_another_model_that_follows_does_not_undo_the_first_one_s_move(here: Installation) -> None:
    here.run(f"move {MODEL} ssd", "keep")
    moved = here.one(f"move {OTHER} ssd")
    assert (moved["old_folder"], moved["new_folder"]) == (str(here.own), str(here.ssd))
    assert not moved["switched"]
    assert Path(here.one("back")["folder"]) == here.ssd


def test_a_roll_back_restores_the_earlier_caches_too(here: Installation) -> None:
    here.run(f"move {MODEL} ssd", "keep", f"move {MODEL} nvme", "keep")
    assert Path(here.one(f"find {OTHER}")["folder"]).is_relative_to(here.own)
    here.run(f"move {MODEL} default", "back")
    assert here.one("where")["folder"] == str(here.nvme)
    assert Path(here.one(f"find {OTHER}")["folder"]).is_relative_to(here.own)


def test_the_name_default_leads_back_to_the_environment_s_own_cache(here: Installation) -> None:
    here.run(f"move {MODEL} ssd", "keep", f"resolve {OTHER}")
    before = content(here.own)
    moved = here.run(f"move {MODEL} default", "keep")[0]
    assert (moved["old_folder"], moved["new_folder"]) == (str(here.ssd), str(here.own))
    assert content(here.own) == before
    where = here.one("where")
    assert (where["folder"], where["decided_by"]) == (str(here.own), "HF_HOME")
    elsewhere = here.run("where", HF_HOME=str(here.folder / "new"))[0]
    assert elsewhere["folder"] == str(here.folder / "new" / "hub"), "the variables decide again"


def test_a_model_that_is_left_on_one_storage_only_is_found_there(here: Installation) -> None:
    here.run(f"move {MODEL} ssd", "keep", f"move {MODEL} nvme", "keep")
    shutil.rmtree(here.own)
    shutil.rmtree(here.nvme / "models--someone--tiny")
    assert Path(here.one(f"find {MODEL}")["folder"]).is_relative_to(here.ssd)


def test_a_storage_that_is_gone_is_told_and_the_environment_s_cache_used(here: Installation) -> None:
    here.one(f"move {MODEL} ssd")
    here.storages["ssd"].rename(here.folder / "unplugged")
    found = here.one(f"resolve {MODEL}")
    assert Path(found["folder"]).is_relative_to(here.own)
    assert codes(found) == ["cache_storage_missing"]
    assert str(here.ssd) in found["events"][0]["message"]
    refused = here.one(f"move {MODEL} ssd")
    assert refused["code"] == "cache_not_moved"
    assert "Mount" in refused["remedy"]
    assert not here.storages["ssd"].exists()
    (here.folder / "unplugged").rename(here.storages["ssd"])
    assert Path(here.one(f"resolve {MODEL}")["folder"]).is_relative_to(here.ssd)


def test_a_storage_that_is_named_no_more_is_told_too(here: Installation) -> None:
    here.one(f"move {MODEL} ssd")
    del here.storages["ssd"]
    found = here.one(f"resolve {MODEL}")
    assert Path(found["folder"]).is_relative_to(here.own)
    assert "ssd, which TUNEDOCK_STORAGES no longer names" in found["events"][0]["message"]
    refused = here.one(f"move {MODEL} ssd")
    assert refused["code"] == "cache_not_moved"
    assert "nvme and default" in refused["message"]


def test_a_damaged_memory_of_the_move_is_told_and_the_environment_s_cache_used(here: Installation) -> None:
    here.one(f"move {MODEL} ssd")
    (choice,) = (here.folder / "data" / "worker").glob("*.cache.json")
    choice.write_bytes(choice.read_bytes()[:-9])
    found = here.one(f"resolve {MODEL}")
    assert Path(found["folder"]).is_relative_to(here.own)
    assert codes(found) == ["cache_storage_missing"]
    here.one(f"move {MODEL} ssd")
    assert here.one("where")["folder"] == str(here.ssd)


def test_a_model_outside_the_cache_is_not_moved(here: Installation) -> None:
    make_tiny_llama(here.folder / "models" / "own")
    refused = here.one("move own ssd")
    assert refused["code"] == "cache_not_moved"
    assert str(here.folder / "models" / "own") in refused["message"]
    assert "TUNEDOCK_MODELS_DIR" in refused["remedy"]
    make_tiny_llama(here.folder / "data" / "models" / "kept")
    prepared = here.one("move kept ssd")
    assert prepared["code"] == "cache_not_moved"
    assert "TUNEDOCK_DATA_DIR" in prepared["remedy"]


def test_a_model_of_pickles_is_not_moved_since_its_loads_read_the_converted_copy(here: Installation) -> None:
    assert here.one(f"move {PICKLED} ssd")["code"] == "cache_not_moved"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_storage_that_may_not_be_written_is_named(here: Installation) -> None:
    here.storages["ssd"].chmod(0o555)
    assert here.one(f"move {MODEL} ssd")["code"] == "cache_not_moved"


def test_a_storage_that_is_read_only_is_named(here: Installation, need: Callable[[bool, str], None]) -> None:
    need(may_mount(), "the right to mount a small disk")
    with small_disk(here.storages["ssd"], MIB):
        make_read_only(here.storages["ssd"])
        refused = here.one(f"move {MODEL} ssd")
    assert refused["code"] == "cache_not_moved"
    assert str(here.ssd) in refused["message"]


def test_the_quantized_copy_outlives_a_move(here: Installation) -> None:
    def load(folder: Path) -> bool:
        return load_prepared(
            ModelFiles(MODEL, COMMIT, folder, "hub_cache"),
            dtype=torch.bfloat16,
            device=torch.device("cpu"),
            artifacts=here.folder / "data" / "models",
            job=NoJob(),
        ).from_artifact

    assert not load(Path(here.one(f"resolve {MODEL}")["folder"]))
    here.one(f"move {MODEL} ssd")
    assert load(Path(here.one(f"resolve {MODEL}")["folder"]))


def test_branches_and_tags_come_along_but_replace_no_newer_revision(here: Installation) -> None:
    references = here.own / "models--someone--tiny" / "refs"
    (references / "v1").write_text(COMMIT)
    (references / "other").write_text("f" * 40)
    here.run(f"move {MODEL} ssd", "keep")
    moved = here.ssd / "models--someone--tiny" / "refs"
    assert content(moved) == {"main": COMMIT.encode(), "v1": COMMIT.encode()}
    newer = here.own / "models--someone--tiny" / "snapshots" / ("f" * 40)
    shutil.copytree(newer.with_name(COMMIT), newer, symlinks=True)
    (references / "main").write_text("f" * 40)
    here.one(f"move {MODEL} default")
    assert (references / "main").read_text() == "f" * 40

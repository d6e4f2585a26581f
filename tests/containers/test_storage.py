"""The diagnosis inside the container names the true disk of a bind mount, a volume and an SSD's folder."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from shared.storage import storage_of
from tests.containers.conftest import COMMIT, HUB_MODEL, make_hub_cache, open_to_all
from tests.containers.installation import PROJECT, Installation
from tests.containers.test_life import REQUEST
from tests.stack import TINY_MODEL

pytestmark = [pytest.mark.containers, pytest.mark.timeout(900)]


def diagnose(up: Installation, model: str) -> dict[str, Any]:
    """What the diagnosis says of the storage the model lies on."""
    with up.client() as client:
        job = client.submit({"kind": "load_diagnostic", "model": model, "trial_load": False})
        assert up.until_ended(job.id).status == "succeeded"
        return dict(client.report(job.id)["facts"]["storage"])


def disks_of(path: Path) -> tuple[list[str], str]:
    """The disks and the filesystem below `path` as this machine sees them."""
    seen = json.loads(storage_of(path).model_dump_json())
    return seen["block_device"]["disks"], seen["filesystem"]


def volume(name: str) -> Path:
    words = ["docker", "volume", "inspect", "-f", "{{.Mountpoint}}", f"{PROJECT}_{name}"]
    return Path(subprocess.run(words, check=True, capture_output=True, text=True).stdout.strip())


def test_a_bind_mount_is_on_its_own_disk(up: Installation) -> None:
    found = diagnose(up, TINY_MODEL)
    assert found["mount_point"] == "/models"
    assert (found["block_device"]["disks"], found["filesystem"]) == disks_of(up.folder / "models")


def test_the_host_s_cache_is_looked_at_before_and_the_volume_after_the_import(up: Installation) -> None:
    before = diagnose(up, HUB_MODEL)
    assert before["mount_point"] == "/host-hf-cache"
    assert (before["block_device"]["disks"], before["filesystem"]) == disks_of(up.folder / "host-hf-cache")
    with up.client() as client:
        job = client.submit(REQUEST | {"model": HUB_MODEL, "hyperparameters": {"max_steps": 2}})
        assert up.until_ended(job.id).status == "succeeded"
    after = diagnose(up, HUB_MODEL)
    assert after["mount_point"] == "/hf-cache"
    assert COMMIT in after["path"]
    with suppress(PermissionError):  # of an engine that keeps its volumes from us
        assert (after["block_device"]["disks"], after["filesystem"]) == disks_of(volume("hf-cache"))


def test_a_folder_on_an_ssd_is_named_by_its_disk(up: Installation, tmp_path: Path) -> None:
    with own_disk(tmp_path) as (folder, device):
        cache = folder / "huggingface"
        make_hub_cache(cache, up.folder / "models" / TINY_MODEL)
        open_to_all(cache)
        moved = replace(up, environment={**up.environment, "TUNEDOCK_HF_CACHE": str(cache)})
        try:
            moved.up()
            found = diagnose(moved, HUB_MODEL)
            assert found["mount_point"] == "/hf-cache"
            assert found["block_device"]["name"] == device
            assert found["filesystem"] == "ext4"
        finally:
            up.up()


@contextmanager
def own_disk(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A filesystem of its own on a loop device: what an SSD beside the system's disk looks like."""
    image, folder = tmp_path / "disk.img", tmp_path / "ssd"
    folder.mkdir()
    with image.open("wb") as file:
        file.truncate(64 * 1024**2)
    try:
        subprocess.run(["mkfs.ext4", "-q", str(image)], check=True, capture_output=True)
        subprocess.run(["mount", "-o", "loop", str(image), str(folder)], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"no loop device can be mounted here: {error}")
    try:
        source = subprocess.run(
            ["findmnt", "-n", "-o", "SOURCE", str(folder)], check=True, capture_output=True, text=True
        ).stdout.strip()
        yield folder, Path(source).name
    finally:
        subprocess.run(["umount", str(folder)], check=True, capture_output=True)

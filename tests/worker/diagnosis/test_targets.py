"""Other places that weights could be read from are measured there, or say why not."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.worker.diagnosis import targets
from services.worker.diagnosis.read_speed import measure_read_speed
from services.worker.diagnosis.targets import measure_targets
from shared.messages.message import say
from shared.messages.render import told


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    path = tmp_path / "model.safetensors"
    path.write_bytes(os.urandom(8 * 1024**2))
    return path


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[Path]:
    """A folder on another filesystem than the test's own."""
    other = Path("/dev/shm")
    if not other.is_dir() or other.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("no second filesystem here")
    with tempfile.TemporaryDirectory(dir=other) as folder:
        yield Path(folder)


def nothing() -> None:
    return None


def test_a_place_on_the_same_disk_has_the_speed_measured_already(weights: Path, tmp_path: Path) -> None:
    speed = measure_read_speed([weights])
    (target,) = measure_targets({"data": tmp_path / "not" / "there"}, weights, speed, nothing)
    assert target.limit_bytes_per_second == speed.limit_bytes_per_second
    assert not (tmp_path / "not").exists()


def test_a_place_on_another_disk_is_probed_and_left_as_it_was(weights: Path, elsewhere: Path) -> None:
    (target,) = measure_targets({"ssd": elsewhere}, weights, measure_read_speed([weights]), nothing)
    assert target.name == "ssd"
    assert target.limit_bytes_per_second or target.reason
    assert list(elsewhere.iterdir()) == []


def test_a_place_that_is_too_full_says_so(
    weights: Path, elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(targets, "_SPARE_BYTES", 3 * 10**14 - targets.PROBE_BYTES)
    (target,) = measure_targets({"ssd": elsewhere}, weights, None, nothing)
    assert target.limit_bytes_per_second is None
    assert target.reason == say("target-full-piece", needed_bytes=3 * 10**14)  # probe and spare


def test_a_probe_that_is_stopped_leaves_nothing(weights: Path, elsewhere: Path) -> None:
    def stop() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        measure_targets({"ssd": elsewhere}, weights, None, stop)
    assert list(elsewhere.iterdir()) == []


def test_a_storage_that_is_not_mounted_is_not_measured_on_another_disk(weights: Path, tmp_path: Path) -> None:
    (target,) = measure_targets({"ssd": tmp_path / "gone"}, weights, measure_read_speed([weights]), nothing)
    assert target.limit_bytes_per_second is None
    assert "no folder" in told(target.reason or "")

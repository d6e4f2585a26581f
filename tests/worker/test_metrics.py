"""The worker's metrics as Prometheus reads them: what a child leaves behind, and what goes with it."""

import os
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest
from prometheus_client import REGISTRY, CollectorRegistry, multiprocess

from services.worker import metrics
from services.worker.models.hub.model_places import ModelSource
from shared.settings import PROJECT_ROOT
from tests.small_disk import MIB, fill_up, may_mount, resize, small_disk

LOADED = "tunedock_model_load_duration_seconds"
LOAD = "metrics.record_load(source='artifact', phase_seconds={'read': 2.0, 'rest': 0.5}, weight_bytes=1000)"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the processes of one worker keep their values."""
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    return tmp_path


def in_a_process(folder: Path, *statements: str) -> None:
    """Run the statements in a worker's process of their own, which ends then."""
    program = "; ".join(("from services.worker import metrics", *statements))
    environment = os.environ | {"PROMETHEUS_MULTIPROC_DIR": str(folder)}
    subprocess.run(
        [sys.executable, "-c", program], env=environment, cwd=PROJECT_ROOT, check=True, timeout=120
    )


def served(folder: Path, name: str, **labels: str) -> float | None:
    """What the main process would answer now."""
    registry = CollectorRegistry()
    multiprocess.MultiProcessCollector(registry, str(folder))
    return registry.get_sample_value(name, labels)


def test_loads_outlive_the_child_that_did_them_and_the_next_one_adds_to_them(folder: Path) -> None:
    for loads in (1, 2):
        in_a_process(folder, LOAD, "metrics.record_prediction('load_seconds', 2.0, 2.5)")
        metrics.forget_dead_processes()
        assert served(folder, f"{LOADED}_count", source="artifact") == loads
        assert served(folder, f"{LOADED}_sum", source="artifact") == 2.5 * loads
    assert served(folder, "tunedock_model_load_bytes", source="artifact") is None
    assert served(folder, "tunedock_prediction_error_ratio", quantity="load_seconds") is None


@pytest.mark.skipif(not may_mount(), reason="mounting a small disk takes root")
def test_a_full_disk_costs_a_process_its_metrics_and_not_its_life(tmp_path: Path) -> None:
    """prometheus_client alone dies of SIGBUS here."""
    with small_disk(tmp_path / "disk", MIB):
        fill_up(tmp_path / "disk")
        in_a_process(tmp_path / "disk", "from services.worker.machine import telemetry", LOAD)
        assert not list((tmp_path / "disk").glob("*.db"))
        resize(tmp_path / "disk", MIB)
        in_a_process(
            tmp_path / "disk",
            LOAD,
            "from tests.small_disk import fill_up",
            "from pathlib import Path",
            f"fill_up(Path({str(tmp_path / 'disk')!r}))",
            *[LOAD] * 20,
        )
        assert served(tmp_path / "disk", f"{LOADED}_count", source="artifact") == 21


def test_loads_of_every_source_count_from_0_on(folder: Path) -> None:
    in_a_process(folder, "metrics.serve('127.0.0.1', 0)")
    assert {source: served(folder, f"{LOADED}_count", source=source) for source in metrics.LOAD_SOURCES} == (
        dict.fromkeys(metrics.LOAD_SOURCES, 0.0)
    )


def test_phases_and_tokens_of_training_count_from_0_on(folder: Path) -> None:
    in_a_process(folder, "metrics.serve('127.0.0.1', 0)")
    for phase in metrics.PHASES:
        assert served(folder, "tunedock_train_phase_seconds_total", phase=phase) == 0.0
    for kind in ("real", "computed"):
        assert served(folder, "tunedock_train_tokens_total", type=kind) == 0.0


def test_every_source_of_a_model_is_known() -> None:
    assert {*get_args(ModelSource), "artifact", "resident"} == set(metrics.LOAD_SOURCES)


def test_a_base_found_in_memory_leaves_the_last_load_s_phases_as_they_are() -> None:
    metrics.record_load(source="folder", phase_seconds={"read": 3.0}, weight_bytes=5)
    before = REGISTRY.get_sample_value(f"{LOADED}_sum", {"source": "resident"}) or 0.0
    metrics.record_no_load(0.25)
    assert REGISTRY.get_sample_value(f"{LOADED}_sum", {"source": "resident"}) == before + 0.25
    assert REGISTRY.get_sample_value("tunedock_model_load_seconds", {"phase": "read"}) == 3.0
    assert REGISTRY.get_sample_value("tunedock_model_load_bytes", {"source": "resident"}) is None


@pytest.mark.parametrize(
    ("predicted", "measured", "ratio"), [(2.0, 2.5, 0.25), (10.0, 8.0, -0.2), (4.0, 4.0, 0.0)]
)
def test_a_prediction_s_error_is_measured_over_predicted_less_1(
    predicted: float, measured: float, ratio: float
) -> None:
    metrics.record_prediction("load_seconds", predicted, measured)
    found = REGISTRY.get_sample_value("tunedock_prediction_error_ratio", {"quantity": "load_seconds"})
    assert found == pytest.approx(ratio)


def test_a_prediction_of_nothing_is_not_kept() -> None:
    labels = {"quantity": "nothing_seconds"}
    metrics.record_prediction("nothing_seconds", 0.0, 3.0)
    assert REGISTRY.get_sample_value("tunedock_prediction_error_ratio", labels) is None

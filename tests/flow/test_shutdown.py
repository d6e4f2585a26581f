"""A host that shuts down: store and worker are told at once, as processes of their own, unsupervised."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from services.worker.process.paths import handover
from shared.settings import Settings
from shared.worker_store import WorkerStore
from tests.api.conftest import make_api
from tests.stack import stack_environment, wait_until
from tests.tiny_models import make_tiny_llama
from tests.valkey import Valkey

DRAIN_SECONDS = 15  # ten after the checkpoint, and the step and the checkpoint before it


def installation(folder: Path, valkey: Valkey) -> Settings:
    """Folders with the tiny model, and `valkey` as the store."""
    make_tiny_llama(folder / "models" / "tiny")
    (folder / "datasets").mkdir()
    return Settings(
        store_url=valkey.url,
        data_dir=folder / "data",
        models_dir=folder / "models",
        datasets_dir=folder / "datasets",
        min_free_bytes=1024**2,
    )


@contextmanager
def worker(environment: dict[str, str], log: Path) -> Iterator["subprocess.Popen[bytes]"]:
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "services.worker"],
            env=os.environ | environment,
            stdout=output,
            stderr=output,
        )
    try:
        yield process
    finally:
        process.terminate()
        process.wait(60)


@pytest.mark.timeout(300)
def test_a_worker_told_to_stop_together_with_its_store_ends_soon_and_the_next_start_goes_on(
    tmp_path: Path, valkey: Valkey
) -> None:
    settings = installation(tmp_path, valkey)
    environment = stack_environment(tmp_path) | {
        "TUNEDOCK_STORE_URL": valkey.url,
        "TUNEDOCK_CHECKPOINT_SECONDS": "1",
    }
    store = WorkerStore.connect(valkey.url)
    many_steps = {"max_steps": 5000, "global_batch_size": 2, "lora": {"r": 4}}
    job_id = make_api(settings, store).submitted(hyperparameters=many_steps)["id"]
    checkpoints = settings.data_dir / "jobs" / job_id / "checkpoints"
    with worker(environment, tmp_path / "first.log") as first:
        wait_until(lambda: any(checkpoints.glob("step-*")))
        assert valkey.process is not None
        # An event that is due when the store goes would be sent again for ever, and the worker never end.
        assert "cmdstat_publish" not in store._redis.info("commandstats")
        valkey.process.terminate()
        valkey.process.wait()  # gone before the worker could hand its job back
        first.terminate()
        told = time.monotonic()
        assert first.wait(60) == 0
        assert time.monotonic() - told < DRAIN_SECONDS
    lines = (tmp_path / "first.log").read_text().splitlines()
    assert any("SpawnPoolWorker-1 services.worker" in line for line in lines)
    assert not [line for line in lines if "child process" in line or "exiting with" in line]  # billiard's
    valkey.start()
    assert store.get(job_id).status == "running"
    left = handover(settings.data_dir, settings.worker_host).left()
    assert left is not None
    assert left.job_id == job_id
    with worker(environment, tmp_path / "second.log"):
        wait_until(lambda: store.get(job_id).attempt == 2)
        wait_until(lambda: (store.get(job_id).progress.step or 0) > 1)
    assert store._redis.hget(f"tunedock:job:{job_id}", "deaths") is None
    assert store.get(job_id).status == "queued"  # the second was drained with the store there

"""A worker whose clock is wrong: as on a host whose clock jumped after it slept, or on another host."""

import json
import os
import signal
import time
from pathlib import Path

import pytest

from shared.settings import PROJECT_ROOT
from shared.worker_store import WorkerStore
from tests.api.conftest import make_api
from tests.flow.test_shutdown import installation, worker
from tests.ledger import claim_next, submit
from tests.stack import stack_environment, wait_until
from tests.thorough import thorough
from tests.valkey import Valkey

CLOCK = Path(__file__).parent / "wrong_clock"
DAYS_SECONDS, HOUR_SECONDS = 3 * 86_400, 3600


@pytest.mark.timeout(240)
@pytest.mark.parametrize("by_seconds", [DAYS_SECONDS, pytest.param(-HOUR_SECONDS, marks=thorough)])
def test_a_worker_whose_clock_is_wrong_loses_no_lease_no_job_and_no_file(
    tmp_path: Path, valkey: Valkey, by_seconds: int
) -> None:
    settings = installation(tmp_path, valkey)
    store = WorkerStore.connect(valkey.url)
    ended_just_now = submit(store).id
    store.finish(claim_next(store), "succeeded", message="Done", result={})
    began = time.time()
    steps = {"max_steps": 200, "global_batch_size": 2, "lora": {"r": 4}}
    job_id = make_api(settings, store).submitted(hyperparameters=steps)["id"]
    left = settings.data_dir / "files" / ".incoming-left"
    left.mkdir(parents=True)
    os.utime(left, (0, 0))
    environment = stack_environment(tmp_path) | {
        "PYTHONPATH": f"{CLOCK}{os.pathsep}{PROJECT_ROOT}",
        "WRONG_BY": str(by_seconds),
        "TUNEDOCK_STORE_URL": valkey.url,
        "TUNEDOCK_CHECKPOINT_SECONDS": "0.5",
        "TUNEDOCK_KEEP_DAYS": "1",
    }
    with worker(environment, tmp_path / "worker.log"):
        checkpoints = settings.data_dir / "jobs" / job_id / "checkpoints"
        wait_until(lambda: any(checkpoints.glob("step-*")))
        state = json.loads((settings.data_dir / "worker" / "worker.state.json").read_text())
        os.kill(state["pid"], signal.SIGKILL)
        wait_until(lambda: store.get(job_id).status == "succeeded")
        wait_until(lambda: not left.exists())  # the sweep has been everywhere
    record = store.get(job_id)
    assert (record.attempt, record.error) == (2, None)
    assert record.started_at is not None
    assert record.finished_at is not None
    assert began - 1 <= record.created_at <= record.started_at <= record.finished_at <= time.time() + 1
    assert store.get(ended_just_now).status == "succeeded"
    assert [status for ended_id, status in store.ended() if ended_id == job_id] == ["succeeded"]

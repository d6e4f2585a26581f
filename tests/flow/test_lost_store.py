"""A running service loses its store in the middle of a training, and a repair brings the job back."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from services.cli.store import prepare_store
from shared.job_folder import JobFolder
from shared.worker_store import WorkerStore
from tests.cli.test_store import running
from tests.flow.test_faults import REQUEST, adapter_sha256, write_rows
from tests.stack import LiveStack, live_stack, wait_until

STEPS = 200
JOB = REQUEST | {"hyperparameters": REQUEST["hyperparameters"] | {"max_steps": STEPS}}


@pytest.fixture
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveStack]:
    folder = tmp_path_factory.mktemp("lost-store")
    write_rows(folder)
    with live_stack(folder, TUNEDOCK_CHECKPOINT_SECONDS="0.5") as stack:
        yield stack


def test_a_training_goes_on_after_the_store_was_lost_and_repaired(stack: LiveStack) -> None:
    undisturbed = adapter_sha256(stack, stack.until_ended(stack.client.submit(JOB).id))
    job_id = stack.client.submit(JOB).id
    folder = JobFolder.of(stack.data_dir, job_id)
    wait_until(lambda: bool(folder.checkpoints_by_step()))
    saved = stack.command("backup", str(stack.folder / "backup.tar"))
    assert saved.returncode == 0, saved.stderr
    before = stack.state()
    (stack.data_dir / "store").rename(stack.folder / "lost")
    os.kill(before.processes["store"], signal.SIGKILL)
    wait_until(lambda: stack.state().restarts["store"] > before.restarts["store"])
    wait_until(lambda: "unknown to the store" in stack.log("stack"))

    repaired = stack.command("doctor", "--repair", "--yes", "--json")
    told = json.loads(repaired.stdout)
    assert repaired.returncode == 0, repaired.stdout + repaired.stderr
    assert {one["code"] for one in told["troubles"]} == {"record_lost"}
    record = stack.until_ended(job_id)
    assert record.status == "succeeded", record.error
    assert record.attempt >= 1
    assert adapter_sha256(stack, record) == undisturbed
    again = stack.command("doctor", "--repair", "--json")
    assert json.loads(again.stdout)["troubles"] == []
    assert_restored(stack, job_id)


def assert_restored(stack: LiveStack, job_id: str) -> None:
    """The backup was made while the job trained: in another folder it waits, and nothing is wrong with it."""
    other = stack.folder / "restored"
    environment = os.environ | stack.environment | {"TUNEDOCK_DATA_DIR": str(other)}

    def command(*words: str) -> str:
        program = [sys.executable, "-m", "services.cli", *words]
        done = subprocess.run(program, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    command("restore", str(stack.folder / "backup.tar"))
    assert json.loads(command("doctor", "--repair", "--json"))["troubles"] == []
    store = prepare_store(other)
    with running(store):
        record = WorkerStore.connect(store.access.url).get(job_id)
    assert (record.status, record.attempt) == ("queued", 1)
    assert JobFolder.of(other, job_id).checkpoints_by_step()

"""Jobs on the whole real service while its processes are killed: each ends once, with all of its steps."""

import hashlib
import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from services.cli.store import StoreAccess
from shared.schemas.records import JobRecord
from shared.worker_store import WorkerStore
from tests.stack import TINY_MODEL, LiveStack, live_stack, wait_until

STEPS = 120
REQUEST: dict[str, Any] = {
    "kind": "fine_tuning",
    "model": TINY_MODEL,
    "dataset": "messages.jsonl",
    "hyperparameters": {"max_steps": STEPS, "global_batch_size": 4, "lora": {"r": 4}},
}


def write_rows(folder: Path) -> None:
    """The data set that `REQUEST` names, in the stack's `folder`."""
    (folder / "datasets").mkdir()
    rows = [
        {"text": f"{'win a prize' if number % 2 else 'see you at'} {number}", "label": "ab"[number % 2]}
        for number in range(60)
    ]
    (folder / "datasets" / "messages.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveStack]:
    folder = tmp_path_factory.mktemp("faults")
    write_rows(folder)
    with live_stack(folder, TUNEDOCK_CHECKPOINT_SECONDS="0.5") as stack:
        yield stack


@pytest.fixture(scope="module")
def undisturbed(stack: LiveStack) -> str:
    """The adapter's hash of a run that nothing interrupted."""
    record = stack.until_ended(stack.client.submit(REQUEST).id)
    assert record.status == "succeeded"
    return adapter_sha256(stack, record)


def adapter_sha256(stack: LiveStack, record: JobRecord) -> str:
    folder = stack.data_dir / "jobs" / record.id / "adapter"
    return hashlib.sha256((folder / "adapter_model.safetensors").read_bytes()).hexdigest()


def store_of(stack: LiveStack) -> WorkerStore:
    access = json.loads((stack.data_dir / "store" / "access.json").read_text())
    return WorkerStore.connect(StoreAccess(**access).url)


def submit_and_wait_for_a_checkpoint(stack: LiveStack) -> JobRecord:
    record = stack.client.submit(REQUEST)
    folder = stack.data_dir / "jobs" / record.id / "checkpoints"
    wait_until(lambda: folder.is_dir() and any(folder.glob("step-*")))
    assert stack.client.job(record.id).status == "running"
    return record


def assert_whole(stack: LiveStack, record: JobRecord, undisturbed: str) -> None:
    """Succeeded, ended once, every step reported, and the adapter of the whole run to the bit."""
    assert record.status == "succeeded", record.error
    assert record.result is not None
    assert record.result["steps"] == STEPS
    assert [status for job_id, status in store_of(stack).ended() if job_id == record.id] == ["succeeded"]
    events = stack.client.events_since(record.id, None)
    steps = {event.data["step"] for event in events if event.type == "metrics" and "train_loss" in event.data}
    assert steps == set(range(1, STEPS + 1))
    assert adapter_sha256(stack, record) == undisturbed


def test_a_killed_child_loses_no_job_and_no_step(stack: LiveStack, undisturbed: str) -> None:
    record = submit_and_wait_for_a_checkpoint(stack)
    os.kill(stack.worker_child(), signal.SIGKILL)
    ended = stack.until_ended(record.id)
    assert ended.attempt == 2
    assert ended.result is not None
    assert ended.result["resumed_from_step"] > 0
    assert_whole(stack, ended, undisturbed)


def test_a_killed_worker_loses_no_job_and_leaves_no_orphan(stack: LiveStack, undisturbed: str) -> None:
    record = submit_and_wait_for_a_checkpoint(stack)
    child = stack.worker_child()
    stack.kill("worker")
    wait_until(lambda: not Path(f"/proc/{child}").exists(), 10)
    ended = stack.until_ended(record.id)
    assert ended.attempt == 2
    assert_whole(stack, ended, undisturbed)


def test_a_killed_store_does_not_even_interrupt_the_job(stack: LiveStack, undisturbed: str) -> None:
    record = submit_and_wait_for_a_checkpoint(stack)
    stack.kill("store")
    ended = stack.until_ended(record.id)
    assert ended.attempt == 1
    assert_whole(stack, ended, undisturbed)


def test_a_killed_api_is_back_and_the_job_never_noticed(stack: LiveStack, undisturbed: str) -> None:
    record = submit_and_wait_for_a_checkpoint(stack)
    stack.kill("api")
    wait_until(lambda: _answers(stack, record.id))
    ended = stack.until_ended(record.id)
    assert ended.attempt == 1
    assert_whole(stack, ended, undisturbed)


def test_a_store_that_forgot_the_worker_hears_of_it_again(stack: LiveStack) -> None:
    """After an outage of a minute the worker's entry has expired; nobody restarts the worker for that."""
    store = store_of(stack)
    before = store.workers()[0]
    store.forget_worker(before.host)
    wait_until(lambda: any("device" in worker.fields for worker in store.workers()), 20)
    assert httpx.get(f"{stack.url}/readyz").json()["workers"][0]["device"] == before.fields["device"]


@pytest.mark.timeout(300)
def test_ten_jobs_submitted_amid_faults_all_end_once(stack: LiveStack) -> None:
    quick = REQUEST | {"hyperparameters": REQUEST["hyperparameters"] | {"max_steps": 20}}
    accepted: list[str] = []
    for number in range(10):
        accepted.append(_submit_until_accepted(stack, quick | {"suffix": f"number-{number}"}))
        if number in (1, 6):
            stack.kill("store")
        if number in (3, 8):
            _kill_child_if_any(stack)
        if number == 5:
            stack.kill("worker")
        time.sleep(0.2)
    assert len(set(accepted)) == 10
    for job_id in accepted:
        assert stack.until_ended(job_id, 200).status == "succeeded"
    ended = [job_id for job_id, _ in store_of(stack).ended()]
    assert sorted(job_id for job_id in ended if job_id in accepted) == sorted(accepted)


def _submit_until_accepted(stack: LiveStack, request: dict[str, Any]) -> str:
    """As a patient user would: the same request with the same key until it is accepted."""
    import httpx

    headers = {"Authorization": f"Bearer {stack.key}", "Idempotency-Key": request["suffix"]}
    for _ in range(100):
        try:
            answer = httpx.post(f"{stack.url}/v1/jobs", json=request, headers=headers, timeout=10)
        except httpx.TransportError:
            time.sleep(0.2)
            continue
        if answer.status_code == 202:
            return str(answer.json()["id"])
        assert answer.status_code == 503, answer.text
        time.sleep(0.2)
    pytest.fail("never accepted")


def _kill_child_if_any(stack: LiveStack) -> None:
    try:
        os.kill(stack.worker_child(), signal.SIGKILL)
    except (FileNotFoundError, ProcessLookupError, ValueError):
        return


def _answers(stack: LiveStack, job_id: str) -> bool:
    try:
        return stack.client.job(job_id).id == job_id
    except Exception:
        return False

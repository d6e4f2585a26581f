"""Deleting, pruning and sweeping on the whole service: what goes is gone everywhere, the rest still works."""

import json
import re
from collections.abc import Iterator

import httpx
import pytest

from services.cli.failure import RequestRefused
from shared.schemas.records import JobRecord
from tests.stack import TINY_MODEL, LiveStack, live_stack, wait_until


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveStack]:
    folder = tmp_path_factory.mktemp("retention")
    (folder / "datasets").mkdir()
    rows = [{"text": f"see you at {number}", "label": "ab"[number % 2]} for number in range(40)]
    (folder / "datasets" / "messages.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    with live_stack(folder, TUNEDOCK_CHECKPOINT_SECONDS="0.01", TUNEDOCK_KEEP_JOBS="3") as stack:
        yield stack


def trained(stack: LiveStack, *, max_steps: int = 8) -> JobRecord:
    request = {
        "kind": "fine_tuning",
        "model": TINY_MODEL,
        "dataset": "messages.jsonl",
        "hyperparameters": {"max_steps": max_steps, "global_batch_size": 4},
    }
    return stack.client.submit(request)


def looked_at(stack: LiveStack) -> str:
    request = {"kind": "load_diagnostic", "model": TINY_MODEL, "trial_load": False}
    record = stack.until_ended(stack.client.submit(request).id)
    assert record.status == "succeeded", record.error
    return record.id


def ids(stack: LiveStack) -> set[str]:
    return {record.id for record in stack.client.jobs(kind=None, status=None, limit=100)}


def sweep_now(stack: LiveStack) -> None:
    """A worker sweeps when it starts."""
    stack.kill("worker")


def test_a_finished_run_keeps_adapters_only_and_its_model_can_go_before_it(stack: LiveStack) -> None:
    record = stack.until_ended(trained(stack).id)
    assert record.status == "succeeded", record.error
    folder = stack.data_dir / "jobs" / record.id
    wait_until(lambda: not list(folder.glob("checkpoints/*/optimizer.safetensors")))
    steps = list(folder.glob("checkpoints/step-*"))
    assert len(steps) == 2
    model = str((record.result or {})["fine_tuned_model"])
    running = trained(stack, max_steps=100_000)
    user = stack.client.submit({"kind": "evaluation", "adapter": model, "dataset": "messages.jsonl"})
    with pytest.raises(RequestRefused, match=user.id) as refused:
        stack.client.delete("models", model)
    assert (refused.value.status, refused.value.code) == (409, "in_use")
    stack.client.cancel(running.id)
    assert stack.until_ended(user.id).status == "succeeded"
    stack.client.delete("models", model)
    assert stack.client.job(record.id).model_deleted_at is not None
    assert not (folder / "adapter").exists()
    assert not list(folder.glob("checkpoints/*"))
    for job_id in (record.id, user.id, stack.until_ended(running.id).id):
        stack.client.delete("jobs", job_id)
    assert ids(stack) == set()
    assert list((stack.data_dir / "jobs").iterdir()) == []


def test_the_sweep_finishes_deletions_and_keeps_the_newest_and_what_was_trained(stack: LiveStack) -> None:
    kept = stack.until_ended(trained(stack).id).id
    cut_short, oldest, *young = [looked_at(stack) for _ in range(5)]
    (stack.data_dir / "jobs" / cut_short / "delete-job").touch()  # as a crash in the API would leave it
    sweep_now(stack)
    wait_until(lambda: ids(stack) == {kept, *young})
    wait_until(lambda: {path.name for path in (stack.data_dir / "jobs").iterdir()} == {kept, *young})
    assert oldest not in ids(stack)
    assert (stack.data_dir / "jobs" / kept / "adapter").is_dir()
    page = httpx.get(
        f"http://127.0.0.1:{stack.environment['TUNEDOCK_WORKER_METRICS_PORT']}/metrics", trust_env=False
    ).text
    found = re.search(r'^tunedock_data_bytes\{.*kind="adapters".*\} ([\d.e+]+)$', page, re.MULTILINE)
    assert found
    assert float(found[1]) > 10_000
    told = stack.command("doctor").stdout
    assert re.search(r"^ok +data-use +\S+ takes [\d.]+ .B", told, re.MULTILINE), told
    assert re.search(r"^ok +store-memory +The store uses", told, re.MULTILINE)

"""The service in containers through its life: a job, a diagnosis, restarts, kills in mid-job, down and up."""

import re
from pathlib import Path
from typing import Any

import pytest

from shared.schemas.records import JobRecord
from tests.containers.installation import Installation
from tests.stack import TINY_MODEL, wait_until

pytestmark = [pytest.mark.containers, pytest.mark.timeout(1800)]

STEPS = 150
REQUEST: dict[str, Any] = {
    "kind": "fine_tuning",
    "model": TINY_MODEL,
    "dataset": "messages.jsonl",
    "hyperparameters": {"max_steps": STEPS, "global_batch_size": 4, "lora": {"r": 4}},
}


def submit_and_wait_for_a_checkpoint(up: Installation) -> str:
    with up.client() as client:
        job_id = client.submit(REQUEST).id
    checkpoints = f"/data/jobs/{job_id}/checkpoints"
    wait_until(lambda: "step-" in up.compose("exec", "-T", "api", "ls", checkpoints, check=False), 120)
    return job_id


def assert_whole(up: Installation, record: JobRecord) -> None:
    """Succeeded, every step told once, and the adapter there."""
    assert record.status == "succeeded", record.error
    assert record.result is not None
    assert record.result["steps"] == STEPS
    with up.client() as client:
        events = client.events_since(record.id, None)
    steps = [event.data["step"] for event in events if event.type == "metrics" and "train_loss" in event.data]
    assert set(steps) == set(range(1, STEPS + 1))
    assert "adapter_model.safetensors" in up.exec("api", "ls", f"/data/jobs/{record.id}/adapter")


def test_a_job_and_a_diagnosis_run_to_their_end(up: Installation) -> None:
    with up.client() as client:
        job = client.submit(REQUEST)
        diagnosis = client.submit({"kind": "load_diagnostic", "model": TINY_MODEL})
        assert_whole(up, up.until_ended(job.id))
        assert up.until_ended(diagnosis.id).status == "succeeded"
        assert client.report(diagnosis.id)["facts"]


@pytest.mark.parametrize(("service", "attempts"), [("worker", 2), ("store", 1)])
def test_a_killed_container_loses_no_job_and_no_step(up: Installation, service: str, attempts: int) -> None:
    job_id = submit_and_wait_for_a_checkpoint(up)
    up.kill(service)
    record = up.until_ended(job_id)
    assert record.attempt == attempts
    assert_whole(up, record)


def test_a_restart_of_everything_hands_the_job_on_and_finishes_it(up: Installation) -> None:
    job_id = submit_and_wait_for_a_checkpoint(up)
    up.compose("restart")
    up.until_ready()
    assert_whole(up, up.until_ended(job_id))


def test_after_down_and_up_everything_is_still_there(up: Installation) -> None:
    with up.client() as client:
        job = client.submit(REQUEST)
        assert_whole(up, up.until_ended(job.id))
        before = {record.id: record.status for record in client.jobs(kind=None, status=None, limit=100)}
    key = up.exec("api", "tunedock", "key")
    up.compose("down")
    up.up()
    assert up.exec("api", "tunedock", "key") == key
    with up.client() as client:
        after = {record.id: record.status for record in client.jobs(kind=None, status=None, limit=100)}
    assert after == before
    assert_whole(up, up.until_ended(job.id))


def test_the_command_inside_trains_on_the_server_s_data(up: Installation) -> None:
    words = ["train", "--dataset", "messages.jsonl", "--model", TINY_MODEL, "--max-steps", "2"]
    told = up.exec("api", "tunedock", *words)
    (job_id,) = set(re.findall(r"\bftjob-[a-z0-9]{24}\b", told))
    assert up.until_ended(job_id).status == "succeeded"
    assert f"docker compose cp api:/data/jobs/{job_id}/adapter" in told  # where it can be fetched from


def test_nothing_in_the_logs_is_a_surprise(up: Installation) -> None:
    """After all that the tests before did to it."""
    log = up.compose("logs", "api", "worker")
    for word in ("could not ring", "Traceback", "ModuleNotFoundError"):
        assert word not in log, log[max(0, log.index(word) - 1500) :][:3000]


def test_no_log_and_no_inspection_shows_a_secret(up: Installation) -> None:
    secrets = [
        up.exec("api", "tunedock", "key"),
        up.exec("api", "tunedock", "key", "--grafana"),
        up.exec("api", "cat", "/run/tunedock/store/password"),
    ]
    assert all(len(secret) > 30 for secret in secrets)
    told = up.compose("logs") + "".join(str(up.container(service)) for service in ("api", "worker", "store"))
    assert not [secret for secret in secrets if secret in told]


def test_the_user_s_folders_are_mounted_read_only(up: Installation) -> None:
    for folder in (Path("/datasets"), Path("/models")):
        assert "Read-only" in up.compose("exec", "-T", "worker", "touch", str(folder / "x"), check=False)

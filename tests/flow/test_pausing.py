"""Pause and resume on the whole real service: the adapter is that of the undisturbed run, to the bit."""

import random
from collections.abc import Iterator

import pytest

from services.cli.failure import RequestRefused
from shared.schemas.records import JobRecord
from tests.flow.test_faults import REQUEST, adapter_sha256, write_rows
from tests.stack import TINY_MODEL, LiveStack, live_stack, wait_until

STEPS = 400  # a job that a loaded machine still catches before its end
JOB = REQUEST | {"hyperparameters": REQUEST["hyperparameters"] | {"max_steps": STEPS}}


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveStack]:
    folder = tmp_path_factory.mktemp("pausing")
    write_rows(folder)
    with live_stack(folder) as stack:
        yield stack


@pytest.fixture(scope="module")
def undisturbed(stack: LiveStack) -> str:
    return adapter_sha256(stack, stack.until_ended(stack.client.submit(JOB).id))


def assert_whole(stack: LiveStack, record: JobRecord, undisturbed: str) -> None:
    assert record.status == "succeeded", record.error
    assert record.result is not None
    assert record.result["steps"] == STEPS
    assert adapter_sha256(stack, record) == undisturbed


def test_a_job_paused_anywhere_ends_with_the_adapter_of_the_whole_run(
    stack: LiveStack, undisturbed: str
) -> None:
    job_id = stack.client.submit(JOB).id
    chance = random.Random(7)
    for _ in range(3):
        step = (stack.client.job(job_id).progress.step or 0) + chance.randint(1, 25)
        wait_until(lambda: (stack.client.job(job_id).progress.step or 0) >= step)  # noqa: B023
        assert stack.client.pause(job_id).status in ("pausing", "paused")
        wait_until(lambda: stack.client.job(job_id).status == "paused")
        assert stack.client.resume(job_id).status == "queued"
    ended = stack.until_ended(job_id)
    assert_whole(stack, ended, undisturbed)
    assert (ended.attempt, ended.pauses) == (4, 3)
    with pytest.raises(RequestRefused, match="is succeeded already"):
        stack.client.pause(job_id)


def test_a_paused_queue_lets_nothing_start_until_it_is_resumed(stack: LiveStack, undisturbed: str) -> None:
    running = stack.client.submit(JOB).id
    wait_until(lambda: (stack.client.job(running).progress.step or 0) >= 3)
    paused = stack.command("pause", "--all")
    assert paused.returncode == 0, paused.stderr
    assert "No job starts until" in paused.stdout + paused.stderr
    wait_until(lambda: stack.client.job(running).status == "paused")
    waiting = stack.client.submit(JOB).id
    listed = stack.command("jobs")
    assert "The queue is paused" in listed.stdout + listed.stderr
    assert "is queued already" in stack.command("resume", waiting).stdout
    detached = stack.command("diagnose", TINY_MODEL, "--detach")
    assert "No job starts until" in detached.stderr
    stack.client.cancel(detached.stdout.strip())
    assert stack.client.job(waiting).status == "queued"
    assert stack.command("resume", "--all").returncode == 0
    for job_id in (running, waiting):
        assert_whole(stack, stack.until_ended(job_id), undisturbed)

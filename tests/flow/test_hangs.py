"""Processes that hang while no job runs: found, replaced, and not called ready meanwhile."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.flow.test_faults import REQUEST, write_rows
from tests.stack import LiveStack, live_stack, wait_until

HANG_SECONDS = 4


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveStack]:
    folder = tmp_path_factory.mktemp("hangs")
    write_rows(folder)
    with live_stack(folder, TUNEDOCK_HANG_SECONDS=str(HANG_SECONDS)) as stack:
        yield stack


def short_job(stack: LiveStack) -> str:
    request = REQUEST | {"hyperparameters": REQUEST["hyperparameters"] | {"max_steps": 3}}
    return stack.client.submit(request).id


def test_an_idle_child_that_was_stopped_is_replaced_and_the_next_job_runs(stack: LiveStack) -> None:
    hung = stack.worker_child()
    os.kill(hung, signal.SIGSTOP)
    job_id = short_job(stack)
    assert stack.until_ended(job_id).status == "succeeded"
    assert stack.worker_child() != hung


def test_a_child_stopped_right_after_its_start_is_replaced(stack: LiveStack) -> None:
    first = stack.worker_child()
    os.kill(first, signal.SIGKILL)
    main = stack.pid("worker")

    def started() -> list[int]:
        children = Path(f"/proc/{main}/task/{main}/children").read_text().split()
        return [pid for pid in map(int, children) if pid != first and is_pool(pid)]

    wait_until(lambda: bool(started()))
    hung = started()[0]
    os.kill(hung, signal.SIGSTOP)
    assert stack.until_ended(short_job(stack)).status == "succeeded"
    assert stack.worker_child() != hung


def test_a_worker_both_of_whose_processes_were_stopped_is_replaced_and_its_job_ends_once(
    stack: LiveStack,
) -> None:
    before, child = stack.state(), stack.worker_child()
    job_id = stack.client.submit(REQUEST).id
    wait_until(lambda: stack.client.job(job_id).status == "running")
    for pid in (before.processes["worker"], child):
        os.kill(pid, signal.SIGSTOP)
    wait_until(lambda: stack.state().restarts["worker"] > before.restarts["worker"])
    assert stack.until_ended(job_id).status == "succeeded"
    assert not Path(f"/proc/{child}").exists()


def is_pool(pid: int) -> bool:
    try:
        return "--billiard-fork" in Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return False


def test_a_main_process_that_was_stopped_is_replaced_and_a_job_ends_once(stack: LiveStack) -> None:
    before = stack.state()
    os.kill(before.processes["worker"], signal.SIGSTOP)
    wait_until(lambda: httpx.get(f"{stack.url}/readyz").status_code == 503)
    job_id = short_job(stack)
    started = time.monotonic()
    wait_until(lambda: stack.state().restarts["worker"] > before.restarts["worker"])
    assert time.monotonic() - started < 10 * HANG_SECONDS
    assert stack.until_ended(job_id).status == "succeeded"
    wait_until(lambda: httpx.get(f"{stack.url}/readyz").status_code == 200)


@pytest.mark.parametrize("part", ["store", "api"])
def test_a_store_or_api_that_was_stopped_is_replaced_and_nothing_is_lost(stack: LiveStack, part: str) -> None:
    before = stack.state()
    job_id = short_job(stack)
    os.killpg(before.processes[part], signal.SIGSTOP)
    wait_until(lambda: stack.state().restarts[part] > before.restarts[part])
    assert stack.until_ended(job_id).status == "succeeded"

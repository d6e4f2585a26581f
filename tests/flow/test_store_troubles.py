"""A job on the whole real service while its store refuses writes or is silent: it ends once, and well."""

import json
import os
import signal
import time
from collections.abc import Iterator
from typing import Any

import pytest
import redis

from services.cli.store import StoreAccess
from shared.job_folder import JobFolder
from shared.journal import journal_events
from shared.schemas.records import JobRecord
from tests.flow.test_faults import REQUEST, store_of, write_rows
from tests.stack import LiveStack, live_stack, wait_until
from tests.store_troubles import TROUBLES, memory_full

SECONDS = 0.7  # of each trouble: the worker's processes speak to the store every half second


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveStack]:
    folder = tmp_path_factory.mktemp("troubles")
    write_rows(folder)
    with live_stack(folder) as stack:
        yield stack


@pytest.fixture
def access(stack: LiveStack) -> StoreAccess:
    return StoreAccess(**json.loads((stack.data_dir / "store" / "access.json").read_text()))


@pytest.fixture
def admin(access: StoreAccess) -> Any:
    return redis.Redis.from_url(access.url, decode_responses=True, single_connection_client=True)


def submit(stack: LiveStack, steps: int) -> JobRecord:
    return stack.client.submit(
        REQUEST | {"hyperparameters": REQUEST["hyperparameters"] | {"max_steps": steps}}
    )


def last_step(stack: LiveStack, job_id: str) -> int:
    """As the journal on disk has it: whatever the store does meanwhile."""
    journal = JobFolder.of(stack.data_dir, job_id).attempt(1).journal
    return max((int(event.data.get("step", 0)) for event in journal_events(journal)), default=0)


def wait_for_step(stack: LiveStack, job_id: str, step: int) -> None:
    wait_until(lambda: last_step(stack, job_id) >= step)


def assert_whole(stack: LiveStack, job_id: str, steps: int) -> None:
    """Succeeded in one attempt, ended once, with each of its steps told once."""
    record = stack.until_ended(job_id)
    assert (record.status, record.attempt) == ("succeeded", 1), record.error
    assert [status for ended, status in store_of(stack).ended() if ended == job_id] == ["succeeded"]
    events = stack.client.events_since(job_id, None)
    told = [event.data["step"] for event in events if event.type == "metrics" and "train_loss" in event.data]
    assert told == list(range(1, steps + 1))


def test_each_trouble_amid_one_job_costs_it_no_attempt_and_no_event_and_ends_no_process(
    stack: LiveStack, access: StoreAccess, admin: Any
) -> None:
    steps = 800
    before = stack.state()
    job_id = submit(stack, steps).id
    wait_for_step(stack, job_id, 1)
    for trouble, _ in TROUBLES:
        with trouble(access, admin):
            time.sleep(SECONDS)
        assert last_step(stack, job_id) < steps
    assert_whole(stack, job_id, steps)
    assert stack.state().processes == before.processes


def test_troubles_while_nothing_runs_end_no_process_and_the_next_job_starts(
    stack: LiveStack, access: StoreAccess, admin: Any
) -> None:
    before, child = stack.state(), stack.worker_child()
    for trouble, _ in TROUBLES:
        with trouble(access, admin):
            time.sleep(SECONDS)
    assert_whole(stack, submit(stack, 3).id, 3)
    assert (stack.state().processes, stack.worker_child()) == (before.processes, child)


def test_memory_that_is_full_for_a_moment_after_step_190_of_200_does_not_cost_the_adapter(
    stack: LiveStack, access: StoreAccess, admin: Any
) -> None:
    job_id = submit(stack, 200).id
    wait_for_step(stack, job_id, 190)
    with memory_full(access, admin):
        time.sleep(0.7)
    assert_whole(stack, job_id, 200)


@pytest.mark.parametrize("how", ["frozen", "killed"])
def test_a_store_that_is_away_while_the_job_publishes_and_ends_delays_it_and_no_more(
    stack: LiveStack, how: str
) -> None:
    job_id = submit(stack, 40).id
    wait_for_step(stack, job_id, 38)
    if how == "killed":
        stack.kill("store")
    else:
        store = stack.pid("store")
        os.kill(store, signal.SIGSTOP)
        time.sleep(3)
        os.kill(store, signal.SIGCONT)
    assert_whole(stack, job_id, 40)

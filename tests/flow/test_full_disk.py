"""The whole real service while a disk is full: all goes on by itself once there is room.

On one disk for all, and as in compose: the data on one disk, the store on another.
"""

import os
import re
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from tests.flow.test_faults import REQUEST, write_rows
from tests.flow.test_store_troubles import assert_whole, submit, wait_for_step
from tests.small_disk import MIB, fill_up, may_mount, resize, small_disk
from tests.stack import LiveStack, live_stack, wait_until

DATA_BYTES, STORE_BYTES = 192 * MIB, 64 * MIB
FULL_SECONDS = 4.0  # the store was away for this long, and with it what wrote to the disk
STEPS = 200


@pytest.fixture(params=["one disk", "two disks"], scope="module")
def stack(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    need: Callable[[bool, str], None],
) -> Iterator[LiveStack]:
    need(may_mount(), "the right to mount a small disk")
    folder = tmp_path_factory.mktemp("full")
    write_rows(folder)
    with ExitStack() as disks:
        disks.enter_context(small_disk(folder / "data", DATA_BYTES))
        if request.param == "two disks":
            disks.enter_context(small_disk(folder / "data" / "store", STORE_BYTES))
        with live_stack(
            folder, TUNEDOCK_CHECKPOINT_SECONDS="0.5", TUNEDOCK_MIN_FREE_BYTES=str(32 * MIB)
        ) as stack:
            yield stack


def is_whole(stack: LiveStack) -> bool:
    try:
        return httpx.get(f"{stack.url}/readyz", timeout=5).status_code == 200
    except httpx.HTTPError:
        return False


def test_a_job_amid_which_the_data_disk_is_full_ends_well_with_all_its_events(stack: LiveStack) -> None:
    """Where the store is on that disk, it ends and is started again."""
    before, child = stack.state(), stack.worker_child()
    job_id = submit(stack, STEPS).id
    wait_for_step(stack, job_id, 1)
    fill_up(stack.data_dir)
    try:
        answers = {submitted(stack) for _ in range(8)}
    finally:
        resize(stack.data_dir, DATA_BYTES)
    assert answers <= {503, 507}
    assert_whole(stack, job_id, STEPS)
    wait_until(lambda: is_whole(stack), 40)
    after = stack.state()
    assert after.pid == before.pid
    kept = {name: pid for name, pid in before.processes.items() if name != "store"}
    assert {name: after.processes[name] for name in kept} == kept
    assert stack.worker_child() == child


def submitted(stack: LiveStack) -> int:
    """What the API answers half a second later."""
    time.sleep(FULL_SECONDS / 8)
    headers = {"Authorization": f"Bearer {stack.key}"}
    return httpx.post(f"{stack.url}/v1/jobs", json=REQUEST, headers=headers, timeout=5).status_code


def store_disk(stack: LiveStack) -> Path:
    store = stack.data_dir / "store"
    return store if store.is_mount() else stack.data_dir


def test_a_job_amid_which_the_stores_disk_is_full_ends_well_with_all_its_events(stack: LiveStack) -> None:
    if store_disk(stack) == stack.data_dir:
        pytest.skip("the same disk")
    before, child = stack.state(), stack.worker_child()
    job_id = submit(stack, STEPS).id
    wait_for_step(stack, job_id, 1)
    fill_up(store_disk(stack))
    try:
        wait_until(lambda: not is_whole(stack), 20)
        time.sleep(FULL_SECONDS)
    finally:
        resize(store_disk(stack), STORE_BYTES)
    assert_whole(stack, job_id, STEPS)
    wait_until(lambda: is_whole(stack), 40)
    after = stack.state()
    assert (after.pid, after.processes["api"]) == (before.pid, before.processes["api"])
    assert (after.processes["worker"], stack.worker_child()) == (before.processes["worker"], child)


def test_the_supervisor_says_what_is_full_and_how_much_is_needed(stack: LiveStack) -> None:
    """In a log on the very same disk, so it is said once more when there is room."""
    log = stack.data_dir / "logs" / "stack.log"
    said = f"The data folder {stack.data_dir} could not be written (No space left on device)"
    before = log.read_text().count(said)
    fill_up(stack.data_dir)
    os.kill(stack.state().processes["api"], signal.SIGKILL)
    for _ in range(20):
        time.sleep(0.1)
        fill_up(stack.data_dir)  # what ended has left some room
    resize(stack.data_dir, DATA_BYTES)
    wait_until(lambda: is_whole(stack), 40)
    wait_until(lambda: log.read_text().count(said) > before, 40)
    assert re.search(r"can be written again. Tunedock keeps \d[\d.]* MB free", log.read_text())

"""The Celery application of the worker: its signals and its one task.

Both processes import this module: the main one, which never imports torch and keeps answering while a job
runs, and its one child, which owns the device. Celery only rings; what runs and in which order is the job
store's to say.
"""

import logging
import os
import threading
import time
from functools import cache
from typing import TYPE_CHECKING, Any, NoReturn

from celery.signals import celeryd_after_setup, worker_init, worker_process_init, worker_shutting_down

from services.worker.machine.card_memory import CardMemory
from services.worker.machine.disk_full import has_no_room
from services.worker.machine.telemetry import start_telemetry
from services.worker.models.hub.cache_folder import apply_cache_folder
from services.worker.process import child_pause
from services.worker.process.janitor import Janitor
from services.worker.process.log_lines import FORMAT, log_to_stderr, quiet_births_of_children
from services.worker.process.many_imports import many_imports
from services.worker.process.ownership import DeviceOwnership
from services.worker.process.paths import device_lock, drain_order, handover, life_signs, state_file
from services.worker.process.pulse import ChildWatch, Pulse, Watch
from services.worker.process.state import tell_state
from services.worker.process.sweeper import Sweeper
from services.worker.running_job import WorkerDraining
from shared.keeper_store import KeeperStore
from shared.messages.message import Message, stored
from shared.messages.render import render
from shared.queue import TASK, Doorbell, celery_app
from shared.settings import Settings
from shared.steady_thread import SteadyThread
from shared.worker_store import WorkerStore

if TYPE_CHECKING:
    from services.worker.process.runner import Runner

log_to_stderr()
logger = logging.getLogger(__name__)
STATE_SECONDS = 5.0
DEVICE_RETRY_SECONDS = 30.0
_one_at_a_time = threading.Lock()  # the take-over thread and the first task both ask for the runner


@cache
def settings() -> Settings:
    return Settings()


@cache
def store_url() -> str:
    url = settings().store_address
    if url is None:
        raise SystemExit("The worker needs TUNEDOCK_STORE_URL; `./tunedock up` starts store, API and worker.")
    return url


def runner() -> "Runner":
    """The child's one runner, once the device is ours; whoever asks first waits for it."""
    with _one_at_a_time:
        return _take_over()


@cache
def _take_over() -> "Runner":
    child_pause.pause(_draining)
    store = WorkerStore.connect(store_url())
    ownership = DeviceOwnership(
        device_lock(settings().data_dir, settings().worker_host),
        store,
        host=settings().worker_host,
        crash_limit=settings().crash_limit,
        handover=handover(settings().data_dir, settings().worker_host),
        draining=_draining,
        disk_is_full=lambda: has_no_room(settings().data_dir),
    )
    for job_id in ownership.take():
        logger.warning("the process that ran job %s is gone", job_id)
    apply_cache_folder(settings())
    # Imported here and now: they bring torch, which the main process must not load, and which takes seconds,
    # while what a dead predecessor held is in the queue already.
    with many_imports():
        from services.worker.machine.device import DeviceMissing, find_device
        from services.worker.process.runner import Runner

    try:
        device = find_device(settings().device)
    except DeviceMissing as missing:
        _die_of(missing.said, store)
    return Runner(settings(), store, ownership, device)


def _die_of(problem: Message, store: WorkerStore) -> NoReturn:
    """Say what is missing and end this process: its successor looks again, as CUDA looks once a process.

    Jobs wait meanwhile.
    """
    logger.error("%s", render(problem))
    deadline = time.monotonic() + DEVICE_RETRY_SECONDS
    while time.monotonic() < deadline and not _draining():
        tell_state(settings(), store, problem=stored(problem))
        time.sleep(1)
    os._exit(1)


def _draining() -> bool:
    return drain_order(settings().data_dir, settings().worker_host).exists()


app = celery_app(store_url())
app.conf.worker_log_format = FORMAT  # of what billiard logs, here and in children


@app.task(name=TASK)
def run_jobs(job_id: str) -> None:
    """Run whatever waits. The id that rang is only a hint: order comes from the store."""
    logger.debug("rung for %s", job_id)
    try:
        runner().run_waiting()
    except WorkerDraining:
        logger.info("the worker shuts down before it owns its device")


@worker_init.connect
def _start_watching(**_: Any) -> None:
    drain_order(settings().data_dir, settings().worker_host).unlink(missing_ok=True)
    for sign in life_signs(settings().data_dir, settings().worker_host):
        sign.unlink(missing_ok=True)
    state_file(settings().data_dir, settings().worker_host).unlink(missing_ok=True)
    children = ChildWatch(settings().data_dir, settings().worker_host, settings().hang_seconds)
    Pulse(settings().data_dir, settings().worker_host, children.look).start()
    store, doorbell = WorkerStore.connect(store_url()), Doorbell(store_url())
    Janitor(settings(), store, doorbell, children, CardMemory().fields).start()
    Sweeper(settings(), KeeperStore.connect(store_url())).start()
    start_telemetry(settings())


@celeryd_after_setup.connect
def _prepare_births(**_: Any) -> None:
    quiet_births_of_children()


@worker_process_init.connect
def _own_device(**_: Any) -> None:
    """In the child. In threads, since Celery wants this handler to return at once."""
    main = Watch(settings().data_dir, settings().worker_host, os.getppid(), settings().hang_seconds)

    def look_at_main() -> None:
        if os.getppid() == main.pid:  # else it has gone, and its number may be another process's
            main.look()

    Pulse(settings().data_dir, settings().worker_host, look_at_main).start()
    has_rung = False

    def tell() -> float:
        """Again and again, since a store that was away has forgotten the worker."""
        nonlocal has_rung
        try:
            ours = runner()
        except WorkerDraining:
            return STATE_SECONDS
        except Exception:
            logger.exception("this process could not take its device over; another one tries")
            time.sleep(STATE_SECONDS)
            os._exit(1)
        ours.tell_state()
        if not has_rung:
            Doorbell(store_url()).ring("a new process owns the device")
            has_rung = True
        return STATE_SECONDS

    SteadyThread("take-over", tell).start()


@worker_shutting_down.connect
def _drain(**_: Any) -> None:
    drain_order(settings().data_dir, settings().worker_host).touch()

"""The doorbell: a Celery message with a job's id. The record is the truth; a lost ring is rung again."""

import logging
import os
import threading
from queue import SimpleQueue
from typing import Any
from urllib.parse import urlsplit

from celery import Celery

from shared.job_reader import PREFIX
from shared.store_errors import store_errors
from shared.store_link import store_client

logger = logging.getLogger(__name__)

QUEUE = "gpu"
BROKER_PREFIX = f"{PREFIX}broker:"
TASK = "tunedock.run_jobs"
MOST_SOON = 100
ENOUGH_RINGS = 100
VISIBILITY_SECONDS = 12 * 3600  # longer than the longest job; recovery never waits for it

CELERY_SETTINGS: dict[str, Any] = {
    "accept_content": ["json"],  # pickle would let whoever writes to the store run code
    "task_serializer": "json",
    "result_backend": None,
    "task_ignore_result": True,
    "task_store_errors_even_if_ignored": False,
    "task_default_queue": QUEUE,
    "task_create_missing_queues": False,
    "task_queues": {QUEUE: {}},
    # The record, not the broker, owns redelivery: acknowledge at once and never requeue a message.
    "task_acks_late": False,
    "task_reject_on_worker_lost": False,
    "task_acks_on_failure": True,
    "task_acks_on_timeout": True,
    "task_time_limit": None,
    "task_soft_time_limit": None,
    "task_publish_retry": True,
    "task_publish_retry_policy": {
        "max_retries": 1,
        "interval_start": 0,
        "interval_step": 0.2,
        "interval_max": 0.2,
    },
    "broker_connection_timeout": 1.0,
    "broker_pool_acquire_timeout": 1.0,
    "worker_pool": "prefork",
    "worker_concurrency": 1,  # one device
    "worker_pool_start_method": "spawn",  # CUDA forbids fork
    "worker_proc_alive_timeout": 120.0,  # 4 s would kill a child that still imports torch
    "worker_prefetch_multiplier": 1,
    "worker_disable_prefetch": True,  # no message parked behind a long job
    "worker_max_tasks_per_child": None,  # the base model stays resident
    "worker_max_memory_per_child": None,
    "worker_cancel_long_running_tasks_on_connection_loss": False,
    "worker_soft_shutdown_timeout": 0.0,
    "worker_enable_remote_control": True,
    "worker_send_task_events": False,
    "worker_deduplicate_successful_tasks": False,
    "worker_hijack_root_logger": False,
    "worker_redirect_stdouts": False,
    "broker_connection_retry": True,
    "broker_connection_retry_on_startup": True,
    "broker_connection_max_retries": None,  # the default gives up after 100 tries
    "broker_channel_error_retry": True,  # the default exits when the store refuses writes
    "broker_transport_options": {
        "visibility_timeout": VISIBILITY_SECONDS,
        "socket_connect_timeout": 1,
        "socket_timeout": 5,
        "socket_keepalive": True,
        "health_check_interval": 10,
        "retry_on_timeout": False,
        "max_connections": 20,
        "global_keyprefix": BROKER_PREFIX,
    },
    "visibility_timeout": VISIBILITY_SECONDS,
}


def celery_app(store_url: str, *, socket_timeout_seconds: float = 5.0) -> Celery:
    """The Celery application of API and worker; the API's short timeout bounds what a frozen store costs."""
    app = Celery("tunedock", broker=store_url, set_as_current=False)
    app.conf.update(CELERY_SETTINGS)
    # kombu makes TLS of the scheme `rediss` in its own transport only.
    if urlsplit(store_url).scheme == "redis":
        app.conf.broker_transport = "shared.broker:BoundedTransport"
    app.conf.broker_transport_options = {
        **CELERY_SETTINGS["broker_transport_options"],
        "socket_timeout": socket_timeout_seconds,
    }
    return app


class Doorbell:
    """Rings the worker, best effort: the janitor rings again while jobs wait and a worker is idle."""

    def __init__(self, store_url: str) -> None:
        self._app = celery_app(store_url, socket_timeout_seconds=1.0)
        self._redis = store_client(store_url, timeout_seconds=2)
        self._soon: SimpleQueue[str] = SimpleQueue()
        self._ringer: tuple[int, threading.Thread] | None = None  # of which process

    def waiting_rings(self) -> int:
        """Messages nobody has taken yet; those taken and lost don't count. Raises `StoreUnavailable`."""
        with store_errors():
            waiting: Any = self._redis.llen(f"{BROKER_PREFIX}{QUEUE}")
        return int(waiting)

    def ring(self, job_id: str) -> None:
        """Within seconds. Not where so many wait that nobody takes them: whoever takes one runs all jobs."""
        try:
            if self.waiting_rings() >= ENOUGH_RINGS:
                return
            self._app.send_task(TASK, args=[job_id], queue=QUEUE, ignore_result=True)
        except Exception as error:  # whatever the broker's client raises: the job is safe in its record
            logger.warning("could not ring for %s, the janitor will: %s", job_id, type(error).__name__)

    def ring_soon(self, job_id: str) -> None:
        """Ring without a wait: a thread does it, one after the other."""
        if self._ringer is None or self._ringer[0] != os.getpid():
            thread = threading.Thread(target=self._ring_all, name="doorbell", daemon=True)
            self._ringer = os.getpid(), thread
            thread.start()
        if self._soon.qsize() < MOST_SOON:  # else many rings are on their way
            self._soon.put(job_id)

    def _ring_all(self) -> None:
        while True:
            self.ring(self._soon.get())

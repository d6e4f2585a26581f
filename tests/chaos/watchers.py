"""Threads that look on during a run: whether API and store answer, how jobs fare, what the processes take."""

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import httpx
import psutil

from tests.chaos.history import History
from tests.chaos.world import World

PROBE_SECONDS = 0.1
LOOK_SECONDS = 0.5
SAMPLE_SECONDS = 5.0
PARTS = ("supervisor", "store", "api", "worker", "child")


class Watchers:
    """A context manager; its threads end with it."""

    def __init__(self, world: World) -> None:
        self._world, self._history = world, world.history
        self._stop = threading.Event()
        self._probes = [Probe(world, "api", "/healthz"), Probe(world, "store", "/v1/jobs?limit=1")]
        self._threads = [
            threading.Thread(target=self._turns, args=(turn, seconds), daemon=True)
            for turn, seconds in (
                *((probe.look, PROBE_SECONDS) for probe in self._probes),
                (world.look_at_jobs, LOOK_SECONDS),
                (lambda: sample(world, self._history), SAMPLE_SECONDS),
            )
        ]

    def __enter__(self) -> "Watchers":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()
        for probe in self._probes:
            probe.close()

    def _turns(self, turn: Callable[[], object], seconds: float) -> None:
        while not self._stop.wait(seconds):
            try:
                turn()
            except Exception as error:  # a watcher that died would see nothing, and so find nothing wrong
                name = getattr(turn, "__qualname__", str(turn))
                self._history.note("driver-failed", who=name, error=f"{type(error).__name__}: {error}")


class Probe:
    """Asks one page again and again, and writes down when the answer turns good or bad, and odd ones."""

    def __init__(self, world: World, of: str, path: str) -> None:
        self._world, self._of, self._path = world, of, path
        self._was_good: bool | None = None
        self._client = httpx.Client(
            headers={"Authorization": f"Bearer {world.key}"}, timeout=30, trust_env=False
        )

    def look(self) -> None:
        began = time.monotonic()
        try:
            status = self._client.get(self._world.url + self._path).status_code
        except httpx.HTTPError:
            status = 0
        seconds = round(time.monotonic() - began, 3)
        is_good = status == 200
        if is_good != self._was_good or status not in (0, 200, 503) or seconds > 3:
            self._was_good = is_good
            self._world.history.note("probe", of=self._of, good=is_good, status=status, seconds=seconds)

    def close(self) -> None:
        self._client.close()


def sample(world: World, history: History) -> None:
    """Memory and open files of each part, the store's keys, the data folder's bytes."""
    taken: dict[str, Any] = {}
    for part in PARTS:
        process = world.find(part)
        if process is None:
            continue
        with suppress(psutil.Error):
            taken[part] = {
                "pid": process.pid,
                "rss_bytes": process.memory_info().rss,
                "files": process.num_fds(),
                "threads": process.num_threads(),
            }
    with world.store() as store:
        taken["keys"], taken["store_bytes"] = store.dbsize(), store.info("memory")["used_memory"]
    history.note("sample", parts=taken, data_bytes=world.disks.used_bytes())

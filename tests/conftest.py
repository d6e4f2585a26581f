"""What every test may ask for: a clean environment, and a part that a machine may lack."""

import gc
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from shared.worker_store import WorkerStore
from tests.valkey import Valkey

# Tiny models lose time when threads wait for each other. Set before torch is imported, for children too.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# Some machines forbid it; then each of the many processes that tests start would compile our code anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

ENOUGH_BYTES = 12 * 1024**3  # for four processes that test, with what they start


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Two more than there are cores, since tests of processes and containers wait for half of their time.

    No more than four, and one less on a small machine: each has torch and often a whole stack in memory.
    """
    memory_bytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    more = 2 if memory_bytes > ENOUGH_BYTES else 1
    return min(4, len(os.sched_getaffinity(0)) + more)


# Their files take longest, for what they start: begun last, they would leave the other processes idle.
LONGEST = (
    "containers", "chaos", "flow", "worker/explaining", "bench", "explain", "cli", "worker/training",
    "worker/models",
)  # fmt: skip


def _scope(nodeid: str) -> str:
    """A test's file; the folder, where its tests share an engine or a card."""
    file = nodeid.partition("::")[0]
    folder = file.rpartition("/")[0]
    return folder if folder in ("tests/containers", "tests/gpu") else file


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Where several processes test, what takes longest comes first, then what has the most tests."""
    if not hasattr(config, "workerinput"):
        return
    tests = Counter(_scope(item.nodeid) for item in items)
    ranks = {f"tests/{folder}": rank for rank, folder in enumerate(LONGEST)}

    def place(item: pytest.Item) -> tuple[int, int, str]:
        scope = _scope(item.nodeid)
        folder = scope.rpartition("/")[0] if scope.endswith(".py") else scope
        return ranks.get(folder, len(LONGEST)), -tests[scope], scope

    items.sort(key=place)


def pytest_collection_finish() -> None:
    """What is imported by now stays: collections of garbage, as loads begin with, don't look at it again."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Where several processes test, a file's tests stay in one, which sets up what they share. So do all of a
    folder whose tests share an engine, or a card. (xdist 3.8's own groups do nothing under pytest 9.2.)
    """
    from xdist.scheduler import LoadScopeScheduling  # here: it is only asked for where xdist is installed

    class ByFile(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return _scope(nodeid)

    config.option.loadscopereorder = False  # they come in their order already
    return ByFile(config, log)


@pytest.fixture(scope="session")
def need() -> Callable[[bool, str], None]:
    """``need(present, "a container engine")``: where it is absent, skip at home and fail in CI.

    ``CI`` is set in CI; a test must never vanish where it counts.
    """

    def check(present: bool, part: str) -> None:
        if present:
            return
        if os.environ.get("CI", "").lower() in ("", "0", "false"):
            pytest.skip(f"{part} is missing on this machine")
        pytest.fail(f"{part} is missing, and CI must have it", pytrace=False)

    return check


@pytest.fixture
def valkey(tmp_path: Path) -> Iterator[Valkey]:
    """A store's server of the test's own, which it may kill or stop."""
    folder = tmp_path / "valkey"
    folder.mkdir()
    server = Valkey(folder).start()
    yield server
    server.kill()


@pytest.fixture
def store(valkey: Valkey) -> WorkerStore:
    """A store without a job in it, quick to give up."""
    return WorkerStore.connect(valkey.url, timeout_seconds=0.5)


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """A developer's own TUNEDOCK_ variables must not change what a test sees."""
    for name in [name for name in os.environ if name.startswith("TUNEDOCK_")]:
        monkeypatch.delenv(name)

"""What every test may ask for: a clean environment, and a part that a machine may lack."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from shared.worker_store import WorkerStore
from tests.valkey import Valkey

# Tiny models lose time when threads wait for each other. Set before torch is imported, for children too.
os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Each has torch and often a whole stack in memory."""
    return min(4, len(os.sched_getaffinity(0)))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Where several processes test, a file's tests stay in one, which sets up what they share; so do all
    that use containers, since their engine's disks and memory are measured.
    """
    if not config.pluginmanager.hasplugin("xdist"):
        return
    for item in items:
        together = "containers" if item.get_closest_marker("containers") else item.nodeid.partition("::")[0]
        item.add_marker(pytest.mark.xdist_group(together))


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

"""What tests of the command share."""

import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.api.server import Server, serve
from tests.stack import LiveStack, live_stack
from tests.valkey import Valkey

_FOLDER = Path(__file__).parent
_running = ExitStack()


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveStack]:
    """One service for all tests of this folder that need a running one: it takes many seconds to start.

    A test may kill its parts, which come back; it must leave no job queued or running.
    """
    with _running:
        yield _running.enter_context(live_stack(tmp_path_factory.mktemp("stack")))


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One API over a store, without a worker, for all tests of this folder that need no more.

    Each test that uses it makes it `empty` first.
    """
    with _running:
        valkey = Valkey(tmp_path_factory.mktemp("valkey")).start()
        _running.callback(valkey.kill)
        yield _running.enter_context(serve(tmp_path_factory.mktemp("api"), valkey))


def empty(server: Server) -> None:
    """Takes every job and every file from it."""
    server.store._redis.flushall()
    for kind in ("jobs", "files"):
        for folder in (server.data_dir / kind).glob("*"):
            shutil.rmtree(folder)


def pytest_runtest_teardown(nextitem: pytest.Item | None) -> None:
    """Stops the service with the folder's last test, not with the session: others measure this machine."""
    if nextitem is None or _FOLDER not in nextitem.path.parents:
        _running.close()

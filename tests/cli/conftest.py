"""What tests of the command share."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.stack import LiveStack, live_stack

_FOLDER = Path(__file__).parent
_running = ExitStack()


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveStack]:
    """One service for all tests of this folder that need a running one: it takes many seconds to start.

    A test may kill its parts, which come back; it must leave no job queued or running.
    """
    with _running:
        yield _running.enter_context(live_stack(tmp_path_factory.mktemp("stack")))


def pytest_runtest_teardown(nextitem: pytest.Item | None) -> None:
    """Stops the service with the folder's last test, not with the session: others measure this machine."""
    if nextitem is None or _FOLDER not in nextitem.path.parents:
        _running.close()

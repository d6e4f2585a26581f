"""What tests of the worker share."""

from collections.abc import Iterator

import pytest

from tests.worker.apart import Apart, apart


@pytest.fixture(scope="session")
def process() -> Iterator[Apart]:
    """Does work of the worker in processes of their own, which share one import of torch."""
    with apart() as running:
        yield running

"""What tests of the worker share."""

from collections.abc import Iterator

import pytest

from services.worker.computing.plan import utilization
from services.worker.computing.predicting import timed_layers
from services.worker.diagnosis import intake
from tests.worker.apart import INTAKE_SAMPLE_BYTES, Apart, apart


@pytest.fixture(scope="session")
def process() -> Iterator[Apart]:
    """Does work of the worker in processes of their own, which share one import of torch."""
    with apart() as running:
        yield running


@pytest.fixture
def short_intake(monkeypatch: pytest.MonkeyPatch) -> None:
    """A shorter sample of how fast memory is read, for diagnoses that are about something else."""
    monkeypatch.setattr(intake, "SAMPLE_BYTES", INTAKE_SAMPLE_BYTES)


@pytest.fixture
def short_timings(monkeypatch: pytest.MonkeyPatch) -> None:
    """The device's speed and that of layers are measured for a moment, for trainings that are about something
    else: of a tiny model, that takes longer than its steps.
    """
    monkeypatch.setitem(utilization.MATRIX, "cpu", 256)
    monkeypatch.setattr(utilization, "MEASURED_SECONDS", 0.0)
    monkeypatch.setattr(timed_layers, "ROUNDS_AT_MOST", timed_layers.ROUNDS_AT_LEAST)

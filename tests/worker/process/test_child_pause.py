"""Children that die before they own the device: each next one waits longer, until one has worked."""

import json
import os
import time
from pathlib import Path

import pytest

from services.worker.process import child_pause
from services.worker.process.child_pause import VARIABLE, EarlyDeaths


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """As it was, afterwards."""
    monkeypatch.setenv(VARIABLE, "0")


@pytest.fixture
def state_file(tmp_path: Path) -> Path:
    return tmp_path / "worker.state.json"


def pauses(deaths: EarlyDeaths, pids: range) -> list[float]:
    """What the next child is told after each of these deaths."""
    told = []
    for pid in pids:
        deaths.count(pid)
        told.append(float(os.environ.get(VARIABLE, 0)))
    return told


def test_sixty_early_deaths_take_half_an_hour_and_not_two_minutes(state_file: Path) -> None:
    told = pauses(EarlyDeaths(state_file), range(1, 61))
    assert told[:4] == [0.5, 1, 2, 4]
    assert max(told) == 30
    assert sum(told) > 1500


def test_a_child_that_owned_its_device_is_followed_at_once(state_file: Path) -> None:
    deaths = EarlyDeaths(state_file)
    pauses(deaths, range(1, 5))
    state_file.write_text(json.dumps({"pid": 7, "device": "cpu"}))
    assert pauses(deaths, range(7, 8)) == [0]
    assert pauses(deaths, range(8, 9)) == [0.5]


def test_a_child_that_found_no_device_has_not_worked(state_file: Path) -> None:
    state_file.write_text(json.dumps({"pid": 7, "device": None, "problem": "no card"}))
    assert pauses(EarlyDeaths(state_file), range(7, 8)) == [0.5]


def test_a_child_waits_as_long_as_it_was_told_and_no_longer_once_the_worker_shuts_down(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(VARIABLE, "0.5")
    started = time.monotonic()
    child_pause.pause(lambda: False)
    assert 0.5 <= time.monotonic() - started < 5
    monkeypatch.setenv(VARIABLE, "30")
    child_pause.pause(lambda: True)
    assert time.monotonic() - started < 5
    monkeypatch.delenv(VARIABLE)
    child_pause.pause(lambda: False)
    assert time.monotonic() - started < 5

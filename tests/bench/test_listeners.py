"""`bench listeners`: a short run of it, and what it makes of its measurements."""

import json
from pathlib import Path

import pytest

from bench import listeners
from bench.listeners import Measured, table
from tests.bench.conftest import Run


def test_a_short_run_loses_and_repeats_nothing(run_here: Run, tmp_path: Path) -> None:
    done = run_here(
        listeners.main, "--listeners", "24", "--cuts", "4", "--minutes", "0.05", "--per-second", "20",
        "--idle", "20", "--half", "10", "--json", tmp_path / "out.json", "--scratch", tmp_path / "scratch",
    )  # fmt: skip
    document = json.loads((tmp_path / "out.json").read_text())
    found, told = document["found"], document["told"]
    assert told == 60
    # A third hears each of two jobs, a third both; a job has three events more: accepted, started, ended.
    assert found["events"] == 16 * (told // 2 + 3) + 8 * (told + 6), done.stdout
    assert found["cuts"] > 24 * 3
    assert (found["lost"], found.get("repeated", 0), found["gaps"]) == (0, 0, 0)
    assert [row["case"] for row in document["rows"]] == ["events", "healthz", "api"]
    assert list((tmp_path / "scratch").iterdir()) == []
    assert "lost: 0, repeated: 0" in done.stdout


def measured(**more: object) -> Measured:
    good = Measured(
        delays=[0.02] * 95 + [1.0] * 5,
        health=[0.01] * 100,
        api_bytes=[100e6] * 20,
        found={"events": 100, "lost": 0, "gaps": 0, "cuts": 3},
        cpu={"api": 0.5},
        told=50,
        seconds=2.0,
    )
    for name, value in more.items():
        setattr(good, name, value)
    return good


@pytest.mark.parametrize(
    "missed",
    [
        {"delays": [0.02] * 94 + [1.0] * 6},
        {"health": [0.06] * 100},
        {"api_bytes": [90e6] * 10 + [100e6] * 10},
        {"found": {"lost": 1}},
        {"found": {"repeated": 1}},
        {"found": {"gaps": 1}},
        {"found": {"answer 503": 1}},
        {"found": {"healthz TimeoutError": 1}},
    ],
)
def test_each_limit_that_is_not_met_is_missed(missed: dict[str, object]) -> None:
    assert not measured().is_missed
    assert measured(**missed).is_missed


def test_the_table_says_what_was_lost_and_what_it_took() -> None:
    text = table(measured())
    assert "an event's delay                     20.0 ms   20.0 ms 1000.0 ms 1000.0 ms" in text
    assert "told: 50 events, 100 times in all" in text
    assert "lost: 0, repeated: 0" in text
    assert "memory of the API: 100 MB at first, 100 MB at most, 100 MB at last (+0.0%)" in text
    assert "of one core: api 25%" in text

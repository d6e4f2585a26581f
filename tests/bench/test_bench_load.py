"""The load benchmark: rows in the form of docs/contract.md, cases that can't be had, and nothing left behind.

The arms that quantize take as long as all others together; TESTS=all loads them too.
"""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from bench import load, slow_disk
from bench.load_arms.__main__ import ARMS
from bench.load_turns import PEERS, PREPARED, QUANTIZING
from services.cli.bench import bench
from shared.settings import PROJECT_ROOT
from tests.bench.conftest import Run
from tests.thorough import ALL, thorough

ROW = {"arm", "case", "metric", "unit", "median", "min", "max", "repeats"}
NO_CASE_FITS = ["--cases", "400iops", "--layers", "1"]


def without_throttling(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(slow_disk, "_BLKIO", tmp_path / "no-control-groups")


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_every_arm_loads_and_its_rows_are_the_contract_s(tmp_path: Path, run_here: Run) -> None:
    words = ["--layers", "1", "--repeats", "1", "--cases", "unthrottled", *([] if ALL else ["--quick"])]
    places = ["--scratch", tmp_path / "scratch", "--json", tmp_path / "rows.json"]
    done = run_here(load.main, *words, *places)
    assert done.code == 0, done.stderr
    document = json.loads((tmp_path / "rows.json").read_text())
    assert document["bench"] == "load"
    assert {"cpu", "cores", "torch"} <= set(document["machine"])
    for row in document["rows"]:
        assert set(row) == ROW
        assert row["case"] == "unthrottled"
        assert row["unit"] == "s"
        assert 0 < row["min"] <= row["median"] <= row["max"]
        assert row["repeats"] == 1
    measured = {(row["arm"], row["metric"]) for row in document["rows"]}
    arms = [*(QUANTIZING if ALL else ()), *PREPARED]
    assert measured == {
        *((arm, metric) for arm in arms for metric in ("seconds", "limit_seconds")),
        ("ours-resident", "seconds"),
    }
    assert not list((tmp_path / "scratch").iterdir())


def test_an_unknown_benchmark_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert bench(["lode"]) == 2
    assert "lode" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words",
    [["--cases", "150mbps"], ["--peers", "tensorizer"], ["--repeats", "0"], ["--json", "no/such/folder"]],
)
def test_what_an_option_does_not_know_is_wrong_usage(words: list[str], run_here: Run) -> None:
    done = run_here(load.main, *words)
    assert done.code == 2
    assert words[0] in done.stderr


def test_too_small_a_scratch_is_refused_before_anything_is_written(tmp_path: Path, run_here: Run) -> None:
    done = run_here(load.main, "--layers", "100000", "--scratch", tmp_path / "scratch")
    assert done.code == 1
    assert "--scratch" in done.stderr
    assert not list((tmp_path / "scratch").iterdir())


def test_where_no_disk_can_be_throttled_the_case_is_skipped_with_a_word(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run_here: Run
) -> None:
    without_throttling(monkeypatch, tmp_path)
    done = run_here(load.main, *NO_CASE_FITS, "--scratch", tmp_path / "scratch")
    assert done.code == 0
    assert "400iops skipped" in done.stdout


def test_a_peer_that_cannot_be_installed_is_a_note_and_no_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run_here: Run
) -> None:
    without_throttling(monkeypatch, tmp_path)
    monkeypatch.delenv("TUNEDOCK_TORCH_INDEX", raising=False)
    for name, value in (("PIP_NO_INDEX", "1"), ("PIP_CONFIG_FILE", os.devnull), ("PIP_FIND_LINKS", "")):
        monkeypatch.setenv(name, value)
    done = run_here(load.main, *NO_CASE_FITS, "--peers", "runai", "--scratch", tmp_path / "scratch")
    assert done.code == 0
    assert "runai can't be installed" in done.stdout


@pytest.mark.parametrize("order", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=thorough)])
def test_an_order_to_stop_leaves_nothing_behind(tmp_path: Path, order: signal.Signals) -> None:
    scratch = tmp_path / "scratch"
    with subprocess.Popen(
        [sys.executable, "-m", "bench.load", "--layers", "1", "--scratch", str(scratch)],
        cwd=PROJECT_ROOT,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        assert any("making the model" in line for line in process.stderr)
        process.send_signal(order)
        said = process.stderr.read()
        assert process.wait() == 130, said
    assert "interrupted" in said
    assert not list(scratch.iterdir())
    assert str(scratch) not in Path("/proc/self/mounts").read_text()


def test_every_planned_arm_has_a_way_to_load() -> None:
    assert {*QUANTIZING, *PREPARED, *PEERS} <= set(ARMS)

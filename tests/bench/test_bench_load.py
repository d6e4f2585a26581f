"""The load benchmark on two layers: every arm loads, the rows are the contract's, nothing is left behind."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from bench.load import ARMS
from services.cli.bench import bench
from shared.settings import PROJECT_ROOT


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_every_arm_loads_and_says_how_long_it_took(tmp_path: Path) -> None:
    words = [
        "--layers",
        "1",
        "--repeats",
        "1",
        "--cases",
        "unthrottled",
        "--scratch",
        str(tmp_path / "scratch"),
    ]
    command = [sys.executable, "-m", "bench.load", *words, "--json", str(tmp_path / "rows.json")]
    done = subprocess.run(command, cwd=PROJECT_ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    document = json.loads((tmp_path / "rows.json").read_text())
    assert document["bench"] == "load"
    assert {"cpu", "cores", "torch"} <= set(document["machine"])
    seconds = {row["arm"]: row for row in document["rows"] if row["metric"] == "seconds"}
    assert set(seconds) == {*ARMS, "ours-resident"}
    for row in seconds.values():
        assert set(row) == {"arm", "case", "metric", "unit", "median", "min", "max", "repeats"}
        assert row["median"] > 0
    assert not list((tmp_path / "scratch").iterdir())


def test_an_unknown_benchmark_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert bench(["lode"]) == 2
    assert "lode" in capsys.readouterr().err


def test_too_small_a_scratch_is_refused_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from bench import load

    monkeypatch.setattr(load, "DISK_BYTES", 2**60)
    monkeypatch.setattr(sys, "argv", ["bench", "--scratch", str(tmp_path / "scratch")])
    assert load.main() == 1
    assert "--scratch" in capsys.readouterr().err
    assert not list((tmp_path / "scratch").iterdir())

"""The loss runner on a tiny model: it keeps what it has done, compares two plans, and can say no."""

import json
from pathlib import Path

import pytest

from bench import train_losses
from bench.train_losses import compare, moving_average
from tests.bench.conftest import Run
from tests.bench.messages import write_messages
from tests.tiny_models import make_tiny_llama


@pytest.mark.timeout(500)
def test_two_plans_learn_the_same_and_a_second_call_does_nothing_again(tmp_path: Path, run_here: Run) -> None:
    sms, model = write_messages(tmp_path / "sms.tsv", 60), make_tiny_llama(tmp_path / "model")
    runs = tmp_path / "runs"
    words = [
        runs, "--sms", sms, "--model", model, "--scratch", tmp_path / "scratch", "--rows", "48",
        "--held-out", "12", "--steps", "3", "--arms", "ours-auto,ours-baseline", "--gradients",
    ]  # fmt: skip
    done = run_here(train_losses.main, *words)
    assert done.code == 0, done.stderr
    lines = json.loads((runs / "comparison.json").read_text())
    assert [line["kept"] for line in lines] == [True] * 6
    said = done.stdout
    for part in (
        "loss of step 1",
        "EMA(50) of 3 losses",
        "least alike of 3 steps",
        "held-out loss",
        "adapters in fp32",
        "F1 of spam",
    ):
        assert part in said
    logs = {path: path.stat().st_mtime_ns for path in runs.glob("*/losses.jsonl")}
    assert len(logs) == 2
    again = run_here(train_losses.main, *words)
    assert again.stdout == said
    assert {path: path.stat().st_mtime_ns for path in logs} == logs


def test_losses_that_lie_apart_miss_their_bars() -> None:
    def result(losses: list[float], held_out: float, f1: float) -> dict[str, object]:
        return {"losses": losses, "gradients": None, "held_out_loss": held_out, "f1": f1}

    results = {("a", 0): result([2.0, 1.0], 1.0, 0.9), ("b", 0): result([2.01, 1.0], 1.02, 0.95)}
    assert [line.kept for line in compare(["a", "b"], [0], results)] == [False, True, False, False]
    alike = {("a", 0): result([2.0, 1.0], 1.0, 0.9), ("b", 0): result([2.0, 1.0], 1.004, 0.905)}
    assert all(line.kept for line in compare(["a", "b"], [0], alike))


def test_the_moving_average_begins_at_the_first_loss_and_follows() -> None:
    assert moving_average([3.0, 3.0]) == [3.0, 3.0]
    assert moving_average([1.0, 2.0], steps=3) == [1.0, 1.5]

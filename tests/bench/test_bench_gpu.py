"""The card's benchmark without a card: the same code on the CPU, with a tiny model."""

import json
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
import torch

from bench import gpu_run
from services.worker.computing.plan.utilization import matrix_flops_per_second
from shared.settings import PROJECT_ROOT
from tests.bench.conftest import Run
from tests.thorough import ALL
from tests.tiny_models import make_tiny_llama


@pytest.mark.timeout(500)
def test_the_protocol_s_arms_run_on_random_rows_and_are_judged(
    tmp_path: Path, run_here: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gpu_run, "matrix_flops_per_second", partial(matrix_flops_per_second, size=512))
    model, cases = make_tiny_llama(tmp_path / "model"), ["short", "full512"] if ALL else ["full512"]
    words = [
        "--without-card", "--quick", "--rows", "48", "--repeats", "1", "--arms", "ours-baseline,ours-auto",
        "--cases", ",".join(cases), "--scratch", tmp_path / "scratch", "--model", model,
        "--json", tmp_path / "gpu.json",
    ]  # fmt: skip
    done = run_here(gpu_run.main, *words)
    assert done.code == 0, done.stderr
    document = json.loads((tmp_path / "gpu.json").read_text())
    assert [(figure["case"], figure["arm"]) for figure in document["figures"]] == [
        (case, arm) for case in cases for arm in ("ours-baseline", "ours-auto")
    ]
    for figure in document["figures"]:
        assert figure["real_tokens_per_second"] > 0
        assert 0 < figure["model_flops_share"] < 1
    assert any("in step 1" in note for note in document["notes"])


def test_without_a_card_and_without_leave_it_says_so(tmp_path: Path, run_here: Run) -> None:
    if torch.cuda.is_available():
        pytest.skip("this machine has a card")
    done = run_here(gpu_run.main, "--scratch", tmp_path)
    assert done.code == 1
    assert "--without-card" in done.stderr


def test_an_empty_folder_of_wheels_is_refused(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "bench.gpu", "--wheels", str(tmp_path)]
    done = subprocess.run(command, cwd=PROJECT_ROOT, capture_output=True, text=True)
    assert done.returncode == 1
    assert str(tmp_path) in done.stderr

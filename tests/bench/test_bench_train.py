"""The training benchmark on a tiny model: every arm of this environment runs, and none outlives it."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from huggingface_hub import constants

from bench import train
from bench.train import DEFAULT_ARMS, TooFewRows, check_rows
from bench.train_arms.plans import SPEED_UPS, plan_of, speed_up_arms
from bench.train_measure import Measuring
from services.worker.computing.plan.plan import Plan, baseline_plan
from shared.settings import PROJECT_ROOT
from tests.bench.conftest import Run
from tests.bench.messages import write_messages
from tests.thorough import ALL, thorough
from tests.tiny_models import make_tiny_llama

LEFT_OUT = ("trl-best",) if ALL else ("trl-best", "hf-grouped")  # the first makes an environment of its own
ARMS = [arm for arm in DEFAULT_ARMS if arm not in LEFT_OUT]
PATIENCE_SECONDS = 200


@pytest.fixture
def words(tmp_path: Path) -> list[str]:
    sms, model = write_messages(tmp_path / "sms.tsv", 64), make_tiny_llama(tmp_path / "model")
    places = ["--sms", str(sms), "--model", str(model), "--scratch", str(tmp_path / "scratch")]
    return [*places, "--quick", "--repeats", "1", "--rows", "48"]


@pytest.mark.timeout(500)
def test_every_arm_trains_and_says_how_long_it_took(words: list[str], tmp_path: Path, run_here: Run) -> None:
    done = run_here(train.main, *words, "--arms", ",".join(ARMS), "--json", tmp_path / "rows.json")
    assert done.code == 0, done.stderr
    document = json.loads((tmp_path / "rows.json").read_text())
    assert document["bench"] == "train"
    assert {"cpu", "cores", "torch"} <= set(document["machine"])
    assert [row["arm"] for row in document["rows"]] == ARMS
    for row in document["rows"]:
        assert set(row) == {"arm", "case", "metric", "unit", "median", "min", "max", "repeats"}
        assert (row["case"], row["metric"], row["unit"]) == ("sms/all", "seconds_per_16_rows", "s")
        assert row["median"] > 0
    losses = document["losses"]["sms/all"]
    same_rows = [losses[arm][0] for arm in ("hf-user", "ours-baseline", "ours-auto")]
    assert same_rows == pytest.approx([same_rows[0]] * 3, rel=1e-3)
    assert not list((tmp_path / "scratch").glob("bench-train-*"))


@pytest.mark.parametrize(
    "words", [["--arms", "ours-best"], ["--cases", "sms"], ["--peers", "trl"], ["--repeats", "0"]]
)
def test_wrong_usage_ends_with_2_and_names_what_is_right(words: list[str], run_here: Run) -> None:
    done = run_here(train.main, *words)
    assert done.code == 2
    assert words[0] in done.stderr


def test_the_command_passes_its_words_on_and_ends_as_the_benchmark_does() -> None:
    command = [sys.executable, "-m", "services.cli", "bench", "reporting_cost", "--fast"]  # without torch
    done = subprocess.run(command, cwd=PROJECT_ROOT, capture_output=True, text=True)
    assert done.returncode == 2
    assert "--fast" in done.stderr


def test_without_a_file_and_a_hub_it_says_what_to_name(
    tmp_path: Path, run_here: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    done = run_here(train.main, "--scratch", tmp_path)
    assert done.code == 1
    assert "--sms" in done.stderr


@pytest.mark.timeout(500)
@pytest.mark.parametrize(
    ("stop", "names"),
    [
        pytest.param(signal.SIGINT, ["ours-baseline", "ours-auto"], marks=thorough),
        (signal.SIGTERM, ["ours-baseline", "ours-auto"]),
        (signal.SIGKILL, ["ours-auto"]),
    ],
)
def test_a_benchmark_that_is_stopped_leaves_no_process(
    stop: signal.Signals, names: list[str], words: list[str], tmp_path: Path
) -> None:
    command = [sys.executable, "-m", "bench.train", *words, "--arms", ",".join(names)]
    with subprocess.Popen(command, cwd=PROJECT_ROOT, stderr=subprocess.PIPE, text=True) as benchmark:
        assert benchmark.stderr is not None
        for line in benchmark.stderr:
            if "ours-auto: loading" in line:
                break
        arms = wait_for_arms(tmp_path, len(names))
        benchmark.send_signal(stop)
        code = benchmark.wait(PATIENCE_SECONDS)
    assert code == (-stop if stop == signal.SIGKILL else 130)
    _, alive = psutil.wait_procs(arms, PATIENCE_SECONDS)
    assert not alive


def wait_for_arms(folder: Path, count: int) -> list[psutil.Process]:
    """The arms' processes, once all are there."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        if len(arms := list(arms_in(folder))) == count:
            return arms
        time.sleep(0.1)
    raise AssertionError("the arms never began")


def arms_in(folder: Path) -> Iterator[psutil.Process]:
    for process in psutil.process_iter(["cmdline"]):
        words = process.info["cmdline"] or []
        if "bench.train_arms" in words and any(str(folder) in word for word in words):
            yield process


def test_too_few_rows_for_an_epoch_are_refused_before_anything_is_trained() -> None:
    measuring = Measuring(repeats=5, scratch=Path(), folder=Path(), device="cpu")
    with pytest.raises(TooFewRows, match="32 steps of 16: give --rows 512 or more"):
        check_rows("sms/all", 511, measuring, ["hf-user", "hf-grouped", "ours-auto"])
    check_rows("sms/all", 512, measuring, ["hf-user", "hf-grouped", "ours-auto"])
    check_rows("sms/all", 16, measuring, ["ours-auto", "ours-baseline"])


def test_speed_ups_alone_and_added_up_go_from_the_baseline_to_auto() -> None:
    auto = Plan(
        "auto", 1024, gradient_checkpointing=False, own_layers=True, layout="flat", weights="run",
        shared_prefix_tokens=9,
    )  # fmt: skip
    baseline = baseline_plan(512)
    assert plan_of("ours-baseline", baseline, auto) == baseline
    assert plan_of("ours-auto", baseline, auto) == auto
    assert plan_of("ours-head", baseline, auto).full_logits is False
    assert plan_of("ours-head", baseline, auto).pad_to == 512
    everything = plan_of(f"ours-to-{list(SPEED_UPS)[-1]}", baseline, auto)
    assert {**everything.as_dict(), "name": "auto"} == auto.as_dict()
    for arm in speed_up_arms():
        plan = plan_of(arm, baseline, auto)
        assert plan.name == "explicit"
        if plan.own_layers:  # these pad to nothing and compute no other logits, whatever a plan says
            assert (plan.pad_to, plan.full_logits, plan.attention_mask) == (None, False, False)
    with pytest.raises(ValueError, match="ours-magic"):
        plan_of("ours-magic", baseline, auto)

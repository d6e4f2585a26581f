"""The probe's checks over facts: each cause is found from its evidence, and a healthy run has none."""

import itertools
from collections.abc import Callable
from typing import Any

import pytest

from services.cli.explain import tunedock_probe as probe_file
from services.cli.explain.tunedock_probe import (
    Probe,
    load_findings,
    load_report,
    median_text,
    multiplication,
    phases_of,
    sentence,
    sizes_text,
    stages_of,
    step_findings,
    step_seconds,
    steps_text,
)

PHASES = {
    "data": 0.01, "collating": 0.01, "copy": 0.0, "forward": 0.3, "recomputation": 0.0, "backward": 0.6,
    "optimizer": 0.05, "logging": 0.0, "evaluation": 0.0, "saving": 0.0, "rest": 0.03,
}  # fmt: skip
STEPS = 101


def healthy() -> tuple[Probe, dict[str, float], dict[str, Any]]:
    """A training of `STEPS` steps of a second each, with nothing to complain about."""
    probe = Probe()
    training = probe.training
    training.steps = STEPS
    training.seconds = float(STEPS)
    training.sums = {name: seconds * (STEPS - 1) for name, seconds in PHASES.items()}
    training.computed = training.real = training.longest = 1000
    training.compute_dtype = "bfloat16"
    training.processor = {
        "cpu_seconds": 200.0,
        "wait_seconds": 1.0,
        "machine_seconds": 201.0,
        "nr_periods": 1000.0,
    }
    machine = {"threads": 2, "processors": 2, "processor_quota": None}
    facts = {"machine": machine, "rows_at_once": 2, "accumulation": 8}
    return probe, dict(PHASES), facts


Change = Callable[[Probe, dict[str, float], dict[str, Any]], None]


def padded(probe: Probe, phases: dict[str, float], facts: dict[str, Any]) -> None:
    probe.training.real, probe.training.longest = 200, 250


def uneven(probe: Probe, phases: dict[str, float], facts: dict[str, Any]) -> None:
    probe.training.real, probe.training.longest = 600, 1000


def recomputed(probe: Probe, phases: dict[str, float], facts: dict[str, Any]) -> None:
    phases["recomputation"] = 0.3


def slow_rows(probe: Probe, phases: dict[str, float], facts: dict[str, Any]) -> None:
    phases["data"] = 0.5


def evaluated(probe: Probe, phases: dict[str, float], facts: dict[str, Any]) -> None:
    probe.training.totals["evaluation"], probe.training.times["evaluation"] = 40.0, 100


def saved(probe: Probe, phases: dict[str, float], facts: dict[str, Any]) -> None:
    probe.training.totals["saving"], probe.training.times["saving"] = 40.0, 100


def logged(probe: Probe, phases: dict[str, float], facts: dict[str, Any]) -> None:
    probe.training.totals["logging"], probe.training.times["logging"] = 30.0, 100


def limited(probe: Probe, phases: dict[str, float], facts: dict[str, Any]) -> None:
    probe.training.processor |= {"wait_seconds": 100.0, "nr_throttled": 900.0}
    facts["machine"]["processor_quota"] = 0.5


def crowded(probe: Probe, phases: dict[str, float], facts: dict[str, Any]) -> None:
    probe.training.processor |= {"wait_seconds": 100.0, "machine_seconds": 350.0}


def threaded(probe: Probe, phases: dict[str, float], facts: dict[str, Any]) -> None:
    probe.training.processor["wait_seconds"] = 100.0
    facts["machine"]["threads"] = 16


def swapped(probe: Probe, phases: dict[str, float], facts: dict[str, Any]) -> None:
    probe.training.processor["swapped_bytes"] = 5e9


class HotCard:
    def summary(self) -> dict[str, Any]:
        return {"samples": 100, "sm_mhz_first": 1500.0, "sm_mhz_last": 900.0, "throttle_reasons": 0x40}


def throttled(probe: Probe, phases: dict[str, float], facts: dict[str, Any]) -> None:
    probe.card = HotCard()  # type: ignore[assignment]


def hosted(probe: Probe, phases: dict[str, float], facts: dict[str, Any]) -> None:
    probe.device.steps = STEPS
    probe.training.sums |= {"forward": 45.0, "backward": 50.0, "optimizer": 5.0, "rest": 0.0}


CAUSES: dict[str, Change] = {
    "padding": padded, "uneven-rows": uneven, "recomputation": recomputed, "slow-data-loader": slow_rows,
    "evaluation-too-often": evaluated, "saving-too-often": saved, "logging-too-slow": logged,
    "processor-limit": limited, "neighbours": crowded, "too-many-threads": threaded, "swap": swapped,
    "throttled": throttled, "host-bound": hosted,
}  # fmt: skip


def test_a_healthy_training_has_no_finding() -> None:
    assert step_findings(*healthy()) == []


@pytest.mark.parametrize("check", CAUSES)
def test_a_cause_is_found_alone(check: str) -> None:
    probe, phases, facts = healthy()
    CAUSES[check](probe, phases, facts)
    (found,) = step_findings(probe, phases, facts)
    assert found["check"] == check
    assert found["sentence"].endswith(".")
    assert "{" not in found["sentence"]
    assert 0 <= found["gain_seconds"] < STEPS
    assert probe.failures == {}


def in_float32() -> tuple[Probe, dict[str, float], dict[str, Any]]:
    """A training in float32 of blocks of 8 × 24."""
    probe, phases, facts = healthy()
    probe.training.compute_dtype, probe.training.computed = "float32", 64 * STEPS
    probe.training.real = probe.training.longest = probe.training.computed
    probe.training.layer = {
        "tokens": 64, "inputs": 8, "outputs": 24, "device": "cpu", "length": 16,
        "trained": False,
    }  # fmt: skip
    return probe, phases, facts


def machine_where(monkeypatch: pytest.MonkeyPatch, slow: float, fast: float, spread: float) -> None:
    """Where a layer takes these seconds, and every second time `spread` more."""
    turns = {
        "float32": itertools.cycle([slow, slow + spread]),
        "bfloat16": itertools.cycle([fast, fast + spread]),
    }
    monkeypatch.setattr(
        probe_file, "block_seconds", lambda torch, rows, weights, name, device: next(turns[name])
    )


def test_float32_is_found_by_what_a_block_of_the_model_s_size_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    machine_where(monkeypatch, 0.02, 0.005, 0.0)
    probe, phases, facts = in_float32()
    (found,) = step_findings(probe, phases, facts)
    assert found["check"] == "fp32-compute"
    assert found["step_seconds"] == pytest.approx(step_seconds(phases) - 0.9 * 0.7 * 0.75)
    assert "64 tokens × 8 × 24" in found["evidence"][0]
    assert not found["same_learning"]


@pytest.mark.parametrize(
    ("fast", "spread"), [(0.025, 0.0), (0.019, 0.01)], ids=["slower", "within the spread"]
)
def test_bf16_that_is_not_clearly_faster_is_no_finding(
    monkeypatch: pytest.MonkeyPatch, fast: float, spread: float
) -> None:
    machine_where(monkeypatch, 0.02, fast, spread)
    probe, phases, facts = in_float32()
    assert step_findings(probe, phases, facts) == []
    assert probe.failures == {}
    seen = probe.training.multiplication
    assert seen is not None
    assert not seen["clearly_faster"]
    assert "bf16 is not clearly faster on this machine" in sentence("bf16-not-faster", **sizes_text(seen))


def test_a_shortest_time_that_is_no_shorter_is_no_gain(monkeypatch: pytest.MonkeyPatch) -> None:
    """Other programs may slow one of the two down in every turn but a few."""
    turns = {"float32": itertools.cycle([0.01] + [0.05] * 9), "bfloat16": itertools.cycle([0.012] * 10)}
    monkeypatch.setattr(
        probe_file, "block_seconds", lambda torch, rows, weights, name, device: next(turns[name])
    )
    assert step_findings(*in_float32()) == []


def test_the_multiplication_is_measured_with_the_model_s_sizes() -> None:
    layer: dict[str, Any] = in_float32()[0].training.layer or {}
    seen = multiplication(layer | {"trained": True})
    assert (seen["tokens"], seen["inputs"], seen["outputs"]) == (64, 8, 24)
    assert 0 < seen["float32_seconds"] < 1
    assert 0 < seen["bfloat16_seconds"] < 1
    huge = multiplication(layer | {"tokens": 10**9, "inputs": 1000, "outputs": 1000})
    assert huge["tokens"] == 992  # whole rows of 16


def test_waiting_is_a_share_of_the_training_s_wall_time() -> None:
    probe, phases, facts = healthy()
    probe.training.seconds = 3.54
    probe.training.processor = {"cpu_seconds": 0.177, "wait_seconds": 0.866, "machine_seconds": 6.0}
    (found,) = step_findings(probe, phases, facts)
    assert found["sentence"].startswith("The program waits 24 % of the training")
    assert found["step_seconds"] == pytest.approx(step_seconds(phases) * (1 - 0.866 / 3.54))
    probe.training.processor = {"cpu_seconds": 2.0, "wait_seconds": 6.0, "machine_seconds": 7.0}
    (found,) = step_findings(probe, phases, facts)  # of more threads than one
    assert found["sentence"].startswith("The program waits 75 % of the training")


def test_the_greatest_gain_comes_first() -> None:
    probe, phases, facts = healthy()
    recomputed(probe, phases, facts)
    padded(probe, phases, facts)
    assert [found["check"] for found in step_findings(probe, phases, facts)] == ["padding", "recomputation"]
    probe.training.longest = 900
    assert [found["check"] for found in step_findings(probe, phases, facts)] == ["recomputation", "padding"]


def test_the_gain_of_padding_is_the_padding_s_share_of_computing() -> None:
    probe, phases, facts = healthy()
    padded(probe, phases, facts)
    (found,) = step_findings(probe, phases, facts)
    assert found["step_seconds"] == pytest.approx(step_seconds(phases) - 0.9 * 0.75)
    assert "80 of 100 computed tokens are padding" in found["sentence"]


def test_workers_that_are_there_already_are_told() -> None:
    probe, phases, facts = healthy()
    slow_rows(probe, phases, facts)
    probe.training.settings["dataloader_num_workers"] = 2
    (found,) = step_findings(probe, phases, facts)
    assert found["check"] == "slow-data-loader"
    assert "Use more workers while processors are free (2 in all)" in found["sentence"]
    assert "let workers do it" not in found["sentence"]


def test_the_phases_are_those_of_the_median_step_and_the_gain_is_of_all_seconds() -> None:
    probe, _, facts = healthy()
    padded(probe, dict(PHASES), facts)
    probe.training.each = [5.0] + [0.5] * (STEPS - 2) + [50.0]  # the mean of the steps after the first is 1 s
    probe.training.first = {"forward": 5.0}
    phases = phases_of(probe.training, {})
    assert step_seconds(phases) == pytest.approx(0.5)
    assert phases["backward"] == pytest.approx(0.3)
    (found,) = step_findings(probe, phases, facts)
    assert "500 ms becomes about 163 ms" in found["sentence"]
    assert found["gain_seconds"] == pytest.approx(105 * 0.9 * 0.75)


def told_of(steps: int, planned: int) -> dict[str, Any]:
    return {"steps": steps, "planned_steps": planned, "step_seconds": {"median": 0.5}}


def test_a_run_that_ended_early_does_not_tell_of_all_steps() -> None:
    assert steps_text(told_of(1, 6)) == "1 of 6 steps"
    assert steps_text(told_of(6, 6)) == "6 steps"
    assert steps_text(told_of(1, 1)) == "one step"
    assert median_text(told_of(1, 6)) == "500 ms for the only step, which warms up"
    assert median_text(told_of(2, 6)) == "500 ms for the second step; the first warms up"
    assert median_text(told_of(3, 6)) == "500 ms in the median of the 2 steps after the first"


def test_rows_that_are_read_without_a_step_are_the_program_s_own() -> None:
    probe = Probe()
    assert stages_of(probe, {"data": 1.0, "forward": 2.0, "own_code": 4.0})["own_code"] == 7.0
    probe.training.trainer_ran = True
    assert stages_of(probe, {"data": 1.0, "forward": 2.0, "own_code": 4.0})["training"] == 3.0


def test_a_load_that_mostly_imports_says_so() -> None:
    probe = Probe()
    probe.load.count, probe.load.import_seconds = 1, 5.88
    verdict = load_report(probe, 6.19)["verdict"]
    assert verdict.startswith("Importing libraries takes 5.88 s of the 6.19 s of the load")


def test_a_check_that_fails_is_told_and_the_others_go_on() -> None:
    probe, phases, facts = healthy()
    padded(probe, phases, facts)
    probe.card = object()  # type: ignore[assignment]
    assert [found["check"] for found in step_findings(probe, phases, facts)] == ["padding"]
    assert list(probe.failures) == ["check throttling"]


def loaded(seconds: float, **changes: Any) -> list[str]:
    probe = Probe()
    files = {
        "/m/a.safetensors": {
            "path": "/m/a.safetensors",
            "format": "safetensors",
            "bytes": 5e9,
            "seconds": 2.0,
        },
        "/m/b.safetensors": {
            "path": "/m/b.safetensors",
            "format": "safetensors",
            "bytes": 4e9,
            "seconds": 2.0,
        },
    }
    vars(probe.load).update({"files": files, "count": 1, "disk_bytes": 9e9} | changes)
    return [found["check"] for found in load_findings(probe, seconds)]


def test_the_causes_of_a_slow_load_are_found() -> None:
    assert loaded(6.0) == []
    assert loaded(63.9) == ["slow-reading"]
    assert loaded(63.9, disk_bytes=0.0) == []  # from memory
    assert loaded(10.0, quantized_at_load=True, quantize_seconds=4.0) == ["quantizing-at-load"]
    pickled = {
        "/m/p.bin": {"path": "/m/pytorch_model.bin", "format": "pickle", "bytes": 9e9, "seconds": None}
    }
    assert loaded(6.0, files=pickled) == ["pickle-weights"]

"""The probe's checks over facts: each cause is found from its evidence, and a healthy run has none."""

from collections.abc import Callable
from typing import Any

import pytest

from services.cli.explain import tunedock_probe as probe_file
from services.cli.explain.tunedock_probe import Probe, load_findings, step_findings, step_seconds

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


def test_float32_is_found_by_what_a_multiplication_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    probe, phases, facts = healthy()
    probe.training.compute_dtype = "float32"
    monkeypatch.setattr(probe_file, "multiplication_seconds", lambda training: (0.02, 0.005, 1024))
    (found,) = step_findings(probe, phases, facts)
    assert found["check"] == "fp32-compute"
    assert found["step_seconds"] == pytest.approx(step_seconds(phases) - 0.9 * 0.7 * 0.75)
    assert not found["same_learning"]
    monkeypatch.setattr(probe_file, "multiplication_seconds", lambda training: (0.02, 0.025, 1024))
    assert step_findings(probe, phases, facts) == []  # a processor without bf16


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

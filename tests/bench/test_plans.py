"""A chosen plan is held to a sweep over all plans: the arithmetic, and a run on a tiny model."""

import json
from pathlib import Path

import pytest
from transformers import LlamaConfig

from bench import plans
from bench.plan_sweep import Swept, plans_to_sweep
from services.worker.computing.plan.activations import EngineActivations
from services.worker.computing.plan.memory_budget import MICRO_BATCH_TOKENS, RECOMPUTING, MemoryBudget
from services.worker.computing.plan.plan import Plan
from services.worker.computing.plan.workload import Workload
from tests.bench.conftest import Run
from tests.bench.messages import write_messages
from tests.tiny_models import make_tiny_llama

AUTO = Plan(
    "auto", 1024, gradient_checkpointing=False, own_layers=True, layout="flat", weights="run",
    shared_prefix_tokens=9,
)  # fmt: skip


def budget(free_bytes: float = 1e12, *, own_layers: bool = True) -> MemoryBudget:
    activations = EngineActivations(LlamaConfig(), 512, 0, whole_scores=True, head_bytes=1)
    return MemoryBudget(activations, free_bytes, Workload(own_layers=own_layers), "cpu")


def test_the_sweep_has_every_plan_that_the_planner_considers_once() -> None:
    swept = plans_to_sweep(AUTO, budget())
    own = len(MICRO_BATCH_TOKENS["cpu"]) * len(RECOMPUTING)
    models = len(MICRO_BATCH_TOKENS["cpu"]) * len([every for every in RECOMPUTING if every != 2])
    assert len(swept) == 2 * own + models
    assert AUTO in swept.values()
    assert len({json.dumps(plan.as_dict()) for plan in swept.values()}) == len(swept)
    for plan in swept.values():
        if not plan.own_layers:
            assert (plan.layout, plan.shared_prefix_tokens, plan.weights) == ("padded", 0, "run")
            assert plan.attention == "short_rows"


def test_what_does_not_fit_and_layers_that_are_not_there_are_in_no_sweep() -> None:
    assert plans_to_sweep(AUTO, budget(free_bytes=1e3)) == {}
    models_own = Plan("auto", 1024, gradient_checkpointing=False)
    names = plans_to_sweep(models_own, budget(own_layers=False))
    assert all(name.startswith("model's forward") for name in names)
    assert len(names) == 4


def test_the_best_is_of_those_in_rounds_and_a_distance_is_paired() -> None:
    swept = Swept(
        first={"a": 9.0, "b": 1.0, "c": 3.0},
        rounds={"a": [1.0, 2.0, 4.0], "b": [1.1, 2.0, 4.4]},
    )
    assert swept.best == "a"
    assert swept.seconds("c") == 3.0
    assert swept.distance("a") == 0
    assert swept.distance("b") == pytest.approx(0.1)
    assert swept.distance("c") == pytest.approx(3.0 / 9.0 - 1)


@pytest.mark.timeout(300)
def test_a_run_chooses_and_the_sweep_tells_how_near_it_came(tmp_path: Path, run_here: Run) -> None:
    sms, model = write_messages(tmp_path / "sms.tsv", 64), make_tiny_llama(tmp_path / "model")
    out = tmp_path / "plans.json"
    done = run_here(
        plans.main, "--sms", sms, "--model", model, "--scratch", tmp_path / "scratch", "--quick",
        "--rows", "48", "--cases", "sms/all", "--json", out,
    )  # fmt: skip
    (case,) = json.loads(out.read_text())["cases"]
    assert case["chosen"] in case["swept"]["rounds"]
    assert len(case["swept"]["first"]) + len(case["swept"]["too_large"]) == 16
    assert done.code == (0 if case["distance"] <= plans.BAR else 1)
    assert "chosen" in done.stdout
    assert list((tmp_path / "scratch").iterdir()) == [tmp_path / "scratch" / "models"]

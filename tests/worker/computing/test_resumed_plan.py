"""A run that goes on keeps its plan, unless that can't be read or no longer fits."""

import json
from dataclasses import replace
from typing import Any

import pytest

from services.worker.computing.plan.activations import EngineActivations
from services.worker.computing.plan.memory_budget import MemoryBudget
from services.worker.computing.plan.plan import Plan, baseline_plan
from services.worker.computing.plan.resumed_plan import resumed_plan
from services.worker.computing.plan.workload import Workload
from shared.messages.message import say
from shared.messages.render import in_english
from tests.worker.computing.test_plan import CONFIG

BEGAN = Plan(
    "auto",
    1024,
    gradient_checkpointing=False,
    own_layers=True,
    layout="flat",
    shared_prefix_tokens=33,
    weights="run",
)
SMALL = replace(
    BEGAN,
    tokens_per_micro_batch=512,
    gradient_checkpointing=True,
    recompute_every=2,
    weights="use",
    off={"weights": "too large"},
)
ACTIVATIONS = EngineActivations(CONFIG, 512, 33)
ITS_SHARE = int(ACTIVATIONS.largest(1024, None) / 0.4) + 1


def budget(free_bytes: float, dequantized_bytes: int = 0) -> MemoryBudget:
    return MemoryBudget(
        ACTIVATIONS, free_bytes, Workload(own_layers=True, dequantized_bytes=dequantized_bytes)
    )


def kept(plan: Plan, **more: Any) -> dict[str, Any]:
    """As it comes out of a checkpoint."""
    fields: dict[str, Any] = json.loads(json.dumps(plan.as_dict()))
    return {**fields, **more}


def test_a_plan_that_fits_is_kept_even_if_a_new_run_would_have_another() -> None:
    assert resumed_plan(kept(BEGAN), SMALL, budget(float("inf"))) == (BEGAN, None)
    assert resumed_plan(kept(SMALL), BEGAN, budget(float("inf"))) == (SMALL, None)


def test_a_little_less_memory_than_it_was_chosen_for_changes_no_plan() -> None:
    assert resumed_plan(kept(BEGAN), SMALL, budget(0.8 * ITS_SHARE)) == (BEGAN, None)


def test_much_less_memory_changes_what_depends_on_it_and_nothing_else() -> None:
    fresh = replace(SMALL, shared_prefix_tokens=5, micro_batch_cost_tokens=1)
    plan, reason = resumed_plan(kept(BEGAN), fresh, budget(0.4 * ITS_SHARE, dequantized_bytes=ITS_SHARE))
    assert plan == replace(SMALL, off={"weights": "too large"})
    assert reason is not None
    assert "tokens_per_micro_batch 1024 → 512" in in_english(reason)
    assert "weights run → use" in in_english(reason)


def test_weights_that_leave_no_room_for_the_activations_are_let_go_with_them() -> None:
    """The plan that comes out fits, though each of its parts alone might have been kept."""
    dequantized = ITS_SHARE // 3
    tight = budget(ITS_SHARE * 0.9, dequantized_bytes=dequantized)
    assert tight.keeps_weights(forbearance=1.5)
    assert not tight.fits(1024, None, weights="run", forbearance=1.5)
    plan, reason = resumed_plan(kept(BEGAN), SMALL, tight)
    assert reason is not None
    assert plan == SMALL
    assert tight.fits(plan.tokens_per_micro_batch, plan.recompute_every, weights=plan.weights)


def test_what_the_request_asked_for_is_not_changed_by_the_memory() -> None:
    explicit = replace(BEGAN, name="explicit")
    plan, reason = resumed_plan(kept(explicit), SMALL, budget(1.0, dequantized_bytes=10))
    assert plan == replace(explicit, weights="use", off={"weights": "too large"})
    assert reason is not None
    baseline = baseline_plan(512)
    assert resumed_plan(kept(baseline), baseline, budget(1.0, dequantized_bytes=10)) == (baseline, None)


def test_fields_of_another_version_are_passed_over_and_said() -> None:
    plan, reason = resumed_plan(kept(BEGAN, warp_drive=True), SMALL, budget(float("inf")))
    assert (plan, reason) == (BEGAN, say("kept-plan-of-other-version", fields=["warp_drive"]))
    older = {name: value for name, value in kept(BEGAN).items() if name != "layout"}
    plan, reason = resumed_plan(older, SMALL, budget(float("inf")))
    assert (plan, reason) == (replace(BEGAN, layout="padded"), say("kept-plan-incomplete", fields=["layout"]))


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (None, "plan"),
        ({}, "name"),
        (kept(BEGAN, tokens_per_micro_batch="many"), "tokens_per_micro_batch"),
        (kept(BEGAN, layout="spiral"), "layout"),
    ],
)
def test_a_plan_that_cannot_be_read_is_chosen_anew(found: object, said: str) -> None:
    plan, reason = resumed_plan(found, SMALL, budget(float("inf")))
    assert plan == SMALL
    assert reason is not None
    assert f"can't be read ({said}" in in_english(reason)


def test_layers_that_are_off_by_now_are_not_used_because_a_checkpoint_says_so() -> None:
    fresh = Plan("auto", 512, False, off={"own_layers": "the model is a Gemma"})
    plan, reason = resumed_plan(kept(BEGAN), fresh, budget(float("inf")))
    assert (plan, reason) == (fresh, say("own-layers-off", reason="the model is a Gemma"))

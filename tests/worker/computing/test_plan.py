"""The plan follows the request, the model and the memory."""

import json
from dataclasses import replace

import pytest
import torch
from pydantic import TypeAdapter
from transformers import LlamaConfig

from bench.weights import SHAPES_2B4
from services.worker.computing.engine.head import bytes_at_once
from services.worker.computing.plan import memory_budget as budget_module
from services.worker.computing.plan.activations import EngineActivations, ModelActivations
from services.worker.computing.plan.memory_budget import (
    MemoryBudget,
    free_memory_bytes,
    micro_batch_cost_tokens,
)
from services.worker.computing.plan.plan import Plan, choose_plan
from services.worker.computing.plan.workload import UNKNOWN_WORKLOAD, Workload
from shared.messages.message import say
from shared.messages.render import in_english
from shared.schemas.hyperparameters import ExplicitPlan

CPU = torch.device("cpu")
CONFIG = LlamaConfig(hidden_size=2560, intermediate_size=7168, num_hidden_layers=30)


WORKLOAD = Workload(own_layers=True, shared_prefix_tokens=33, dequantized_bytes=4 * 1024**3)


def auto(
    monkeypatch: pytest.MonkeyPatch, free_bytes: int | None, workload: Workload = UNKNOWN_WORKLOAD
) -> Plan:
    monkeypatch.setattr(budget_module, "free_memory_bytes", lambda device: free_bytes)
    return choose_plan("auto", config=CONFIG, max_seq_length=512, device=CPU, workload=workload)


def details(plan: Plan) -> str:
    return " ".join(map(in_english, plan.details()))


def own_activations(prefix_tokens: int) -> EngineActivations:
    return EngineActivations(CONFIG, 512, prefix_tokens, head_bytes=bytes_at_once("cpu"))


def test_with_room_micro_batches_are_large_and_nothing_is_computed_twice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plan = auto(monkeypatch, 400 * 1024**3)
    assert (plan.tokens_per_micro_batch, plan.gradient_checkpointing) == (1024, False)


def test_less_room_means_smaller_micro_batches_and_in_the_end_checkpointing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wanted = ModelActivations(CONFIG, 512).largest(512, None)
    assert auto(monkeypatch, int(wanted / 0.4) + 10).tokens_per_micro_batch == 512
    tight = auto(monkeypatch, 1024**3)
    assert (tight.tokens_per_micro_batch, tight.gradient_checkpointing) == (512, True)


def test_baseline_is_the_users_configuration() -> None:
    plan = choose_plan("baseline", config=CONFIG, max_seq_length=512, device=CPU)
    assert (plan.rows_per_micro_batch, plan.pad_to) == (2, 512)
    assert plan.gradient_checkpointing
    assert plan.attention_mask
    assert plan.full_logits


def test_an_explicit_plan_is_taken_as_it_is() -> None:
    wanted = ExplicitPlan(tokens_per_micro_batch=777, gradient_checkpointing=True)
    plan = choose_plan(wanted, config=CONFIG, max_seq_length=512, device=CPU)
    assert (plan.name, plan.tokens_per_micro_batch, plan.gradient_checkpointing) == ("explicit", 777, True)
    assert plan.pad_to is None


def test_auto_uses_all_speed_ups_that_can_be_used(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = auto(monkeypatch, 400 * 1024**3, WORKLOAD)
    assert (plan.own_layers, plan.layout, plan.shared_prefix_tokens, plan.weights) == (
        True,
        "flat",
        33,
        "run",
    )
    assert not plan.off
    assert "shared prefix of 33 tokens" in details(plan)


def test_weights_are_not_kept_where_they_would_take_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = auto(monkeypatch, 6 * 1024**3, WORKLOAD)
    assert plan.weights == "use"
    assert in_english(plan.described()).endswith("One speed-up is not used.")
    assert "weights is not used. The dequantized weights would take 4.29 GB, but only" in details(plan)


def test_less_memory_means_every_second_layer_recomputed_and_then_every_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    activations = own_activations(WORKLOAD.shared_prefix_tokens)
    whole, half, every = (activations.largest(512, every) for every in (None, 2, 1))
    for budget, expected in ((whole, (False, 1)), (half, (True, 2)), (every, (True, 1)), (1, (True, 1))):
        plan = auto(monkeypatch, int(budget / 0.4) + 10, WORKLOAD)
        assert (plan.gradient_checkpointing, plan.recompute_every) == expected
        assert plan.tokens_per_micro_batch == 512


EXAONE = LlamaConfig(**SHAPES_2B4)
FULL, SHORT = (
    Workload(True, dequantized_bytes=4_286_054_400, longest_row=512, mean_row=mean, step_tokens=16 * mean)
    for mean in (512.0, 28.0)
)
RTX_3050, H200 = 8e12, 7e14  # what they do in large products


def micro_batches(
    free_gb: float, workload: Workload, flops_per_second: float, prefix_tokens: int = 0
) -> tuple[int, int | None]:
    activations = EngineActivations(
        EXAONE, 512, prefix_tokens, whole_scores=False, head_bytes=bytes_at_once("cuda")
    )
    cost = micro_batch_cost_tokens(EXAONE, flops_per_second)
    return MemoryBudget(activations, free_gb * 1e9, workload, "cuda", cost).best_micro_batches()


def test_a_small_card_computes_nothing_twice_while_smaller_micro_batches_still_fit() -> None:
    """The reference user's: what its 6 GB leave beside the base model and a desktop, and less."""
    seen = [micro_batches(free, FULL, RTX_3050) for free in (0.5, 1.0, 1.3, 2.4, 3.7, 80)]
    assert seen == [(512, 1), (768, 1), (512, 2), (512, None), (1024, None), (4096, None)]


def test_a_large_card_held_to_little_memory_takes_fewer_micro_batches_instead() -> None:
    """Measured there in 3.5 GB: 2,048 tokens all recomputed 0.91 s a step of full rows, 1,024 and every
    second layer 1.34, 512 and nothing recomputed 1.90. Short rows are one micro-batch anyway.
    """
    assert micro_batches(3.54, FULL, H200) == (2048, 1)
    assert micro_batches(3.54, SHORT, H200, prefix_tokens=40)[1] is None


def test_what_a_micro_batch_costs_is_said_in_powers_of_two() -> None:
    costs = [micro_batch_cost_tokens(EXAONE, speed) for speed in (0.0, 7e12, 7.2e12, H200)]
    assert costs == [64, 128, 128, 4096]


def test_an_adapter_s_gradient_and_moments_must_fit_too(monkeypatch: pytest.MonkeyPatch) -> None:
    plans = [
        auto(monkeypatch, 13 * 1024**3, replace(WORKLOAD, adapter_parameters=count))
        for count in (10**6, 600 * 10**6)
    ]
    assert [plan.gradient_checkpointing for plan in plans] == [False, True]


def test_kept_weights_leave_less_for_activations() -> None:
    activations = own_activations(0)
    bare = activations.largest(512, None) / 0.4
    workload = Workload(own_layers=True, dequantized_bytes=int(bare))
    budget = MemoryBudget(activations, 3 * bare, workload)
    assert budget.weights == "use"
    assert budget.keeps_weights(forbearance=1.5)
    beside = MemoryBudget(activations, 1.9 * bare, workload)
    assert beside.fits(512, None, weights="use")
    assert not beside.fits(512, None, weights="run")


def test_what_must_fit_are_the_rows_at_hand_not_the_longest_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(budget_module, "free_memory_bytes", lambda device: 8 * 1024**3)
    allowed, short = (
        choose_plan("auto", config=CONFIG, max_seq_length=2048, device=CPU, workload=workload)
        for workload in (WORKLOAD, replace(WORKLOAD, longest_row=100))
    )
    assert allowed.gradient_checkpointing
    assert not short.gradient_checkpointing


def test_a_long_shared_prefix_is_part_of_what_must_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    """It comes on top of a micro-batch's budget."""
    free = int(own_activations(33).largest(1024, None) / 0.4) + 10
    assert auto(monkeypatch, free, WORKLOAD).tokens_per_micro_batch == 1024
    assert auto(monkeypatch, free, replace(WORKLOAD, shared_prefix_tokens=400)).tokens_per_micro_batch == 512


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_memory_that_torch_keeps_of_an_earlier_job_counts_as_free() -> None:
    card = torch.device("cuda")
    before = free_memory_bytes(card)
    torch.empty(2**28, dtype=torch.uint8, device=card)
    assert free_memory_bytes(card) == before


def test_a_model_without_written_out_layers_keeps_its_own_forward_and_says_why(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bloom = say("model-is-no-llama", model_class="BloomForCausalLM")
    plan = auto(monkeypatch, None, Workload(off={"own_layers": bloom}))
    assert (plan.own_layers, plan.layout, plan.shared_prefix_tokens) == (False, "padded", 0)
    assert "own_layers is not used. Tunedock's own layers are not written for the class Bloom" in details(
        plan
    )


def test_its_weights_are_kept_dequantized_too_where_there_is_room_for_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    models_own = Workload(dequantized_bytes=4 * 1024**3)
    plan = auto(monkeypatch, 400 * 1024**3, models_own)
    assert (plan.own_layers, plan.weights, dict(plan.off)) == (False, "run", {})
    assert "dequantized once for the whole run" in details(plan)
    assert plan.attention == "short_rows"
    assert "attention over short rows" in details(plan)
    assert auto(monkeypatch, 400 * 1024**3, WORKLOAD).attention == "model"
    plan = auto(monkeypatch, 6 * 1024**3, models_own)
    assert plan.weights == "use"
    assert "weights is not used. The dequantized weights would take 4.29 GB" in details(plan)


@pytest.mark.parametrize("own_layers", [False, True])
def test_of_weights_that_are_not_quantized_nothing_is_said(
    monkeypatch: pytest.MonkeyPatch, own_layers: bool
) -> None:
    plan = auto(monkeypatch, 400 * 1024**3, Workload(own_layers=own_layers))
    assert plan.weights == "use"
    assert "dequantized" not in details(plan)


def test_a_plan_survives_a_checkpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = auto(monkeypatch, 6 * 1024**3, WORKLOAD)
    assert plan.off["weights"] == say("weights-not-kept", wanted_bytes=4 * 1024**3, free_bytes=6 * 1024.0**3)
    assert TypeAdapter(Plan).validate_python(json.loads(json.dumps(plan.as_dict()))) == plan


def test_a_reason_that_a_version_before_messages_stored_is_told_as_it_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stored = auto(monkeypatch, 6 * 1024**3, WORKLOAD).as_dict() | {"off": {"weights": "4 bytes of 2 free"}}
    plan = TypeAdapter(Plan).validate_python(stored)
    assert details(plan).endswith("weights is not used. 4 bytes of 2 free")


def test_the_baseline_takes_no_speed_up() -> None:
    plan = choose_plan("baseline", config=CONFIG, max_seq_length=512, device=CPU, workload=WORKLOAD)
    assert plan.speed_ups == ()


def test_plans_that_the_estimate_can_hardly_tell_apart_are_named_quickest_first() -> None:
    """On the reference card, and of short rows all of which are one micro-batch anyway."""
    activations = EngineActivations(EXAONE, 512, 0, whole_scores=False, head_bytes=bytes_at_once("cuda"))

    def close(free_gb: float, workload: Workload, speed: float) -> list[tuple[int, int | None]]:
        cost = micro_batch_cost_tokens(EXAONE, speed)
        budget = MemoryBudget(activations, free_gb * 1e9, workload, "cuda", cost)
        choices = budget.close_choices()
        assert [budget.best_micro_batches()] == choices[:1] or not choices
        return choices

    assert close(80, FULL, RTX_3050) == [(4096, None), (2048, None), (1024, None)]
    assert close(80, SHORT, RTX_3050) == [(4096, None)]
    assert close(0.1, FULL, RTX_3050) == []

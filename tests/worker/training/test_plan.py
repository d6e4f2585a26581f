"""The plan follows the request, the model and the memory."""

import json
from dataclasses import replace

import pytest
import torch
from transformers import LlamaConfig

from bench.weights import SHAPES_2B4
from services.worker.training import plan as plan_module
from services.worker.training.activations import ModelsOwnActivations, OwnActivations
from services.worker.training.engine.head import LOGITS_AT_ONCE
from services.worker.training.plan import (
    NO_LEVERS,
    Levers,
    Plan,
    Room,
    choose_plan,
    fitting,
    free_memory_bytes,
)
from shared.schemas import ExplicitPlan

CPU = torch.device("cpu")
CONFIG = LlamaConfig(hidden_size=2560, intermediate_size=7168, num_hidden_layers=30)


LEVERS = Levers(own_layers=True, shared_prefix_tokens=33, dequantized_bytes=4 * 1024**3)


def auto(
    monkeypatch: pytest.MonkeyPatch, free_bytes: int | None, levers: Levers = NO_LEVERS
) -> plan_module.Plan:
    monkeypatch.setattr(plan_module, "free_memory_bytes", lambda device: free_bytes)
    return choose_plan("auto", config=CONFIG, max_seq_length=512, device=CPU, levers=levers)


def own_activations(prefix_tokens: int) -> OwnActivations:
    return OwnActivations(CONFIG, 512, prefix_tokens, logits_at_once=LOGITS_AT_ONCE["cpu"])


def test_with_room_micro_batches_are_large_and_nothing_is_computed_twice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plan = auto(monkeypatch, 400 * 1024**3)
    assert (plan.tokens_per_micro_batch, plan.gradient_checkpointing) == (1024, False)


def test_less_room_means_smaller_micro_batches_and_in_the_end_checkpointing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wanted = ModelsOwnActivations(CONFIG, 512).largest(512, None)
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


def test_auto_uses_all_levers_that_can_be_used(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = auto(monkeypatch, 400 * 1024**3, LEVERS)
    assert (plan.own_layers, plan.layout, plan.shared_prefix_tokens, plan.weights) == (
        True,
        "flat",
        33,
        "run",
    )
    assert not plan.off
    assert "shared prefix of 33 tokens" in plan.described()


def test_weights_are_not_kept_where_they_would_take_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = auto(monkeypatch, 6 * 1024**3, LEVERS)
    assert plan.weights == "use"
    assert "weights off: 4294967296 bytes of 6442450944 free" in plan.described()


def test_less_memory_means_every_second_layer_recomputed_and_then_every_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    activations = own_activations(LEVERS.shared_prefix_tokens)
    whole, half = (activations.largest(512, every) for every in (None, 2))
    for room, expected in ((whole, (False, 1)), (half, (True, 2)), (half - 1000, (True, 1))):
        plan = auto(monkeypatch, int(room / 0.4) + 10, LEVERS)
        assert (plan.gradient_checkpointing, plan.recompute_every) == expected


def test_a_card_computes_nothing_twice_while_smaller_micro_batches_still_fit() -> None:
    """For the reference user's card: what its 6 GB leave beside the base model and a desktop."""
    exaone = LlamaConfig(**SHAPES_2B4)
    activations = OwnActivations(exaone, 512, whole_scores=False, logits_at_once=LOGITS_AT_ONCE["cuda"])
    levers = Levers(own_layers=True, dequantized_bytes=4_286_054_400)
    seen = [
        fitting(Room(activations, levers.dequantized_bytes, free * 1e9, "cuda"), levers)
        for free in (1.2, 2.4, 3.5, 80)
    ]
    assert seen == [(1024, 1), (512, None), (768, None), (4096, None)]


def test_kept_weights_leave_less_for_activations() -> None:
    activations = own_activations(0)
    bare = activations.largest(512, None) / 0.4
    room = Room(activations, int(bare), 3 * bare)
    assert room.keeps_weights() is False
    assert room.keeps_weights(forbearance=1.5)
    beside = Room(activations, int(bare), 1.9 * bare)
    assert beside.fits(512, None)
    assert not beside.fits(512, None, weights="run")


def test_what_must_fit_are_the_rows_at_hand_not_the_longest_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan_module, "free_memory_bytes", lambda device: 8 * 1024**3)
    allowed, short = (
        choose_plan("auto", config=CONFIG, max_seq_length=2048, device=CPU, levers=levers)
        for levers in (LEVERS, replace(LEVERS, longest_row=100))
    )
    assert allowed.gradient_checkpointing
    assert not short.gradient_checkpointing


def test_a_long_shared_prefix_is_part_of_what_must_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    """It comes on top of a micro-batch's budget."""
    free = int(own_activations(33).largest(1024, None) / 0.4) + 10
    assert auto(monkeypatch, free, LEVERS).tokens_per_micro_batch == 1024
    assert auto(monkeypatch, free, replace(LEVERS, shared_prefix_tokens=400)).tokens_per_micro_batch == 512


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
    plan = auto(monkeypatch, None, Levers(off={"own_layers": "the model is a Gemma"}))
    assert (plan.own_layers, plan.layout, plan.shared_prefix_tokens) == (False, "padded", 0)
    assert "own_layers off: the model is a Gemma" in plan.described()


def test_a_plan_survives_a_checkpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = auto(monkeypatch, 6 * 1024**3, LEVERS)
    assert Plan(**json.loads(json.dumps(plan.as_dict()))) == plan


def test_the_baseline_takes_no_lever() -> None:
    plan = choose_plan("baseline", config=CONFIG, max_seq_length=512, device=CPU, levers=LEVERS)
    assert plan.levers == ()

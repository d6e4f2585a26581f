"""The plan follows the request, the model and the memory."""

import pytest
import torch
from transformers import LlamaConfig

from services.worker.training import plan as plan_module
from services.worker.training.plan import activation_bytes_per_token, choose_plan
from shared.schemas import ExplicitPlan

CPU = torch.device("cpu")
CONFIG = LlamaConfig(hidden_size=2560, intermediate_size=7168, num_hidden_layers=30)


def auto(monkeypatch: pytest.MonkeyPatch, free_bytes: int | None) -> plan_module.Plan:
    monkeypatch.setattr(plan_module, "free_memory_bytes", lambda device: free_bytes)
    return choose_plan("auto", config=CONFIG, max_seq_length=512, device=CPU)


def test_with_room_micro_batches_are_large_and_nothing_is_computed_twice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plan = auto(monkeypatch, 400 * 1024**3)
    assert (plan.tokens_per_micro_batch, plan.gradient_checkpointing) == (1024, False)


def test_less_room_means_smaller_micro_batches_and_in_the_end_checkpointing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    per_token = activation_bytes_per_token(CONFIG)
    assert auto(monkeypatch, int(512 * per_token / 0.4) + 10).tokens_per_micro_batch == 512
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

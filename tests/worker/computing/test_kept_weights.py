"""A model's own forward with its 4-bit weights dequantized once: the same numbers, the model unchanged."""

import gc
import weakref
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import bitsandbytes
import pytest
import torch
from torch import Tensor

from services.worker.adapters.lora import attached, lora_config, trained_parameters
from services.worker.computing.batching import target_count
from services.worker.computing.forward import Forward, choose_forward
from services.worker.computing.plan.plan import Plan
from services.worker.explaining.wide_arithmetic import in_fp32
from services.worker.models.load import LoadedModel
from services.worker.text.marked_text import TokenRow
from shared.schemas.hyperparameters import Lora
from tests.worker.computing.operator_count import DEQUANTIZING, OperatorCount
from tests.worker.computing.test_engine import CPU, make_rows

KEPT = Plan("explicit", 70, gradient_checkpointing=False, weights="run")
ROWS = make_rows(learned=0.5)


@contextmanager
def a_run(base: LoadedModel, plan: Plan) -> Iterator[tuple[Forward, dict[str, Any]]]:
    """In which `base` computes as `plan` says, and its adapter's parameters."""
    with attached(base, lora_config(Lora(r=4, alpha=8), base), seed=1) as adapted:
        parameters = trained_parameters(adapted)
        generator = torch.Generator().manual_seed(0)
        for parameter in parameters.values():
            torch.nn.init.normal_(parameter, std=0.05, generator=generator)
        base.model.train()
        forward = choose_forward(base.model, plan, CPU)
        forward.run_begins()
        try:
            yield forward, parameters
        finally:
            forward.run_over()


def loss_and_gradients(
    forward: Forward, parameters: dict[str, Any], rows: list[TokenRow]
) -> tuple[float, list[Tensor]]:
    total, count = 0.0, target_count(rows)
    for batch in forward.batches(rows):
        share = forward.loss(batch, 1.0 / count)
        share.backward()
        total += float(share.detach())
    forward.step_over()
    gradients = [parameter.grad for parameter in parameters.values()]
    for parameter in parameters.values():
        parameter.grad = None
    return total, gradients


def four_bit_layers(base: LoadedModel) -> list[Any]:
    return [part for part in base.model.modules() if isinstance(part, bitsandbytes.nn.Linear4bit)]


@pytest.mark.parametrize("recomputed", [False, True], ids=["nothing recomputed", "all recomputed"])
def test_weights_that_are_kept_change_not_a_bit(llama_nf4: LoadedModel, recomputed: bool) -> None:
    kept = replace(KEPT, gradient_checkpointing=recomputed)
    found = {}
    for plan in (kept, replace(kept, weights="use")):
        with a_run(llama_nf4, plan) as (forward, parameters):
            found[plan.weights] = loss_and_gradients(forward, parameters, ROWS)
    assert found["run"][0] == found["use"][0]
    for kept_one, other in zip(found["run"][1], found["use"][1], strict=True):
        assert torch.equal(kept_one, other)


def test_each_weight_is_dequantized_once_in_a_run_instead_of_twice_in_a_micro_batch(
    llama_nf4: LoadedModel,
) -> None:
    times, micro_batches = Counter[str](), 0
    for plan in (KEPT, replace(KEPT, weights="use")):
        with a_run(llama_nf4, plan) as (forward, parameters), OperatorCount(DEQUANTIZING) as seen:
            micro_batches = len(list(forward.batches(ROWS)))
            for _ in range(3):
                loss_and_gradients(forward, parameters, ROWS)
            times[plan.weights] = seen.times
    layers = len(four_bit_layers(llama_nf4))
    assert micro_batches > 1
    assert times["run"] == layers
    assert times["use"] >= 3 * micro_batches * (2 * layers - 7)  # nothing goes back through the first layer's


def test_after_a_run_the_model_is_what_it_was_and_the_wide_weights_are_gone(llama_nf4: LoadedModel) -> None:
    with a_run(llama_nf4, KEPT) as (forward, parameters):
        loss_and_gradients(forward, parameters, ROWS)
        matrices = forward._weights._matrices  # type: ignore[attr-defined]
        alive = [weakref.ref(matrix) for matrix in matrices.values()]
        assert len(alive) == len(four_bit_layers(llama_nf4))
    assert not any("forward" in vars(layer) for layer in four_bit_layers(llama_nf4))
    del forward, matrices
    gc.collect()
    assert not any(reference() is not None for reference in alive)


def test_another_plan_of_the_same_run_goes_on_with_the_weights_that_are_there(
    llama_nf4: LoadedModel,
) -> None:
    with a_run(llama_nf4, KEPT) as (forward, parameters):
        loss_and_gradients(forward, parameters, ROWS)
        assert forward.by(replace(KEPT, weights="use")) is None
        other = forward.by(replace(KEPT, tokens_per_micro_batch=140))
        assert other is not None
        forward.run_over()
        other.run_begins()
        with OperatorCount(DEQUANTIZING) as seen:
            loss_and_gradients(other, parameters, ROWS)
        assert seen.times == 0


def test_a_trial_in_fp32_still_multiplies_by_fp32_weights(llama_nf4: LoadedModel) -> None:
    losses = {}
    for plan in (KEPT, replace(KEPT, weights="use")):
        with attached(llama_nf4, lora_config(Lora(r=4, alpha=8), llama_nf4), seed=1):
            wide = choose_forward(llama_nf4.model, plan, CPU, fp32=True)
            wide.run_begins()
            with in_fp32(llama_nf4.model), torch.no_grad():
                losses[plan.weights] = [float(wide.loss(batch, 1.0)) for batch in wide.batches(ROWS)]
            wide.run_over()
    assert losses["run"] == losses["use"]

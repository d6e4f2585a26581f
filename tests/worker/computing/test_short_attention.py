"""Attention's own backward pass for short rows: torch's numbers, and torch's kernel for all else."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

from services.worker.computing import short_attention
from services.worker.computing.plan.plan import Plan, baseline_plan
from services.worker.computing.short_attention import WIDEST, attention
from services.worker.models.load import LoadedModel
from tests.worker.computing.operator_count import ATTENTION_BACKWARD, OperatorCount
from tests.worker.computing.test_engine import assert_same, make_rows
from tests.worker.computing.test_kept_weights import a_run, loss_and_gradients

SHORT = Plan("explicit", 70, gradient_checkpointing=False, attention="short_rows")
ROWS = make_rows(learned=0.5)


def states(width: int, *, heads: int, keys: int, dtype: torch.dtype = torch.float32) -> list[Tensor]:
    """Queries, keys and values as a model's projections leave them: heads are a transposed view."""
    draw = torch.Generator().manual_seed(width)
    return [
        torch.randn(3, width, count, 16, generator=draw, dtype=dtype).transpose(1, 2).requires_grad_()
        for count in (heads, keys, keys)
    ]


def through(function: Any, made: list[Tensor], mask: Tensor | None = None, **more: Any) -> list[Tensor]:
    """The output, the gradients, and as a tensor how often torch's backward kernel ran."""
    groups = made[0].shape[1] // made[1].shape[1]
    module = SimpleNamespace(num_key_value_groups=groups, is_causal=True)
    with OperatorCount(ATTENTION_BACKWARD) as seen:
        out, _ = function(module, *made, mask, **{"scaling": 0.3, **more})
        gradients = torch.autograd.grad(out, made, torch.ones_like(out).cumsum(1))
    return [out, *gradients, torch.tensor(seen.times)]


@pytest.mark.parametrize(("heads", "keys"), [(4, 4), (6, 2), (3, 1)])
@pytest.mark.parametrize("width", [2, 33, WIDEST])
def test_gradients_are_those_of_torchs_kernel(heads: int, keys: int, width: int) -> None:
    made = states(width, heads=heads, keys=keys)
    found, expected = through(attention, made), through(sdpa_attention_forward, made)
    assert torch.equal(found[0], expected[0])
    for gradient, other in zip(found[1:4], expected[1:4], strict=True):
        torch.testing.assert_close(gradient, other, rtol=1e-4, atol=1e-4 * float(other.abs().max()))
    assert [int(made_by[4]) for made_by in (found, expected)] == [0, 1]


CHANGES: dict[str, dict[str, Any]] = {
    "a longer row": {"width": WIDEST + 1},
    "a mask": {"mask": torch.ones(1, 1, 9, 9, dtype=torch.bool).tril(2)},
    "no causal order": {"is_causal": False},
    "a single token": {"width": 1},
}


@pytest.mark.parametrize("changes", CHANGES.values(), ids=CHANGES)
def test_what_it_is_not_made_for_is_left_to_torch(changes: dict[str, Any]) -> None:
    rest = dict(changes)
    made = states(rest.pop("width", 9), heads=4, keys=2)
    found, expected = through(attention, made, **rest), through(sdpa_attention_forward, made, **rest)
    for one, other in zip(found, expected, strict=True):
        assert torch.equal(one, other)


def test_without_a_backward_pass_nothing_is_kept_for_one() -> None:
    module: Any = SimpleNamespace(num_key_value_groups=2, is_causal=True)
    query, key, value = states(9, heads=4, keys=2)
    with torch.no_grad():
        out, _ = attention(module, query, key, value, None, scaling=0.3)
    assert out.grad_fn is None


@pytest.mark.parametrize("recomputed", [False, True], ids=["nothing recomputed", "all recomputed"])
def test_a_run_has_the_same_loss_to_the_bit_and_the_same_gradients(
    llama: LoadedModel, recomputed: bool
) -> None:
    found = {}
    for plan in (SHORT, replace(SHORT, attention="model")):
        plan = replace(plan, gradient_checkpointing=recomputed)
        with a_run(llama, plan) as (forward, parameters), OperatorCount(ATTENTION_BACKWARD) as seen:
            loss, gradients = loss_and_gradients(forward, parameters, ROWS)
        found[plan.attention] = (loss, dict(zip(parameters, gradients, strict=True)))
        assert bool(seen.times) == (plan.attention == "model")
    assert found["short_rows"][0] == found["model"][0]
    assert_same(found["short_rows"], found["model"])


def test_in_bf16_queries_of_any_dtype_go_the_way_that_autocast_sends_them(llama_nf4: LoadedModel) -> None:
    """The residual stream of a Llama is fp32, so its queries are before autocast makes them narrow."""
    found = {}
    for plan in (SHORT, replace(SHORT, attention="model")):
        with a_run(llama_nf4, plan) as (forward, parameters), OperatorCount(ATTENTION_BACKWARD) as seen:
            loss, gradients = loss_and_gradients(forward, parameters, ROWS)
        found[plan.attention] = loss, torch.cat([gradient.flatten() for gradient in gradients])
        assert bool(seen.times) == (plan.attention == "model")
    assert found["short_rows"][0] == found["model"][0]
    assert torch.cosine_similarity(found["short_rows"][1], found["model"][1], 0) > 0.999


@contextmanager
def transformers_own() -> Iterator[None]:
    assert ALL_ATTENTION_FUNCTIONS["sdpa"] is sdpa_attention_forward
    yield
    assert ALL_ATTENTION_FUNCTIONS["sdpa"] is sdpa_attention_forward


def test_only_a_run_whose_plan_wants_it_has_it(llama: LoadedModel) -> None:
    with transformers_own(), a_run(llama, SHORT):
        assert ALL_ATTENTION_FUNCTIONS["sdpa"] is attention
    with transformers_own(), a_run(llama, baseline_plan(64)):
        assert ALL_ATTENTION_FUNCTIONS["sdpa"] is sdpa_attention_forward
    with transformers_own():
        short_attention.take_out()

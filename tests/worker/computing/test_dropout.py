"""LoRA's dropout in the engine: the masks that PEFT would apply, by step and row, whatever the split."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from services.worker.adapters.lora import attached, lora_config, trained_parameters
from services.worker.computing.batching import target_count
from services.worker.computing.engine.dropout import MATRICES_OF_A_LAYER, Dropout, token_keys
from services.worker.computing.forward import choose_forward
from services.worker.computing.plan.plan import Plan
from services.worker.computing.validation import mean_loss
from services.worker.models.load import LoadedModel
from services.worker.text.marked_text import TokenRow
from shared.schemas.hyperparameters import Lora
from tests.worker.computing.test_engine import CPU, OWN, assert_same, make_rows
from tests.worker.computing.test_families import PLANS, REFERENCE
from tests.worker.models.tiny_dense import tiny_dense

RATE, SEED = 0.3, 7 << 32 | 5
ORDER = {"q_proj": 0, "qkv_proj": 0, "k_proj": 1, "v_proj": 2, "o_proj": 3, "gate_proj": 4,
         "gate_up_proj": 4, "up_proj": 5, "down_proj": 6}  # fmt: skip


class SameMasks(nn.Module):
    """In place of PEFT's dropout: the engine's masks, for padded rows in their order."""

    def __init__(self, number: int, rows: list[TokenRow]) -> None:
        super().__init__()
        self.dropout, self.rows = Dropout(RATE, number), rows

    def forward(self, x: Tensor) -> Tensor:
        keys = np.concatenate([token_keys(SEED, place, x.shape[1]) for place in range(len(self.rows))])
        kept = self.dropout.drop(x.flatten(0, 1), torch.from_numpy(keys))
        return (kept * self.dropout.scale).view(x.shape)


def loss_and_gradients(
    base: LoadedModel, rows: list[TokenRow], plan: Plan, *, seed: int = SEED, same_masks: bool = False
) -> tuple[float, dict[str, Tensor]]:
    with attached(base, lora_config(Lora(r=4, alpha=8, dropout=RATE), base), seed=1) as adapted:
        parameters = trained_parameters(adapted)
        generator = torch.Generator().manual_seed(0)
        for parameter in parameters.values():
            torch.nn.init.normal_(parameter, std=0.05, generator=generator)
        if same_masks:
            for number, layer in enumerate(base.model.model.layers):
                for path, module in layer.named_modules():
                    if hasattr(module, "lora_dropout"):
                        name = MATRICES_OF_A_LAYER * number + ORDER[path.split(".")[-1]]
                        module.lora_dropout["default"] = SameMasks(name, rows)
        base.model.train()
        forward = choose_forward(base.model, plan, CPU)
        total, count = 0.0, target_count(rows)
        for batch in forward.batches(rows, seed=seed):
            share = forward.loss(batch, 1.0 / count)
            share.backward()
            total += float(share.detach())
        forward.step_over()
        return total, {name: part.grad.clone() for name, part in parameters.items() if part.grad is not None}


@pytest.mark.parametrize("family", ["llama", "phi3", "gemma3"])
@pytest.mark.parametrize("plan", PLANS.values(), ids=PLANS)
def test_with_the_same_masks_peft_s_own_layers_come_to_the_same(family: str, plan: Plan) -> None:
    """Padded, flat, in many micro-batches and recomputed; a prefix is not shared then."""
    base, rows = tiny_dense(family), make_rows(learned=0.5)
    expected = loss_and_gradients(base, rows, REFERENCE, same_masks=True)
    assert_same(loss_and_gradients(base, rows, plan), expected)


def test_masks_follow_the_seed_and_the_row_s_place() -> None:
    base, rows = tiny_dense("llama"), make_rows(learned=0.5)
    first, again = (loss_and_gradients(base, rows, PLANS["flat"]) for _ in range(2))
    assert first[0] == again[0]
    assert all(torch.equal(part, again[1][name]) for name, part in first[1].items())
    assert loss_and_gradients(base, rows, PLANS["flat"], seed=SEED + 1)[0] != pytest.approx(
        first[0], rel=1e-5
    )
    assert loss_and_gradients(base, rows[::-1], PLANS["flat"])[0] != pytest.approx(first[0], rel=1e-5)


def test_two_rows_that_are_one_object_have_masks_of_their_own() -> None:
    base, row = tiny_dense("llama"), make_rows(learned=0.5)[0]
    twice = loss_and_gradients(base, [row, row], PLANS["flat"])
    expected = loss_and_gradients(base, [row, row], REFERENCE, same_masks=True)
    assert_same(twice, expected)
    assert twice[0] != pytest.approx(loss_and_gradients(base, [row], PLANS["flat"])[0], rel=1e-6)


def test_an_evaluation_drops_nothing() -> None:
    base, rows = tiny_dense("llama"), make_rows(learned=0.5)
    losses = []
    for rate in (0.0, RATE):
        with attached(base, lora_config(Lora(r=4, alpha=8, dropout=rate), base), seed=1) as adapted:
            generator = torch.Generator().manual_seed(0)
            for parameter in trained_parameters(adapted).values():
                torch.nn.init.normal_(parameter, std=0.05, generator=generator)
            base.model.train()
            losses.append(mean_loss(base.model, rows, replace(OWN, layout="flat"), device=CPU))
    assert losses[0] == losses[1]


def test_masks_drop_their_share_and_tokens_inputs_and_matrices_have_nothing_in_common() -> None:
    tokens, width, rate = 512, 384, 0.25
    ones, keys = torch.ones(tokens, width), torch.from_numpy(token_keys(0, 3, tokens))
    one, other = (Dropout(rate, number).drop(ones, keys) for number in (3, 4))
    noise = (rate * (1 - rate) / (tokens * width)) ** 0.5
    assert abs(float(one.mean()) - (1 - rate)) < 4 * noise
    assert float((one.mean(0) - (1 - rate)).abs().max()) < 5 * (rate * (1 - rate) / tokens) ** 0.5
    assert float((one.mean(1) - (1 - rate)).abs().max()) < 5 * (rate * (1 - rate) / width) ** 0.5
    for a, b in (
        (one, other),
        (one[1:], one[:-1]),
        (one[:, 1:], one[:, :-1]),
        (one, one.roll(1, 0).roll(1, 1)),
        (one[::2], one[1::2]),
    ):
        both = float((a * b).mean())
        assert abs(both - (1 - rate) ** 2) < 5 * noise

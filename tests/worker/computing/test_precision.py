"""bf16 wherever the base is not fp32, and a word where a card can't do it."""

import pytest
import torch

from services.worker.adapters.lora import attached, lora_config, trained_parameters
from services.worker.computing.forward import choose_forward
from services.worker.computing.plan.plan import Plan
from services.worker.computing.plan.precision import note_on_bf16
from services.worker.models.load import LoadedModel
from services.worker.models.residency import DTYPE
from shared.schemas.hyperparameters import Lora
from tests.worker.computing.test_engine import CPU, OWN, make_rows

SCALE = 1e-9  # fp16 ends at 6e-8


@pytest.mark.parametrize("plan", [OWN, Plan("explicit", 10_000, False)], ids=["own layers", "the model's"])
def test_gradients_too_small_for_fp16_reach_the_adapter_unscaled(llama_nf4: LoadedModel, plan: Plan) -> None:
    """So no loss scaling is needed, which skips steps and makes another curve."""
    assert torch.bfloat16 == DTYPE
    rows = make_rows(learned=0.5)
    norms = []
    for scale in (1.0, SCALE):
        with attached(llama_nf4, lora_config(Lora(r=4, alpha=8), llama_nf4), seed=1) as adapted:
            llama_nf4.model.train()
            forward = choose_forward(llama_nf4.model, plan, CPU)
            for batch in forward.batches(rows):
                forward.loss(batch, scale).backward()
            gradients = [p.grad for p in trained_parameters(adapted).values() if p.grad is not None]
            assert {gradient.dtype for gradient in gradients} == {torch.float32}
            norms.append(float(torch.cat([gradient.flatten() for gradient in gradients]).norm()))
    assert norms[1] == pytest.approx(SCALE * norms[0], rel=0.02)


def test_a_card_without_bf16_arithmetic_is_told_of_and_others_are_not() -> None:
    assert note_on_bf16((7, 5)) == "7.5"
    assert note_on_bf16((6, 1)) is not None
    assert [note_on_bf16(card) for card in ((8, 0), (8, 6), (12, 0))] == [None] * 3

"""The loss of a step is the same however it is split, padded or chunked."""

import numpy as np
import pytest
import torch
from torch import Tensor

from services.worker.adapters.lora import attached, lora_config, trained_parameters
from services.worker.computing import loss as loss_module
from services.worker.computing.batching import micro_batches, target_count
from services.worker.computing.loss import choose_loss, head_stands_alone
from services.worker.computing.plan.plan import Plan
from services.worker.computing.validation import mean_loss
from services.worker.models.load import LoadedModel
from services.worker.text.marked_text import TokenRow
from shared.schemas.hyperparameters import Lora

CPU = torch.device("cpu")
WHOLE = Plan("explicit", tokens_per_micro_batch=10_000, gradient_checkpointing=False)
PLANS = {
    "uneven micro-batches": Plan("explicit", tokens_per_micro_batch=70, gradient_checkpointing=False),
    "one row each": Plan("explicit", tokens_per_micro_batch=1, gradient_checkpointing=False),
    "padded with a mask": Plan(
        "baseline", 0, False, rows_per_micro_batch=3, pad_to=64, attention_mask=True, full_logits=True
    ),
    "padded without a mask": Plan("explicit", 0, False, rows_per_micro_batch=3, pad_to=64),
    "all logits": Plan(
        "explicit", tokens_per_micro_batch=10_000, gradient_checkpointing=False, full_logits=True
    ),
    "checkpointed": Plan("explicit", tokens_per_micro_batch=100, gradient_checkpointing=True),
}


@pytest.fixture
def rows() -> list[TokenRow]:
    random = np.random.default_rng(0)

    def row(length: int) -> TokenRow:
        targets = random.random(length) < 0.4
        targets[0], targets[-1] = False, True
        return TokenRow(random.integers(3, 500, length).astype(np.int32), targets)

    return [row(length) for length in (33, 5, 64, 12, 41, 7, 7)]


def loss_and_gradients(
    base: LoadedModel, rows: list[TokenRow], plan: Plan
) -> tuple[float, dict[str, Tensor]]:
    """With an adapter whose B matrices are not zero, so that every weight has a gradient."""
    with attached(base, lora_config(Lora(r=4, alpha=8), base), seed=1) as adapted:
        parameters = trained_parameters(adapted)
        for parameter in parameters.values():
            torch.nn.init.normal_(parameter, std=0.05, generator=torch.Generator().manual_seed(0))
        base.model.train()
        if plan.gradient_checkpointing:
            base.model.activation_checkpointing_enable()
        loss_of = choose_loss(base.model, full_logits=plan.full_logits)
        total, targets = 0.0, target_count(rows)
        for batch in micro_batches(rows, plan, CPU):
            share = loss_of(batch, 1.0 / targets)
            share.backward()
            total += float(share.detach())
        base.model.activation_checkpointing_disable()
        base.model.disable_input_require_grads()
        gradients = {name: parameter.grad for name, parameter in parameters.items()}
        return total, {name: gradient.clone() for name, gradient in gradients.items() if gradient is not None}


@pytest.mark.parametrize("plan", PLANS.values(), ids=PLANS)
def test_no_plan_changes_the_loss_or_its_gradient(
    llama: LoadedModel, rows: list[TokenRow], plan: Plan
) -> None:
    expected, expected_gradients = loss_and_gradients(llama, rows, WHOLE)
    loss, gradients = loss_and_gradients(llama, rows, plan)
    assert loss == pytest.approx(expected, rel=1e-6)
    assert gradients.keys() == expected_gradients.keys()
    for name, gradient in gradients.items():
        torch.testing.assert_close(gradient, expected_gradients[name], rtol=1e-4, atol=1e-7)


def test_chunks_of_targets_give_the_same_loss_and_gradient(
    llama: LoadedModel, rows: list[TokenRow], monkeypatch: pytest.MonkeyPatch
) -> None:
    expected, expected_gradients = loss_and_gradients(llama, rows, WHOLE)
    monkeypatch.setattr(loss_module, "LOGITS_AT_ONCE", 7 * llama.model.config.vocab_size)
    loss, gradients = loss_and_gradients(llama, rows, WHOLE)
    assert loss == pytest.approx(expected, rel=1e-6)
    for name, gradient in gradients.items():
        torch.testing.assert_close(gradient, expected_gradients[name], rtol=1e-4, atol=1e-7)


def test_the_loss_is_the_mean_over_targets_by_the_definition(
    llama: LoadedModel, rows: list[TokenRow]
) -> None:
    """Each row alone through the plain model, log-softmax by hand."""
    total = 0.0
    for row in rows:
        ids = torch.from_numpy(row.ids.astype(np.int64)).unsqueeze(0)
        with torch.no_grad():
            log_p = llama.model(ids).logits[0].double().log_softmax(-1)
        total -= sum(float(log_p[at - 1, row.ids[at]]) for at in np.flatnonzero(row.targets))
    mean = total / target_count(rows)
    assert mean_loss(llama.model, rows, WHOLE, device=CPU) == pytest.approx(mean, rel=1e-5)


def test_a_model_that_changes_its_logits_after_the_head_is_found_out(
    llama: LoadedModel, rows: list[TokenRow]
) -> None:
    """As Gemma's soft cap does, here by a hook on the whole model."""
    assert head_stands_alone(llama.model)

    def cap(module: torch.nn.Module, inputs: object, output: object) -> object:
        output.logits = 3.0 * torch.tanh(output.logits / 3.0)  # type: ignore[attr-defined]
        return output

    hook = llama.model.register_forward_hook(cap)
    try:
        assert not head_stands_alone(llama.model)
        capped = mean_loss(llama.model, rows, WHOLE, device=CPU)
        assert capped == mean_loss(llama.model, rows, PLANS["all logits"], device=CPU)
    finally:
        hook.remove()
    assert capped != pytest.approx(mean_loss(llama.model, rows, WHOLE, device=CPU), rel=1e-3)


def test_a_head_that_is_trained_gets_its_gradient(llama: LoadedModel, rows: list[TokenRow]) -> None:
    head = llama.model.get_output_embeddings()
    head.weight.requires_grad_(True)
    try:
        assert not head_stands_alone(llama.model)
    finally:
        head.weight.requires_grad_(False)

"""Putting an adapter on the base and taking it off leaves no trace."""

import pytest
import torch
from torch import Tensor

from services.worker.adapters.lora import (
    adapter_weights,
    attached,
    lora_config,
    set_adapter_weights,
    trained_parameters,
)
from services.worker.failures import FailureCode, JobFailed
from services.worker.models.load import LoadedModel
from shared.schemas.hyperparameters import Lora

IDS = torch.arange(1, 33).reshape(2, 16)


def traits(base: LoadedModel) -> tuple[list[tuple[str, type]], dict[str, tuple[bool, torch.dtype]], set[str]]:
    model = base.model
    classes = [(name, type(module)) for name, module in model.named_modules()]
    parameters = {name: (p.requires_grad, p.dtype) for name, p in model.named_parameters()}
    hooks = {
        name
        for name, module in model.named_modules()
        if module._forward_hooks or module._forward_pre_hooks or module.training
    }
    return classes, parameters, hooks


@torch.no_grad()
def logits(base: LoadedModel) -> Tensor:
    out: Tensor = base.model(IDS).logits
    return out


@pytest.mark.parametrize("name", ["llama", "llama_nf4", "exaone"])
def test_the_base_is_bit_equal_after_an_adapter_was_trained_on_it(
    name: str, request: pytest.FixtureRequest
) -> None:
    base: LoadedModel = request.getfixturevalue(name)
    before, before_logits, attributes = traits(base), logits(base), set(vars(base.model))
    with attached(base, lora_config(Lora(), base), seed=3) as adapted:
        base.model.train()
        base.model.activation_checkpointing_enable()
        optimizer = torch.optim.SGD(list(trained_parameters(adapted).values()), lr=1.0)
        base.model(IDS, labels=IDS).loss.backward()
        optimizer.step()
        assert not torch.equal(logits(base), before_logits)
        base.model.activation_checkpointing_disable()
        base.model.disable_input_require_grads()
    assert traits(base) == before
    assert torch.equal(logits(base), before_logits)
    assert set(vars(base.model)) - attributes <= {"_require_grads_hooks", "_require_grads_hook"}
    assert not hasattr(base.model, "peft_config")


def test_the_base_is_taken_back_when_the_work_on_it_fails(llama: LoadedModel) -> None:
    before = traits(llama)
    with pytest.raises(KeyError), attached(llama, lora_config(Lora(), llama)):
        raise KeyError
    assert traits(llama) == before


def test_adapter_weights_are_fp32_on_a_bf16_base(llama_nf4: LoadedModel) -> None:
    with attached(llama_nf4, lora_config(Lora(), llama_nf4)) as adapted:
        assert {weight.dtype for weight in trained_parameters(adapted).values()} == {torch.float32}


def test_the_seed_decides_where_an_adapter_starts(llama: LoadedModel) -> None:
    def start(seed: int) -> Tensor:
        with attached(llama, lora_config(Lora(), llama), seed=seed) as adapted:
            return adapter_weights(adapted)[
                "base_model.model.model.layers.0.mlp.up_proj.lora_A.weight"
            ].clone()

    assert torch.equal(start(1), start(1))
    assert not torch.equal(start(1), start(2))


def test_all_linear_means_all_but_the_head(llama: LoadedModel) -> None:
    config = lora_config(Lora(), llama)
    expected = {"q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"}
    assert set(config.target_modules) == expected


def test_an_unknown_layer_name_is_a_failure_that_lists_the_known_ones(llama: LoadedModel) -> None:
    with pytest.raises(JobFailed, match="named c_fc_9") as failed:
        lora_config(Lora(target_modules=["q_proj", "c_fc_9"]), llama)
    assert failed.value.failure.code == FailureCode.TARGET_MODULES_UNKNOWN
    assert "o_proj, q_proj, up_proj" in failed.value.failure.remedy


def test_exaone_layers_may_be_asked_for_by_their_own_names(exaone: LoadedModel) -> None:
    config = lora_config(Lora(target_modules=["q_proj", "out_proj", "c_fc_0"]), exaone)
    assert set(config.target_modules) == {"q_proj", "o_proj", "gate_proj"}


def test_weights_of_another_shape_are_not_written_into_an_adapter(llama: LoadedModel) -> None:
    with attached(llama, lora_config(Lora(r=4), llama)) as adapted:
        small = {name: weight.clone() for name, weight in adapter_weights(adapted).items()}
    with (
        attached(llama, lora_config(Lora(r=8), llama)) as adapted,
        pytest.raises(ValueError, match="28 of its weights"),
    ):
        set_adapter_weights(adapted, small)

"""Every family that the engine describes: its loss and gradients are those of transformers' own classes."""

from collections.abc import Iterator
from dataclasses import fields, replace
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from torch import Tensor
from transformers import PreTrainedConfig

from services.worker.computing.engine import attention as attention_module
from services.worker.computing.engine import forward as forward_module
from services.worker.computing.engine import weights as weights_module
from services.worker.computing.engine.description import (
    EXPERTS,
    MUST_BE_OFF,
    Description,
    NotDescribed,
    describe,
)
from services.worker.computing.engine.elementwise import Activation
from services.worker.computing.engine.model_parts import why_not
from services.worker.computing.engine.traits import FAMILIES
from services.worker.computing.plan.plan import baseline_plan
from services.worker.computing.plan.workload import workload_of
from services.worker.models.load import LoadedModel
from services.worker.text.marked_text import TokenRow
from shared.messages.message import say
from shared.messages.render import in_english
from tests.worker.computing.test_engine import (
    CPU,
    OWN,
    PREFIX,
    WIDTH,
    assert_same,
    loss_and_gradients,
    make_rows,
)
from tests.worker.models.tiny_dense import DENSE, tiny_dense

PLANS = {
    "padded": replace(OWN, tokens_per_micro_batch=150),
    "flat": replace(OWN, layout="flat"),
    "prefix": replace(OWN, layout="flat", shared_prefix_tokens=PREFIX, tokens_per_micro_batch=70),
    "recomputed": replace(OWN, layout="flat", shared_prefix_tokens=PREFIX, gradient_checkpointing=True),
}
REFERENCE = replace(baseline_plan(WIDTH), gradient_checkpointing=False, rows_per_micro_batch=9)


@cache
def base(family: str) -> LoadedModel:
    return tiny_dense(family)


@cache
def reference(family: str) -> tuple[float, dict[str, Tensor]]:
    return loss_and_gradients(base(family), make_rows(learned=0.5), REFERENCE)


@pytest.mark.parametrize("family", DENSE)
def test_a_family_s_loss_and_gradients_are_those_of_its_own_class_in_every_plan(family: str) -> None:
    assert why_not(base(family).model, longest_row=64) is None
    for plan in PLANS.values():
        assert_same(loss_and_gradients(base(family), make_rows(learned=0.5), plan), reference(family))


@pytest.mark.parametrize("family", DENSE)
def test_in_bf16_a_family_s_gradients_are_no_further_off_than_its_own_class_s(family: str) -> None:
    """Off from the same weights in fp32. A single loss is off by chance: both by some 1e-4."""
    rounded, rows = tiny_dense(family, torch.bfloat16), make_rows(learned=0.5)
    found, own = (loss_and_gradients(rounded, rows, plan) for plan in (PLANS["prefix"], REFERENCE))
    rounded.model.float()
    exact = loss_and_gradients(rounded, rows, REFERENCE)
    assert found[0] == pytest.approx(exact[0], rel=5e-4)
    assert _distance(found[1], exact[1]) < 1.15 * _distance(own[1], exact[1])


def _distance(some: dict[str, Tensor], others: dict[str, Tensor]) -> float:
    assert some.keys() == others.keys()
    return float(torch.cat([(some[name] - others[name]).flatten() for name in some]).norm())


def _without_one_trait(described: Description) -> Iterator[tuple[str, Description]]:
    """The description without each of the things that tell the family from others."""
    traits, scales = described.traits, described.scales
    for name in ("embeddings", "updates", "scores", "score_cap", "logits", "logit_cap"):
        if getattr(scales, name) is not None:
            yield name, replace(described, scales=replace(scales, **{name: None}))
    if any(described.windows):
        yield "windows", replace(described, windows=(None,) * described.layers)
        longer = tuple(window and window + 1 for window in described.windows)
        yield "a window of one more", replace(described, windows=longer)
    if len(set(described.angles)) > 1:
        yield "angles of a layer", replace(described, angles=described.angles[::-1])
    if traits.norm_offset:
        yield "norm_offset", replace(described, traits=replace(traits, norm_offset=0.0))
    if traits.head_norms:
        yield "head_norms", replace(described, traits=replace(traits, head_norms=False))
    if traits.before and traits.after:
        yield "after", replace(described, traits=replace(traits, after=None))
        yield "before", replace(described, traits=replace(traits, before=None))
    if any(angles is not None for angles in described.angles):
        interleaved = replace(traits, interleaved=not traits.interleaved)
        yield "interleaved", replace(described, traits=interleaved)
        yield "angles", replace(described, angles=(None,) * described.layers)
    other: Activation = "gelu" if described.activation == "silu" else "silu"
    yield "activation", replace(described, activation=other)


_WITHOUT_EFFECT = {
    ("hyperclovax-pre-norm", "after"),  # its configuration has none
    ("olmo3-one-angle", "angles of a layer"),  # both types of layers have the same
}


@pytest.mark.parametrize("family", DENSE)
def test_a_family_s_loss_would_be_another_without_any_of_its_traits(
    family: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that no trait of the description is there for nothing, and none goes untested."""
    described, rows = describe(base(family).model.config), make_rows(learned=0.5)
    for trait, other in _without_one_trait(described):
        if (family, trait) in _WITHOUT_EFFECT:
            continue
        monkeypatch.setattr(forward_module, "describe", lambda config, other=other: other)
        loss, _ = loss_and_gradients(base(family), rows, PLANS["flat"])
        assert loss != pytest.approx(reference(family)[0], rel=1e-5), trait


@pytest.mark.parametrize("family", ["llama-biases", "qwen2", "qwen3-biases-yarn"])
def test_biases_are_added(family: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights_module, "_biases", lambda layers, dtype, joined: [None] * len(layers))
    loss, _ = loss_and_gradients(base(family), make_rows(learned=0.5), PLANS["flat"])
    assert loss != pytest.approx(reference(family)[0], rel=1e-5)


@pytest.mark.parametrize("family", ["gemma2", "gemma3", "mistral-window", "smollm3", "phi3-longrope"])
def test_a_family_s_attention_by_torchs_own_backward_is_the_same(
    family: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a card without a kernel for rows of many lengths."""
    monkeypatch.setattr(attention_module, "own_backward", lambda device: False)
    assert_same(loss_and_gradients(base(family), make_rows(learned=0.5), PLANS["prefix"]), reference(family))


@pytest.mark.parametrize(
    ("family", "targets"),
    [
        ("phi3", ["qkv_proj"]),
        ("phi3", ["gate_up_proj", "o_proj"]),
        ("qwen3", ["k_proj", "down_proj"]),
        ("exaone4", ["v_proj", "up_proj"]),
        ("olmo2", ["q_proj"]),
    ],
)
def test_an_adapter_sits_on_the_layers_that_a_family_really_has(family: str, targets: list[str]) -> None:
    found, expected = (
        loss_and_gradients(base(family), make_rows(learned=0.5), plan, targets)
        for plan in (PLANS["prefix"], REFERENCE)
    )
    assert {name.split(".")[-4] for name in found[1]} == set(targets)
    assert_same(found, expected)


def test_a_window_longer_than_the_rows_takes_the_usual_mask() -> None:
    assert attention_module._hidden(5, 3, 2, torch.float32, CPU, 8) is attention_module._hidden(
        5, 3, 2, torch.float32, CPU, None
    )
    assert attention_module._hidden(5, 3, 2, torch.float32, CPU, 7) is not attention_module._hidden(
        5, 3, 2, torch.float32, CPU, None
    )


def test_a_window_sees_so_many_keys_with_its_own_token_within_the_prefix_too() -> None:
    seen = attention_module._hidden(3, 4, 1, torch.float32, CPU, 2) == 0
    assert [row.nonzero().flatten().tolist() for row in seen] == [[3, 4], [4, 5], [5, 6]]


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "dropout in attention": ({"attention_dropout": 0.1}, "attention_dropout is 0.1"),
    "attention to both sides": ({"use_bidirectional_attention": True}, "use_bidirectional_attention is True"),
    "an unknown activation": ({"hidden_act": "relu2"}, "hidden_act is relu2"),
    "experts": ({"num_local_experts": 8}, "mixture of experts (8)"),
    "images": ({"vision_config": {}}, "images or sound (vision_config)"),
    "linear attention": ({"layer_types": ["linear_attention", "full_attention"]}, "type linear_attention"),
    "a window of nothing": ({"layer_types": ["sliding_attention"] * 2}, "sliding_window is None"),
    "unknown angles": ({"rope_parameters": {"rope_type": "new", "rope_theta": 1.0}}, "rope_type is new"),
}


@pytest.mark.parametrize(("fields", "reason"), REFUSED.values(), ids=REFUSED)
def test_what_no_description_fits_is_refused_with_its_reason(fields: dict[str, Any], reason: str) -> None:
    config = DENSE["qwen2"]()
    for name, value in fields.items():
        object.__setattr__(config, name, value)
    with pytest.raises(NotDescribed) as error:
        describe(config)
    assert reason in in_english(error.value.reason)


def test_a_class_without_a_description_is_refused_by_its_name() -> None:
    config = transformers.BloomConfig(vocab_size=8, hidden_size=8, n_layer=1, n_head=1)
    with pytest.raises(NotDescribed) as error:
        describe(config, "BloomForCausalLM")
    assert "class BloomForCausalLM" in in_english(error.value.reason)
    with pytest.raises(NotDescribed):
        describe(DENSE["llama"](), "LlamaForSequenceClassification")


def test_a_layer_with_a_part_of_its_own_is_refused_by_that_part(monkeypatch: pytest.MonkeyPatch) -> None:
    model = tiny_dense("llama").model
    model.model.layers[1].mlp.extra_proj = torch.nn.Linear(4, 4)
    reason = why_not(model, longest_row=64)
    assert reason is not None
    assert "layers.1.mlp.extra_proj" in in_english(reason)
    model = tiny_dense("llama").model
    model.model.layers[0].self_attn.sinks = torch.nn.Parameter(torch.zeros(4))
    reason = why_not(model, longest_row=64)
    assert reason is not None
    assert "layers.0.self_attn.sinks" in in_english(reason)


def test_rows_beyond_the_length_from_which_angles_depend_on_others_are_refused() -> None:
    """LongRoPE: a micro-batch's longest row decides for all rows in it."""
    model = base("phi3-longrope").model
    assert why_not(model, longest_row=64) is None
    reason = why_not(model, longest_row=65)
    assert reason is not None
    assert "65 tokens" in in_english(reason)


def test_a_validation_row_beyond_that_length_sends_the_whole_run_through_the_model_s_own_layers() -> None:
    """A validation computes in the layers of the run, and would rotate its shorter rows by the longest."""
    model, learned = base("phi3-longrope").model, make_rows(learned=0.5)
    held_out = [TokenRow(np.ones(length, np.int32), np.ones(length, np.bool_)) for length in (64, 65)]
    fitting, too_long = (
        workload_of(model, learned, dropout=0.0, rows_per_step=4, validation_rows=rows)
        for rows in (held_out[:1], held_out)
    )
    assert fitting.own_layers
    assert not too_long.own_layers
    assert too_long.off == {"own_layers": say("rows-too-long-for-angles", longest=65, most=64)}
    assert too_long.longest_row == fitting.longest_row == 64  # a step has none but learned rows


def test_no_field_of_a_described_configuration_is_unknown() -> None:
    """A later transformers may add one that changes what is computed: then it must be read, or named here."""
    read = {
        "num_hidden_layers", "hidden_size", "intermediate_size", "num_attention_heads", "num_key_value_heads",
        "head_dim", "hidden_act", "hidden_activation", "sliding_window", "layer_types", "rope_parameters",
        "no_rope_layers", "embedding_multiplier", "residual_multiplier", "attention_multiplier",
        "logits_scaling", "query_pre_attn_scalar", "attn_logit_softcapping", "final_logit_softcapping",
        "max_position_embeddings", "original_max_position_embeddings", "shared_intermediate_size",
        "position_embedding_type", *EXPERTS, *MUST_BE_OFF,
    }  # fmt: skip
    seen_in_the_modules = {
        "rms_norm_eps", "attention_bias", "attention_out_bias", "mlp_bias", "use_bias", "use_post_norm",
        "tie_word_embeddings", "vocab_size",
    }  # fmt: skip
    without_effect = {
        "initializer_range", "use_cache", "pad_token_id", "bos_token_id", "eos_token_id", "pretraining_tp",
        "default_theta",
        # They only make `layer_types`, `sliding_window` and `no_rope_layers`, which are read.
        "use_sliding_window", "max_window_layers", "sliding_window_pattern", "no_rope_layer_interval",
        # Set to an error where Olmo 2 and 3 lack what Olmo has.
        "clip_qkv",
        # Of experts and recurrent layers, which are refused.
        "num_experts_per_tok", "output_router_logits", "router_aux_loss_coef", "time_step_limit",
    }  # fmt: skip
    common = {field.name for field in fields(PreTrainedConfig)}
    for config in FAMILIES:
        own = {field.name for field in fields(config) if not field.name.startswith("mamba_")} - common
        assert own <= read | seen_in_the_modules | without_effect, config.__name__

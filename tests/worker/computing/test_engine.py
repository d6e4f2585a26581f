"""The engine computes what the model's own layers do, in every layout, to fp32 accuracy."""

from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import bitsandbytes
import numpy as np
import pytest
import torch
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from torch import Tensor

from services.worker.adapters.lora import attached, lora_config, trained_parameters
from services.worker.computing.batching import target_count
from services.worker.computing.engine import attention as attention_module
from services.worker.computing.engine import forward as forward_module
from services.worker.computing.engine import head as head_module
from services.worker.computing.engine.elementwise import add_norm
from services.worker.computing.engine.layout import pack
from services.worker.computing.engine.lora import AdaptedLinears
from services.worker.computing.engine.model_parts import adapted_linears
from services.worker.computing.forward import choose_forward
from services.worker.computing.plan import workload as workload_module
from services.worker.computing.plan.plan import Plan, baseline_plan
from services.worker.computing.plan.workload import common_prefix, workload_of
from services.worker.computing.validation import mean_loss
from services.worker.models.load import LoadedModel
from services.worker.text.marked_text import TokenRow
from shared.messages.message import say
from shared.messages.render import in_english
from shared.schemas.hyperparameters import Lora
from tests.tiny_models import make_tiny_exaone
from tests.worker.training.tiny_bases import load

CPU = torch.device("cpu")
PREFIX, WIDTH = 9, 64
OWN = Plan("explicit", 10_000, gradient_checkpointing=False, own_layers=True)
PLANS = {
    "own layers": OWN,
    "own layers, small micro-batches": replace(OWN, tokens_per_micro_batch=70),
    "flat": replace(OWN, layout="flat"),
    "flat, small micro-batches": replace(OWN, layout="flat", tokens_per_micro_batch=70),
    "shared prefix": replace(OWN, shared_prefix_tokens=PREFIX),
    "flat, shared prefix": replace(OWN, layout="flat", shared_prefix_tokens=PREFIX),
    "flat, part of the prefix": replace(OWN, layout="flat", shared_prefix_tokens=1),
    "flat, shared prefix, one row each": replace(
        OWN, layout="flat", shared_prefix_tokens=PREFIX, tokens_per_micro_batch=1
    ),
    "flat, shared prefix, recomputed": replace(
        OWN, layout="flat", shared_prefix_tokens=PREFIX, gradient_checkpointing=True
    ),
    "flat, every second layer recomputed": replace(
        OWN, layout="flat", gradient_checkpointing=True, recompute_every=2
    ),
}
TARGETS = {
    "all linear layers": "all-linear",
    "queries and values": ["q_proj", "v_proj"],
    "one in the middle": ["up_proj"],
    "after attention": ["o_proj", "down_proj"],
}


def make_rows(*, learned: float) -> list[TokenRow]:
    """Rows that share their first 9 tokens, one of them nothing else and one a token more; `learned` is the
    share of targets, which differ even within the prefix.
    """
    random = np.random.default_rng(0)
    prefix = random.integers(3, 500, PREFIX)

    def row(own: int) -> TokenRow:
        targets = random.random(PREFIX + own) < learned
        targets[0], targets[-1] = False, True
        return TokenRow(np.append(prefix, random.integers(3, 500, own)).astype(np.int32), targets)

    return [row(own) for own in (33, 5, WIDTH - PREFIX, 12, 0, 7, 7, 1, 40)]


@pytest.fixture(scope="module")
def untied_exaone(tmp_path_factory: pytest.TempPathFactory) -> LoadedModel:
    return load(make_tiny_exaone(tmp_path_factory.mktemp("models") / "untied", tied=False), "none")


@pytest.fixture(params=["llama", "exaone", "untied_exaone"])
def base(request: pytest.FixtureRequest) -> LoadedModel:
    found: LoadedModel = request.getfixturevalue(request.param)
    return found


def loss_and_gradients(
    base: LoadedModel, rows: list[TokenRow], plan: Plan, targets: str | list[str] = "all-linear"
) -> tuple[float, dict[str, Tensor]]:
    """Of a step, with an adapter whose B matrices are not zero, so that every weight has a gradient."""
    lora = Lora.model_validate({"r": 4, "alpha": 8, "target_modules": targets})
    with attached(base, lora_config(lora, base), seed=1) as adapted:
        parameters = trained_parameters(adapted)
        generator = torch.Generator().manual_seed(0)
        for parameter in parameters.values():
            torch.nn.init.normal_(parameter, std=0.05, generator=generator)
        base.model.train()
        forward = choose_forward(base.model, plan, CPU)
        total, count = 0.0, target_count(rows)
        for batch in forward.batches(rows):
            share = forward.loss(batch, 1.0 / count)
            share.backward()
            total += float(share.detach())
        forward.step_over()
        return total, {
            name: parameter.grad.clone()
            for name, parameter in parameters.items()
            if parameter.grad is not None
        }


def assert_same(
    found: tuple[float, dict[str, Tensor]], expected: tuple[float, dict[str, Tensor]], *, rtol: float = 1e-4
) -> None:
    assert found[0] == pytest.approx(expected[0], rel=1e-6)
    assert found[1].keys() == expected[1].keys()
    for name, gradient in found[1].items():
        largest = float(expected[1][name].abs().max())
        torch.testing.assert_close(
            gradient, expected[1][name], rtol=rtol, atol=1e-5 * largest + 1e-9, msg=name
        )


@pytest.mark.parametrize("learned", [0.3, 1.0], ids=["some tokens learned", "all tokens learned"])
@pytest.mark.parametrize("plan", PLANS.values(), ids=PLANS)
def test_no_speed_up_changes_the_loss_or_its_gradient(base: LoadedModel, plan: Plan, learned: float) -> None:
    """Against two rows at a time through the model's own forward, padded to the full length with a mask."""
    rows = make_rows(learned=learned)
    baseline = replace(baseline_plan(WIDTH), gradient_checkpointing=False)
    assert_same(loss_and_gradients(base, rows, plan), loss_and_gradients(base, rows, baseline))


@pytest.mark.parametrize("targets", TARGETS.values(), ids=TARGETS)
def test_an_adapter_may_sit_on_any_layers(llama: LoadedModel, targets: str | list[str]) -> None:
    rows = make_rows(learned=0.5)
    plan = PLANS["flat, shared prefix"]
    expected = loss_and_gradients(llama, rows, Plan("explicit", 10_000, False), targets)
    assert_same(loss_and_gradients(llama, rows, plan, targets), expected)


def test_rows_of_every_length_pack_exactly(llama: LoadedModel) -> None:
    random = np.random.default_rng(3)
    rows = [
        TokenRow(random.integers(3, 500, length).astype(np.int32), np.arange(length) > 0)
        for length in range(1, 33)
    ]
    plan = replace(OWN, layout="flat", tokens_per_micro_batch=200)
    assert_same(
        loss_and_gradients(llama, rows, plan), loss_and_gradients(llama, rows, Plan("explicit", 200, False))
    )


@settings(max_examples=12, deadline=None, phases=[Phase.generate])  # shrinking would take minutes
@given(
    own=st.lists(st.integers(0, 24), min_size=1, max_size=7),
    prefix=st.integers(1, 40),
    shared=st.integers(0, 40),
    tokens=st.integers(1, 120),
    layout=st.sampled_from(["flat", "padded"]),
)
def test_any_split_of_any_rows_has_the_same_loss_and_gradient(
    llama: LoadedModel,
    own: list[int],
    prefix: int,
    shared: int,
    tokens: int,
    layout: Literal["flat", "padded"],
) -> None:
    """Prefixes longer than the budget too, and rows that are nothing but prefix."""
    random = np.random.default_rng(prefix)
    begin = random.integers(3, 500, prefix)

    def row(length: int) -> TokenRow:
        ids = np.append(begin, random.integers(3, 500, length)).astype(np.int32)
        return TokenRow(ids, np.arange(len(ids)) > 0)

    rows = [row(length) for length in (*own, 3)]
    plan = replace(OWN, layout=layout, shared_prefix_tokens=shared, tokens_per_micro_batch=tokens)
    whole = Plan("explicit", 10_000, gradient_checkpointing=False, full_logits=True)
    assert_same(loss_and_gradients(llama, rows, plan), loss_and_gradients(llama, rows, whole))


def test_rows_that_are_all_alike_are_computed_once(llama: LoadedModel) -> None:
    row = make_rows(learned=1.0)[0]
    plan = replace(OWN, layout="flat", shared_prefix_tokens=len(row))
    forward = choose_forward(llama.model, plan, CPU)
    (batch,) = forward.batches([row] * 5)
    assert batch.real_tokens == 5 * len(row)
    assert batch.computed_tokens == len(row)  # the last one too, as part of the prefix
    assert_same(loss_and_gradients(llama, [row] * 5, plan), loss_and_gradients(llama, [row] * 5, OWN))


@pytest.mark.parametrize(("in_product", "in_softmax"), [(7, 7), (7, 3), (7, 1), (1000, 2), (3, 7)])
def test_chunks_of_logits_give_the_same_loss_and_gradient(
    llama: LoadedModel, in_product: int, in_softmax: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows, plan = make_rows(learned=0.5), PLANS["flat, shared prefix"]
    expected = loss_and_gradients(llama, rows, plan)
    monkeypatch.setitem(head_module.LOGITS_AT_ONCE, "cpu", in_product * llama.model.config.vocab_size)
    monkeypatch.setitem(head_module.PROBABILITIES_AT_ONCE, "cpu", in_softmax * llama.model.config.vocab_size)
    assert_same(loss_and_gradients(llama, rows, plan), expected)


def test_attention_by_torchs_own_backward_is_the_same(
    llama: LoadedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a card."""
    rows, plan = make_rows(learned=0.5), PLANS["flat, shared prefix"]
    expected = loss_and_gradients(llama, rows, plan)
    monkeypatch.setattr(attention_module, "own_backward", lambda device: False)
    assert_same(loss_and_gradients(llama, rows, plan), expected)
    recomputed = replace(plan, gradient_checkpointing=True)
    assert_same(loss_and_gradients(llama, rows, recomputed), expected)


def test_how_long_weights_stay_dequantized_changes_nothing(llama_nf4: LoadedModel) -> None:
    rows = make_rows(learned=0.5)
    results = [
        loss_and_gradients(llama_nf4, rows, replace(PLANS["flat, small micro-batches"], weights=keep))
        for keep in ("use", "run")
    ]
    for loss, gradients in results[1:]:
        assert loss == results[0][0]
        assert all(torch.equal(gradient, results[0][1][name]) for name, gradient in gradients.items())


@pytest.mark.parametrize("named", [torch.float32, torch.float16])
def test_a_quantized_checkpoint_may_name_another_dtype_to_compute_in(
    llama_nf4: LoadedModel, named: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = make_rows(learned=0.5)
    expected, _ = loss_and_gradients(llama_nf4, rows, PLANS["flat"])
    for module in llama_nf4.model.modules():
        if isinstance(module, bitsandbytes.nn.Linear4bit):
            monkeypatch.setattr(module, "compute_dtype", named)
    assert loss_and_gradients(llama_nf4, rows, PLANS["flat"])[0] == expected


def test_the_residual_stream_is_fp32_over_a_bf16_base(
    llama_nf4: LoadedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As PEFT's preparation for training has it, in the model's own layers and in the engine's."""
    rows, layers = make_rows(learned=0.5), llama_nf4.model.model.layers
    assert llama_nf4.model.get_input_embeddings().weight.dtype == torch.bfloat16
    seen: list[torch.dtype] = []
    hooks = [layer.register_forward_hook(lambda _, __, out: seen.append(out.dtype)) for layer in layers]
    loss_and_gradients(llama_nf4, rows, Plan("explicit", 10_000, False))
    for hook in hooks:
        hook.remove()
    assert seen[-len(layers) :] == [torch.float32] * len(layers)  # earlier ones only ask about the head

    streams: set[torch.dtype] = set()

    def watched(x: Tensor, *others: Any) -> tuple[Tensor, Tensor]:
        total, normed = add_norm(x, *others)
        streams.update((x.dtype, total.dtype))
        return total, normed

    monkeypatch.setattr(forward_module, "add_norm", watched)
    loss_and_gradients(llama_nf4, rows, PLANS["flat, shared prefix"])
    assert streams == {torch.float32}


def test_in_bf16_the_flat_layout_rounds_as_the_model_does(llama_nf4: LoadedModel) -> None:
    rows = make_rows(learned=0.5)
    loss, gradients = loss_and_gradients(llama_nf4, rows, PLANS["flat"])
    expected, expected_gradients = loss_and_gradients(llama_nf4, rows, Plan("explicit", 10_000, False))
    assert loss == pytest.approx(expected, rel=1e-4)
    ours = torch.cat([gradients[name].flatten() for name in expected_gradients])
    theirs = torch.cat([gradient.flatten() for gradient in expected_gradients.values()])
    assert torch.cosine_similarity(ours, theirs, dim=0) > 0.999


def test_a_young_adapter_s_share_is_not_rounded_away(llama_nf4: LoadedModel) -> None:
    """It is smaller than the last bit of the base's output, to which bf16 would round their sum."""
    with attached(llama_nf4, lora_config(Lora(r=4, alpha=8), llama_nf4), seed=1):
        attention = llama_nf4.model.model.layers[0].self_attn
        adapted = adapted_linears([attention.q_proj, attention.k_proj], "use", torch.bfloat16)
        for adapter in adapted.adapters:
            torch.nn.init.constant_(adapter.b, 1e-6)
        x = torch.randn(
            3, attention.q_proj.in_features, generator=torch.Generator().manual_seed(0)
        ).bfloat16()
        share = (x @ adapted.stacked_a(x.dtype).t()) @ adapted.stacked_b(x.dtype).t()
        base = AdaptedLinears(adapted.weights, [])(x)
        assert (base + share == base).float().mean() > 0.9
        assert torch.equal(adapted(x) - base.float(), (base.float() + share) - base.float())
        assert (adapted(x)[:, : share.shape[1] // 2] != base[:, : share.shape[1] // 2]).float().mean() > 0.9


def test_the_adapter_and_its_gradients_stay_fp32_over_a_bf16_base(llama_nf4: LoadedModel) -> None:
    _, gradients = loss_and_gradients(llama_nf4, make_rows(learned=0.5), PLANS["flat, shared prefix"])
    assert gradients
    assert all(gradient.dtype == torch.float32 for gradient in gradients.values())


def test_a_packed_row_does_not_see_its_neighbours_and_starts_at_position_zero(llama: LoadedModel) -> None:
    """Packing without restarts would change a row's loss with the rows beside it."""
    rows = make_rows(learned=1.0)
    plan = PLANS["flat"]
    alone = sum(mean_loss(llama.model, [row], plan, device=CPU) * target_count([row]) for row in rows)
    together = mean_loss(llama.model, rows, plan, device=CPU) * target_count(rows)
    assert together == pytest.approx(alone, rel=1e-6)


def test_the_first_token_of_a_packed_row_is_no_target() -> None:
    rows = [TokenRow(np.arange(3, 8, dtype=np.int32), np.ones(5, dtype=np.bool_)) for _ in range(3)]
    batch = pack(rows, CPU)
    assert batch.labels.tolist() == [4, 5, 6, 7] * 3
    assert batch.sources.tolist() == list(range(12))  # the last tokens aren't there


def test_what_no_target_sees_is_not_computed() -> None:
    """Neither a row's last target nor what follows it; the first token's row has nothing to learn."""
    answer = np.array([False, False, True, True, False, False])
    rows = [
        TokenRow(np.arange(3, 9, dtype=np.int32), answer),
        TokenRow(np.arange(2, dtype=np.int32), answer[:2]),
    ]
    batch = pack(rows, CPU)
    assert batch.ids.tolist() == [3, 4, 5, 0]
    assert (batch.sources.tolist(), batch.labels.tolist()) == ([1, 2], [5, 6])
    assert batch.real_tokens == 8


def test_a_token_that_is_also_the_padding_is_learned(llama: LoadedModel) -> None:
    """The padding's id is 0; rows that end in it lose no target."""
    rows = [TokenRow(np.array([5, 9, 7, 0], np.int32)[:length], np.arange(length) > 0) for length in (4, 3)]
    rows.append(TokenRow(np.array([0, 0], np.int32), np.array([False, True])))
    for plan in (PLANS["own layers"], PLANS["flat"], replace(baseline_plan(8), gradient_checkpointing=False)):
        assert_same(
            loss_and_gradients(llama, rows, plan), loss_and_gradients(llama, rows, Plan("explicit", 1, False))
        )


def test_a_prefix_is_computed_once_and_its_targets_count_for_every_row() -> None:
    rows = make_rows(learned=1.0)
    batch = pack(rows, CPU, prefix_tokens=PREFIX)
    assert batch.computed_tokens == PREFIX + sum(max(row.needed - PREFIX, 0) for row in rows)
    assert batch.label_rows.sum() == target_count(rows)
    assert batch.label_rows[: PREFIX - 1].tolist() == [len(rows)] * (PREFIX - 1)


def test_the_common_prefix_ends_where_any_row_differs_or_ends() -> None:
    def row(*ids: int) -> TokenRow:
        return TokenRow(np.array(ids, np.int32), np.ones(len(ids), dtype=np.bool_))

    assert common_prefix([row(1, 2, 3, 4), row(1, 2, 3, 5), row(1, 2, 3)]) == 3
    assert common_prefix([row(1, 2), row(2, 2)]) == 0


def test_speed_ups_say_why_they_are_off(llama: LoadedModel, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = make_rows(learned=1.0)
    assert workload_of(llama.model, rows, dropout=0.0, rows_per_step=4).shared_prefix_tokens == PREFIX
    dropping = workload_of(llama.model, rows, dropout=0.1, rows_per_step=4)
    assert (dropping.own_layers, dropping.shared_prefix_tokens) == (True, 0)
    assert "dropout is 0.1" in in_english(dropping.off["shared_prefix"])
    assert workload_of(llama.model, [rows[0]], dropout=0.0, rows_per_step=4).off == {}
    length = workload_module.LONGEST_ROW + 1
    too_long = TokenRow(np.zeros(length, dtype=np.int32), np.ones(length, dtype=bool))
    off = workload_of(llama.model, [too_long], dropout=0.0, rows_per_step=4).off["own_layers"]
    assert "The longest row has 2,049" in in_english(off)
    monkeypatch.setattr(workload_module, "SHORTEST_PREFIX", PREFIX + 1)
    off = workload_of(llama.model, rows, dropout=0.0, rows_per_step=4).off["shared_prefix"]
    assert "first 9 tokens" in in_english(off)
    monkeypatch.setattr(llama.model.config, "attention_dropout", 0.1)
    assert workload_of(llama.model, rows, dropout=0.0, rows_per_step=4).off == {
        "own_layers": say("own-layers-not-for-setting", setting="attention_dropout", value="0.1")
    }


def test_the_base_is_not_changed_by_a_bit(llama_nf4: LoadedModel, tmp_path: Path) -> None:
    before = {name: tensor.clone() for name, tensor in llama_nf4.model.state_dict().items()}
    for keep in ("use", "run"):
        loss_and_gradients(
            llama_nf4, make_rows(learned=0.5), replace(PLANS["flat, shared prefix"], weights=keep)
        )
    after = llama_nf4.model.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(tensor, after[name]) for name, tensor in before.items())


def test_training_goes_on_learning_after_an_evaluation(llama_nf4: LoadedModel) -> None:
    """On CPUs with AVX512-BF16 an evaluation of a 4-bit layer would repack its weight in place."""
    rows, plan = make_rows(learned=0.5), PLANS["flat, shared prefix"]
    before = loss_and_gradients(llama_nf4, rows, plan)
    own = mean_loss(llama_nf4.model, rows, Plan("explicit", 10_000, False), device=CPU)
    loss, gradients = loss_and_gradients(llama_nf4, rows, plan)
    assert loss == before[0]
    assert all(torch.equal(gradient, before[1][name]) for name, gradient in gradients.items())
    assert mean_loss(llama_nf4.model, rows, plan, device=CPU) == pytest.approx(own, rel=1e-3)

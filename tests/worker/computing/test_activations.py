"""The memory estimates, against the tensors that autograd really keeps."""

from collections.abc import Callable
from itertools import accumulate

import numpy as np
import pytest
import torch
from torch import nn
from transformers import LlamaConfig

from bench.weights import SHAPES_2B4
from services.worker.adapters.lora import attached, lora_config
from services.worker.computing.engine import head as head_module
from services.worker.computing.engine.head import bytes_at_once, cross_entropy
from services.worker.computing.engine.layout import pack
from services.worker.computing.forward import choose_forward
from services.worker.computing.plan.activations import (
    MASKS_KEPT,
    PREFIX_COPIES,
    ROWS_AT_MOST,
    EngineActivations,
    ModelActivations,
    rows_at_most,
)
from services.worker.computing.plan.plan import Plan
from services.worker.models.load import LoadedModel
from services.worker.text.marked_text import TokenRow
from shared.schemas.hyperparameters import Lora
from tests.worker.computing.test_plan import CONFIG
from tests.worker.models.tiny_dense import tiny_dense

CPU = torch.device("cpu")
PREFIX = 96
EVEN, UNEVEN = (24, 24, 24, 24), (40, 33, 24, 14, 9, 5)


def rows_of(lengths: tuple[int, ...], prefix_tokens: int) -> list[TokenRow]:
    """All tokens but the first learned, so that the last layer leaves none out."""
    random = np.random.default_rng(0)
    prefix = random.integers(3, 500, prefix_tokens)

    def row(own: int, first: int) -> TokenRow:
        ids = np.concatenate([prefix, [first], random.integers(3, 500, own - 1)]).astype(np.int32)
        return TokenRow(ids, np.arange(len(ids)) > 0)

    return [row(own, first) for first, own in enumerate(lengths, start=3)]


def saved_bytes(base: LoadedModel, rows: list[TokenRow], plan: Plan) -> tuple[int, int]:
    """Of one micro-batch of all rows: every memory that a saved tensor holds on to, once; and its tokens."""
    storages: dict[int, int] = {}

    def note(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        storages[storage.data_ptr()] = storage.nbytes()
        return tensor

    with attached(base, lora_config(Lora(r=4, alpha=8), base), seed=1):
        base.model.train()
        forward = choose_forward(base.model, plan, CPU)
        (batch,) = forward.batches(rows)
        with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
            loss = forward.loss(batch, 1.0)
        del loss
    return sum(storages.values()), batch.computed_tokens


def saved_bytes_per_token(
    base: LoadedModel, lengths: tuple[int, ...], prefix_tokens: int, plan: Plan
) -> float:
    """By two sizes of a micro-batch, so that what does not depend on its tokens goes out."""
    once, fourfold = (saved_bytes(base, rows_of(lengths * times, prefix_tokens), plan) for times in (1, 4))
    return (fourfold[0] - once[0]) / (fourfold[1] - once[1])


@pytest.mark.parametrize("lengths", [EVEN, UNEVEN], ids=["even rows", "uneven rows"])
@pytest.mark.parametrize("prefix_tokens", [0, PREFIX], ids=["no prefix", "a long prefix"])
def test_what_the_own_layers_keep_of_a_token_is_what_is_reckoned_or_a_little_less(
    llama_nf4: LoadedModel, lengths: tuple[int, ...], prefix_tokens: int
) -> None:
    """With a prefix four times as long as the rows: copies of it, kept for each row, would show."""
    plan = Plan(
        "explicit", 100_000, False, own_layers=True, layout="flat", shared_prefix_tokens=prefix_tokens
    )
    measured = saved_bytes_per_token(llama_nf4, lengths, prefix_tokens, plan)
    reckoned = EngineActivations(llama_nf4.model.config, 200, prefix_tokens).kept(None)
    assert measured <= reckoned <= 1.5 * measured


def test_what_the_models_own_forward_keeps_is_not_more_than_reckoned(llama_nf4: LoadedModel) -> None:
    config = llama_nf4.model.config
    measured = saved_bytes_per_token(llama_nf4, EVEN, 0, Plan("explicit", 100_000, False))
    assert measured <= config.num_hidden_layers * ModelActivations(config, 200).layer


def test_the_more_layers_are_computed_again_the_less_is_kept() -> None:
    for activations in (ModelActivations(CONFIG, 64), EngineActivations(CONFIG, 64)):
        assert activations.largest(1024, 1) < activations.largest(1024, None) / 3
    own = EngineActivations(CONFIG, 64)
    assert own.kept(1) < own.kept(2) < 0.7 * own.kept(None)


@pytest.mark.parametrize(
    ("tokens", "recompute_every", "measured"),
    [(1024, None, 2.34), (512, None, 1.32), (1024, 2, 1.69), (1024, 1, 1.05), (2048, 1, 1.53)],
)
def test_on_a_card_no_more_was_taken_than_is_reckoned(
    tokens: int, recompute_every: int | None, measured: float
) -> None:
    """Peaks above the loaded model, in GB, on an H200: EXAONE-3.5-2.4B's shapes, rows of 512, LoRA on q and v
    (the estimate is for all layers), torch 2.11. The head was reckoned with 8 bytes of each of
    2^25 logits then, and took 14.
    """
    activations = EngineActivations(LlamaConfig(**SHAPES_2B4), 512, whole_scores=False, head_bytes=8 * 2**25)
    reckoned = activations.largest(tokens, recompute_every) / 1e9
    assert measured <= reckoned <= 1.35 * measured


@pytest.mark.parametrize(("in_product", "in_softmax"), [(2**19, 2**17), (2**18, 2**18)])
def test_the_loss_takes_the_memory_that_is_reckoned(
    in_product: int, in_softmax: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(head_module.LOGITS_AT_ONCE, "cpu", in_product)
    monkeypatch.setitem(head_module.PROBABILITIES_AT_ONCE, "cpu", in_softmax)
    batch = pack(rows_of((200, 150, 120), 0), CPU)
    hidden = torch.randn(len(batch.sources), 16, dtype=torch.bfloat16, requires_grad=True)
    head = nn.Linear(16, 4096, bias=False, dtype=torch.bfloat16).requires_grad_(False)
    peak = peak_bytes(lambda: cross_entropy(hidden, head, batch, 1.0))
    assert bytes_at_once("cpu") <= peak <= 1.1 * bytes_at_once("cpu")


def peak_bytes(call: Callable[[], object]) -> int:
    """The most that torch has allocated at a time meanwhile, beyond what there was before."""
    with torch.profiler.profile(
        activities=[torch.profiler.ProfilerActivity.CPU], profile_memory=True
    ) as seen:
        call()
    assert seen.profiler is not None
    events = [event for event in seen.profiler.kineto_results.events() if event.name() == "[memory]"]
    return max(accumulate(event.nbytes() for event in sorted(events, key=lambda event: event.start_ns())))


def test_scores_are_reckoned_once_and_not_for_every_layer(llama_nf4: LoadedModel) -> None:
    config = llama_nf4.model.config
    with_scores, without = (
        EngineActivations(config, 512, whole_scores=whole).largest(512, None) for whole in (True, False)
    )
    stacked = config.num_attention_heads // config.num_key_value_heads
    masks = MASKS_KEPT * stacked * 512 * 512 * 2
    assert with_scores - without == 3 * config.num_attention_heads * 512 * 512 * 2 + masks


def test_a_prefix_comes_on_top_of_the_budget_and_its_copies_on_top_of_both() -> None:
    with_prefix, without = EngineActivations(CONFIG, 700, 600), EngineActivations(CONFIG, 700)
    tokens = with_prefix.largest(512, None) - with_prefix.passing(512)
    assert tokens == (512 + 600) * (with_prefix.kept(None) + with_prefix.layer)
    assert with_prefix.passing(512) > without.passing(512)


def test_copies_of_a_prefix_stay_within_what_the_budget_allows() -> None:
    assert rows_at_most(1024, 0) == rows_at_most(1024, 8) == ROWS_AT_MOST
    for tokens, prefix in ((64, 500), (512, 600), (1024, 2000)):
        assert rows_at_most(tokens, prefix) * prefix <= PREFIX_COPIES * tokens
    assert rows_at_most(1, 2000) == 1


@pytest.mark.parametrize("family", ["qwen2", "qwen3", "gemma2", "gemma3", "phi3", "exaone4", "olmo2"])
def test_what_a_family_s_layers_keep_of_a_token_is_what_is_reckoned_or_a_little_less(family: str) -> None:
    base = tiny_dense(family, torch.bfloat16)
    plan = Plan("explicit", 100_000, False, own_layers=True, layout="flat")
    measured = saved_bytes_per_token(base, EVEN, 0, plan)
    reckoned = EngineActivations(base.model.config, 200).kept(None)
    assert measured <= reckoned <= 1.5 * measured, (measured, reckoned)

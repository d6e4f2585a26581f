"""What is told of a run before it begins is counted and timed on its own rows."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from services.worker.adapters.lora import attached, lora_config, trained_parameters
from services.worker.computing.batching import Schedule, target_count
from services.worker.computing.forward import choose_forward
from services.worker.computing.plan import workload as workload_module
from services.worker.computing.plan.activations import ModelActivations
from services.worker.computing.plan.memory_budget import find_memory_budget
from services.worker.computing.plan.plan import Plan
from services.worker.computing.plan.workload import workload_of
from services.worker.computing.predicting.counted_layers import with_counted
from services.worker.computing.predicting.counted_memory import count_micro_batch
from services.worker.computing.predicting.first_layers import first_layers, layers_of
from services.worker.computing.predicting.forecast import forecast
from services.worker.computing.predicting.live_memory import LiveMemory
from services.worker.computing.predicting.small_run import SmallRun
from services.worker.computing.predicting.step_list import list_steps
from services.worker.computing.predicting.timed_layers import Line, more_layers, time_micro_batches
from services.worker.computing.predicting.trial import Trial
from services.worker.machine.peak_memory import bytes_now
from services.worker.models.load import LoadedModel
from services.worker.text.marked_text import TokenRow
from shared.messages.render import in_english
from shared.schemas.hyperparameters import Lora
from tests.tiny_models import make_tiny_llama
from tests.worker.training.tiny_bases import load

CPU = torch.device("cpu")
PLANS = {
    "the model's own forward": Plan("explicit", 128, False, full_logits=True),
    "everything computed again": Plan("explicit", 128, True, full_logits=True),
    "the model's own forward, weights kept": Plan(
        "explicit", 128, False, full_logits=True, weights="run", attention="short_rows"
    ),
    "own layers": Plan("explicit", 128, False, own_layers=True, layout="flat"),
    "own layers, one in two computed again": Plan(
        "explicit", 128, True, own_layers=True, layout="flat", recompute_every=2
    ),
}


@pytest.fixture(scope="module")
def deep(tmp_path_factory: pytest.TempPathFactory) -> LoadedModel:
    """With eight layers, of which a prediction runs two or four."""
    return load(make_tiny_llama(tmp_path_factory.mktemp("models") / "deep", layers=8), "nf4")


@pytest.fixture(scope="module")
def rows() -> list[TokenRow]:
    random = np.random.default_rng(0)

    def row(length: int) -> TokenRow:
        targets = np.zeros(length, bool)
        targets[length // 2 :] = True
        return TokenRow(random.integers(3, 500, length).astype(np.int32), targets)

    return [row(length) for length in (60, 33, 64, 12, 41, 7, 50, 22)]


@contextmanager
def trial_on(base: LoadedModel, plan: Plan, rows: list[TokenRow]) -> Iterator[Trial]:
    schedule = Schedule.of(len(rows), rows_per_step=4, seed=1, n_epochs=3, max_steps=None)
    with attached(base, lora_config(Lora(r=4, alpha=8), base), seed=1) as adapted:
        yield Trial(base.model, plan, trained_parameters(adapted), rows, schedule, CPU)


def saved_bytes(trial: Trial, rows: list[TokenRow]) -> int:
    """What autograd keeps of the first micro-batch for its backward pass, weights not counted."""
    weights = {tensor.untyped_storage().data_ptr() for tensor in trial.model.parameters()}
    weights |= {tensor.untyped_storage().data_ptr() for tensor in trial.model.buffers()}
    seen: dict[int, Tensor] = {}

    def pack(tensor: Tensor) -> Tensor:
        if (place := tensor.untyped_storage().data_ptr()) not in weights:
            seen[place] = tensor
        return tensor

    forward = choose_forward(trial.model, trial.plan, CPU)
    trial.model.train()
    forward.run_begins()
    try:
        batch = next(iter(forward.batches(rows)))
        with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
            loss = forward.loss(batch, 1.0)
        assert loss.grad_fn is not None
        return sum(tensor.untyped_storage().nbytes() for tensor in seen.values())
    finally:
        forward.run_over()


@pytest.mark.parametrize("name", PLANS)
def test_what_is_counted_as_kept_is_what_a_backward_pass_finds_saved(
    deep: LoadedModel, rows: list[TokenRow], name: str
) -> None:
    with trial_on(deep, PLANS[name], rows) as trial:
        run = trial.run(trial.layers)
        with run.ready() as forward:
            kept = run.held(forward, next(iter(forward.batches(rows)))).kept
        assert kept == pytest.approx(saved_bytes(trial, rows), rel=0.1)


@pytest.mark.parametrize("name", PLANS)
def test_the_peak_of_all_layers_follows_from_a_few(
    deep: LoadedModel, rows: list[TokenRow], name: str
) -> None:
    with trial_on(deep, PLANS[name], rows) as trial:
        steps = list_steps(rows, trial.schedule, trial.plan)
        counted = count_micro_batch(trial, steps, bytes_now(CPU))
        run = trial.run(trial.layers)
        with run.ready() as forward:
            whole = run.held(forward, trial.batch(forward, steps.largest))
        assert counted.activations + counted.logits == pytest.approx(whole.peak, rel=0.1)
        if trial.plan.full_logits:  # of own layers there are few at a time, not always at the peak
            assert counted.logits > 0


def test_tensors_count_while_they_live_and_views_of_others_do_not() -> None:
    weight = torch.ones(4, 100)
    with LiveMemory(wide=100, on_cuda=False) as memory:
        wide = weight + 1
        narrow = wide[:, :10] * 2
        assert memory.live == (400 + 40) * 4
        view = weight.t()
        del wide
        assert memory.live == 40 * 4
        assert (memory.peak, memory.wide_at_peak) == ((400 + 40) * 4, 400 * 4)
    assert view.shape[0] == narrow.shape[1] * 10


def test_a_model_with_its_first_layers_is_afterwards_what_it_was(deep: LoadedModel) -> None:
    ids, model = torch.arange(3, 12).unsqueeze(0), deep.model
    with torch.no_grad():
        before = model(input_ids=ids, use_cache=False).logits
        with first_layers(model, 2):
            layers = layers_of(model)
            assert layers is None  # no list has as many as the configuration says
            assert not torch.equal(model(input_ids=ids, use_cache=False).logits, before)
        assert torch.equal(model(input_ids=ids, use_cache=False).logits, before)


def test_a_forecast_adds_up_the_steps_that_there_are(deep: LoadedModel, rows: list[TokenRow]) -> None:
    with trial_on(deep, PLANS["own layers"], rows) as trial:
        told = forecast(trial, first=0, optimizer_seconds=10.0, validation=rows[:2], before=0)
    assert (told.total, len(told.listed), told.validations) == (6, 6, 3)
    assert told.rest(0) == pytest.approx(sum(told.listed))
    assert all(seconds > 10 for seconds in told.listed)
    assert told.rest(4) == pytest.approx(sum(told.listed[4:]))
    cut = replace(told, listed=told.listed[:2])
    assert cut.rest(0) == pytest.approx(told.listed[0] + told.listed[1] + 4 * cut.mean_step_seconds)


def test_the_weights_and_gradients_are_untouched(deep: LoadedModel, rows: list[TokenRow]) -> None:
    with trial_on(deep, PLANS["everything computed again"], rows) as trial:
        before = {name: parameter.clone() for name, parameter in trial.parameters.items()}
        forecast(trial, first=2, optimizer_seconds=0.0, validation=[], before=0)
        assert same(trial.parameters, before)
        assert all(parameter.grad is None for parameter in trial.parameters.values())
        assert not any(getattr(part, "gradient_checkpointing", False) for part in trial.model.modules())


def same(parameters: Mapping[str, nn.Parameter], before: Mapping[str, Tensor]) -> bool:
    return all(torch.equal(parameters[name], before[name]) for name in before)


def test_seconds_follow_a_line_through_two_sizes_or_grow_in_proportion() -> None:
    line = Line(few=100, quick=1.0, many=300, slow=2.0)
    assert [line(100), line(200), line(500)] == [1.0, 1.5, 3.0]
    assert Line(few=100, quick=2.0, many=100, slow=2.0)(50) == 1.0
    assert Line(few=100, quick=3.0, many=200, slow=2.0)(100) == 1.0  # disturbed: more in less time


def test_listing_the_steps_ends_in_time(
    rows: list[TokenRow], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    schedule = Schedule.of(len(rows), rows_per_step=4, seed=1, n_epochs=100_000, max_steps=None)
    monkeypatch.setattr("services.worker.computing.predicting.step_list.LISTING_SECONDS", 0.05)
    started = time.monotonic()
    steps = list_steps(rows, schedule, PLANS["own layers"])
    assert time.monotonic() - started < 5
    assert 0 < len(steps.steps) < steps.total == 200_000
    assert sum(size.real for size in steps.steps[0]) > 0
    assert target_count(rows) > 0


@pytest.mark.parametrize("checkpointing", [False, True])
def test_two_layers_tell_what_all_of_them_hold_in_larger_micro_batches(
    deep: LoadedModel, checkpointing: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workload_module, "LONGEST_ROW", 1)  # so that the model's own forward is used
    ids = np.arange(3, 3 + 256, dtype=np.int32)
    rows = [TokenRow(ids, np.arange(256) > 0)] * 4
    plan = Plan("explicit", 1024, checkpointing)
    with trial_on(deep, plan, rows) as trial:
        workload = workload_of(deep.model, rows, dropout=0.0, rows_per_step=4)
        counted = with_counted(workload, deep.model, trial.parameters, CPU).counted
        assert counted is not None
        run = trial.run(trial.layers)
        with run.ready() as forward:
            (batch,) = forward.batches(rows)
            held = run.held(forward, batch)
    every = 1 if checkpointing else None
    assert counted.largest(1024, every) == pytest.approx(held.peak, rel=0.1)
    assert ModelActivations(deep.model.config, 256).largest(1024, None) > 1.5 * counted.largest(1024, None)


def test_a_model_that_can_not_be_counted_keeps_its_estimate_and_says_why(
    deep: LoadedModel, rows: list[TokenRow], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*arguments: object, **more: object) -> None:
        raise NotImplementedError("no operator")

    monkeypatch.setattr(SmallRun, "held", fails)
    monkeypatch.setattr(workload_module, "LONGEST_ROW", 1)
    with trial_on(deep, PLANS["the model's own forward"], rows) as trial:
        workload = workload_of(deep.model, rows, dropout=0.0, rows_per_step=4)
        told = with_counted(workload, deep.model, trial.parameters, CPU)
    assert told.counted is None
    assert "no operator" in in_english(told.off["counted_activations"])
    budget = find_memory_budget(deep.model.config, max_seq_length=64, device=CPU, workload=told)
    assert isinstance(budget.activations, ModelActivations)


def test_what_all_layers_compute_follows_exactly_from_a_few(
    deep: LoadedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a clock of products instead of seconds. The first layer passes no gradient on, and the last one
    computes learned tokens alone: both are so however many layers there are.
    """
    row = TokenRow(np.arange(3, 67, dtype=np.int32), np.arange(64) == 63)
    plan = replace(PLANS["own layers"], tokens_per_micro_batch=64)
    with trial_on(deep, plan, [row] * 4) as trial, FlopCounterMode(display=False) as products:
        monkeypatch.setattr(time, "perf_counter", products.get_total_flops)
        told = time_micro_batches(trial, list_steps(trial.rows, trial.schedule, trial.plan))
        run = trial.run(0)
        with run.ready() as forward:
            batch = next(iter(forward.batches([row])))
            took = run.took(forward, batch)
    assert told.layers < trial.layers
    assert told.whole(batch.computed_tokens) == took.seconds
    assert told.forward(batch.computed_tokens) == took.forward > 0


@pytest.mark.parametrize(
    ("layers", "pattern", "few_seconds", "timed"),
    [
        (30, 1, 0.05, 15),
        (30, 1, 0.1, 10),
        (30, 1, 4.0, 5),
        (30, 2, 0.1, 14),
        (4, 1, 9.0, 2),
        (30, 1, 0.0, 15),
    ],
)
def test_as_many_layers_are_timed_as_the_time_allows(
    layers: int, pattern: int, few_seconds: float, timed: int
) -> None:
    """Half of them at most, and a sixth at least: of few ones the weights stay in the processor's caches, so
    that they take less time than others.
    """
    assert more_layers(layers, pattern, few_seconds=few_seconds) == timed

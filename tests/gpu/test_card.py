"""On a card: the same losses as the baseline, within a small card's memory. `python -m bench.gpu --tests`.

A bare machine runs these: they need what `bench/gpu.py` needs, and no fixture from outside this folder.
"""

from pathlib import Path

import pytest
import torch

from bench.document import Samples
from bench.gpu_run import figures_of, loss_bar, make_random_inputs
from bench.train_measure import Inputs, Measuring, Results, Steps, measure
from bench.weights import make_model

pytestmark = [
    pytest.mark.skipif(
        not torch.cuda.is_available(),
        reason="no CUDA card here; where there is one: python -m bench.gpu --tests",
    ),
    pytest.mark.timeout(300),
]

LAYERS = 4
CAP_BYTES = 3_000_000_000
ARMS = ("ours-baseline", "ours-auto")
CUDA = torch.device("cuda")


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Inputs:
    folder = tmp_path_factory.mktemp("inputs")
    return make_random_inputs(make_model(folder / "model", layers=LAYERS), folder, rows=160)


@pytest.fixture(scope="module")
def measuring(tmp_path_factory: pytest.TempPathFactory) -> Measuring:
    folder = tmp_path_factory.mktemp("bench")
    return Measuring(
        repeats=2,
        scratch=folder,
        folder=folder,
        device="cuda",
        steps={"*": Steps(1, 2)},
        memory_cap_bytes=CAP_BYTES,
    )


@pytest.fixture(scope="module")
def results(inputs: Inputs, measuring: Measuring) -> Results:
    done = measure("card/all", inputs, ARMS, measuring, Samples())
    assert not done.failures
    return done


def test_auto_begins_with_the_loss_and_gradient_of_the_baseline(results: Results) -> None:
    kept, said = loss_bar(results)
    assert kept, said


def test_five_steps_have_the_losses_of_the_baseline(results: Results) -> None:
    auto, baseline = ([step.loss for step in results.steps[arm]] for arm in ("ours-auto", "ours-baseline"))
    assert auto == pytest.approx(baseline, rel=5e-3)
    assert all(step.grad_norm > 0 for arm in ARMS for step in results.steps[arm])


def test_no_arm_takes_more_memory_than_its_cap(results: Results) -> None:
    peaks = [step.peak_bytes for arm in ARMS for step in results.steps[arm]]
    assert all(peak is not None and 0 < peak <= CAP_BYTES for peak in peaks)


def test_the_share_of_the_card_s_arithmetic_is_a_share(
    results: Results, inputs: Inputs, measuring: Measuring
) -> None:
    for figure in figures_of("card", results, inputs, measuring, CUDA):
        assert 0 < figure.model_flops_share < 1


def test_more_than_the_cap_is_refused_by_the_allocator(inputs: Inputs, tmp_path: Path) -> None:
    measuring = Measuring(
        repeats=1, scratch=tmp_path, folder=tmp_path, device="cuda", steps={"*": Steps(0, 1)},
        memory_cap_bytes=200_000_000,
    )  # fmt: skip
    done = measure("card/all", inputs, ["ours-auto"], measuring, Samples())
    assert "memory" in done.failures["ours-auto"]

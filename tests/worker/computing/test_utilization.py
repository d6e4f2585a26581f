"""What training takes is reckoned as others reckon it, and is compared with what the device does."""

from dataclasses import replace

import pytest
import torch
from torch import nn
from transformers import AutoModelForCausalLM, LlamaConfig

from bench.weights import SHAPES_2B4
from services.worker.computing.engine.description import describe
from services.worker.computing.plan import utilization as utilization_module
from services.worker.computing.plan.utilization import (
    ModelArithmetic,
    Utilization,
    best_flops_per_second,
    matrix_flops_per_second,
)
from services.worker.training.done_step import DoneStep
from tests.worker.models.tiny_dense import DENSE

STEP = DoneStep(
    step=1, total_steps=1, train_loss=1.0, grad_norm=1.0, learning_rate=1.0, step_seconds=2.0,
    real_tokens=1000, computed_tokens=1000, target_tokens=1000, eta_seconds=0.0, phase_seconds={},
)  # fmt: skip
EXAONE = ModelArithmetic.of(LlamaConfig(**SHAPES_2B4), adapter_parameters=0)


def test_a_token_of_the_2_4b_model_takes_the_arithmetic_it_is_known_to_take() -> None:
    """9.6 GFLOP with the loss on all tokens: 4 × (2.14 + 0.26) G, attention aside."""
    assert replace(EXAONE, pair=0).flops(tokens=1, targets=1, rows=1) == pytest.approx(9.6e9, rel=0.01)


@pytest.mark.parametrize("family", DENSE)
def test_a_family_s_arithmetic_has_every_weight_of_its_own_class_s_matrices(family: str) -> None:
    """Each is multiplied once for a token, fused or not; the head, tied or not, once for a target."""
    config = DENSE[family]()
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(config)
    decoder, head = model.get_decoder(), model.get_output_embeddings()
    matrices = [part.weight for part in decoder.modules() if isinstance(part, nn.Linear)]
    found = ModelArithmetic.of(config, adapter_parameters=0)
    assert found.token == sum(matrix.numel() for matrix in matrices)
    assert found.target == head.weight.numel()
    width = describe(config).queries * describe(config).size
    assert found.pair == 2 * width * config.num_hidden_layers


def test_heads_of_which_no_number_is_said_share_nothing() -> None:
    config = LlamaConfig(hidden_size=32, num_attention_heads=4, num_hidden_layers=1, intermediate_size=48)
    found = ModelArithmetic.of(config, adapter_parameters=0)
    config.num_key_value_heads = None  # as a file may have it
    assert ModelArithmetic.of(config, adapter_parameters=0) == found


def test_attention_grows_with_the_square_of_the_rows_length() -> None:
    bare = replace(EXAONE, pair=0)
    short, long = (
        EXAONE.flops(tokens=tokens, targets=0, rows=1) - bare.flops(tokens=tokens, targets=0, rows=1)
        for tokens in (100, 200)
    )
    assert long == pytest.approx(4 * short)
    assert EXAONE.flops(tokens=200, targets=0, rows=2) - bare.flops(
        tokens=200, targets=0, rows=2
    ) == pytest.approx(2 * short)


def test_twice_the_time_is_half_the_utilization() -> None:
    utilization = Utilization(EXAONE, flops_per_second=1e13, rows_per_step=10)
    ratio = utilization.ratio(STEP)
    assert ratio == pytest.approx(9.6e12 / 2e13, rel=0.02)
    assert utilization.ratio(replace(STEP, step_seconds=4.0)) == pytest.approx(ratio / 2)


def test_matrix_products_have_a_speed() -> None:
    assert matrix_flops_per_second(torch.device("cpu"), size=128) > 0


def test_a_peak_measured_while_others_compute_is_measured_again_once_a_step_beats_it() -> None:
    """Four times too low, it showed 400 %."""
    needed = EXAONE.flops(tokens=1000, targets=1000, rows=10)
    true_peak = needed / STEP.step_seconds / 0.4
    utilization = Utilization(EXAONE, true_peak / 10, rows_per_step=10, measure=lambda: true_peak)
    assert utilization.ratio(STEP) == pytest.approx(0.4)
    assert utilization.ratio(replace(STEP, step_seconds=4.0)) == pytest.approx(0.2)


def test_the_peak_is_never_below_what_a_step_achieved() -> None:
    utilization = Utilization(EXAONE, flops_per_second=1.0, rows_per_step=10, measure=lambda: 1.0)
    assert utilization.ratio(STEP) == pytest.approx(1.0)
    assert utilization.ratio(replace(STEP, step_seconds=4.0)) == pytest.approx(0.5)


def test_what_rows_share_counts_once_so_that_nothing_exceeds_the_peak() -> None:
    peak = EXAONE.flops(tokens=500, targets=1000, rows=10) / STEP.step_seconds
    utilization = Utilization(EXAONE, peak, rows_per_step=10, measure=lambda: pytest.fail("beaten by none"))
    assert utilization.ratio(replace(STEP, computed_tokens=500)) == pytest.approx(1)
    assert utilization.flops_per_second == peak


def test_the_best_measurement_of_a_process_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    device, speeds = torch.device("cpu"), iter([2.0, 8.0, 4.0])
    monkeypatch.setattr(utilization_module, "_BEST", {})
    monkeypatch.setattr(utilization_module, "matrix_flops_per_second", lambda _: next(speeds))
    assert [best_flops_per_second(device) for _ in range(3)] == [2.0, 8.0, 8.0]

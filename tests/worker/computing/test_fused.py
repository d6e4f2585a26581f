"""What is compiled for a card computes what stands there, in every thread, and without a compiler, too."""

import logging
import shutil
import threading
from collections.abc import Iterator

import pytest
import torch
from torch import Tensor

from services.worker.computing.engine import elementwise, fused, rotary

needs_compiler = pytest.mark.skipif(shutil.which("g++") is None, reason="torch compiles for a CPU with g++")


@pytest.fixture
def as_on_a_card(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fused, "_pays", lambda arguments: True)


@pytest.fixture
def compiled(as_on_a_card: None, caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """torch compiles for the CPU what it would for a card; falling back to plain operations is a failure."""
    torch._dynamo.reset()
    torch._dynamo.utils.counters.clear()
    yield
    assert torch._dynamo.utils.counters["stats"]["unique_graphs"] > 0
    assert not torch._dynamo.utils.counters["graph_break"]
    assert "is not compiled" not in caplog.text


@needs_compiler
@pytest.mark.timeout(300)
@pytest.mark.usefixtures("compiled")
def test_a_rotation_is_the_same_compiled_for_any_number_of_tokens() -> None:
    torch.manual_seed(0)
    for tokens in (5, 64, 3):
        heads, angles = torch.randn(tokens, 6, 16), torch.randn(tokens, 1, 8)
        positions = rotary.Positions(angles.cos(), angles.sin())
        written = heads.clone()
        positions.rotate(heads[:, :4], written[:, :4])
        compiled = rotary.rotated(heads, 4, positions, torch.float32)
        assert torch.allclose(compiled, written, atol=1e-6)
        assert torch.allclose(rotary.rotated_back(compiled, 4, positions, torch.float32), heads, atol=1e-5)


@needs_compiler
@pytest.mark.timeout(300)
@pytest.mark.usefixtures("compiled")
def test_a_norm_has_the_same_gradient_compiled_in_the_thread_of_the_backward_pass() -> None:
    """On a card that is another thread than the forward pass's."""
    torch.manual_seed(0)
    x, update = torch.randn(9, 32).requires_grad_(), torch.randn(9, 32).requires_grad_()
    weight = torch.randn(32)
    _, normed = elementwise.add_norm(x, update, weight, 1e-6)
    found: list[Tensor] = []
    thread = threading.Thread(target=lambda: found.extend(torch.autograd.grad(normed.sum(), (x, update))))
    thread.start()
    thread.join()
    plain = torch.nn.functional.rms_norm(x + update, (32,), weight, 1e-6)
    assert torch.allclose(normed, plain, atol=1e-5)
    for got, expected in zip(found, torch.autograd.grad(plain.sum(), (x, update)), strict=True):
        assert torch.allclose(got, expected, atol=1e-5)


def test_the_gradient_written_for_a_card_is_the_other_one() -> None:
    torch.manual_seed(0)
    g, inner = torch.randn(7, 12), torch.randn(7, 24)
    gate, up = inner.chunk(2, dim=-1)
    on_card = elementwise._swiglu_gradient_on_card(g, gate, up)
    assert torch.allclose(on_card, elementwise._swiglu_gradient(g, inner), atol=1e-6)


@pytest.mark.usefixtures("as_on_a_card")
def test_what_can_t_be_compiled_is_computed_as_it_stands_and_said_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def without_compiler(function: object) -> object:
        def broken(*arguments: object) -> None:
            raise RuntimeError("Failed to find C compiler")

        return broken

    monkeypatch.setattr(torch, "compile", without_compiler)
    doubled = fused.fused(lambda x: x * 2)
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            assert torch.equal(doubled(torch.ones(3, 4)), torch.full((3, 4), 2.0))
    assert [record.getMessage() for record in caplog.records] == [
        "<lambda> is not compiled, steps are slower: Failed to find C compiler"
    ]


@pytest.mark.usefixtures("as_on_a_card")
def test_running_out_of_memory_is_not_taken_for_a_missing_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(x: Tensor) -> Tensor:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(torch, "compile", lambda function: full)
    with pytest.raises(torch.OutOfMemoryError):
        fused.fused(torch.neg)(torch.ones(2, 2))

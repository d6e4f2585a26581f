"""A model that cannot fit is refused before it is read, and an allocator's error is explained."""

from pathlib import Path

import pytest
import torch

from services.worker.failures import FailureCode, JobFailed
from services.worker.models.files.weight_files import read_header
from services.worker.models.hub.model_places import ModelFiles
from services.worker.models.load import Quantization, load_base_model
from services.worker.models.memory import loaded_bytes, out_of_memory_explained, refuse_what_cannot_fit
from services.worker.running_job import NoJob
from tests.tiny_models import make_tiny_llama

CPU = torch.device("cpu")


def test_the_prediction_is_what_the_loaded_model_takes(tmp_path: Path) -> None:
    folder = make_tiny_llama(tmp_path, hidden_size=256)
    header = read_header(folder / "model.safetensors")
    files = ModelFiles("tiny", None, folder, "folder")
    cases: tuple[tuple[Quantization, torch.dtype], ...] = (("nf4", torch.bfloat16), ("none", torch.float32))
    for quantization, dtype in cases:
        base = load_base_model(files, quantization=quantization, dtype=dtype, device=CPU, job=NoJob())
        taken = sum(p.numel() * p.element_size() for p in base.model.parameters())
        for module in base.model.modules():
            if (state := getattr(getattr(module, "weight", None), "quant_state", None)) is not None:
                taken += state.absmax.nbytes + state.state2.absmax.nbytes
        assert loaded_bytes(header, quantization, dtype) == pytest.approx(taken, rel=0.01)


def test_a_model_larger_than_the_memory_is_refused_with_both_numbers() -> None:
    with pytest.raises(JobFailed) as failed:
        refuse_what_cannot_fit(1 << 60, CPU)
    assert failed.value.failure.code == FailureCode.OUT_OF_MEMORY
    assert "the weights take 1152921505 GB" in failed.value.failure.message


def test_a_real_allocation_that_fails_is_explained() -> None:
    with pytest.raises(JobFailed) as failed, out_of_memory_explained(CPU):
        torch.empty(1 << 58, dtype=torch.uint8)
    assert failed.value.failure.code == FailureCode.OUT_OF_MEMORY


def test_another_error_passes_as_it_is() -> None:
    with pytest.raises(RuntimeError, match="shape"), out_of_memory_explained(CPU):
        torch.ones(2).reshape(3)

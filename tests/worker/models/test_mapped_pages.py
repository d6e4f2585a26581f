"""Model files that are cut short while they are mapped: the job fails in words, and its process lives."""

import os
import traceback
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from services.worker.failures import FailureCode, JobFailed
from services.worker.models.hub.model_places import ModelFiles
from services.worker.models.load import load_base_model
from services.worker.models.reading import values
from services.worker.models.reading.mapped_pages import mappings_of, require_ends, require_pages
from services.worker.models.reading.values import ValueWatch
from services.worker.running_job import NoJob
from tests.tiny_models import make_tiny_llama


def lives(work: Callable[[], None]) -> bool:
    """Whether `work` came to its end in a process of its own, which a touch of a lost page would end."""
    child = os.fork()
    if child == 0:
        torch.set_num_threads(1)
        try:
            work()
            os._exit(0)
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    return make_tiny_llama(tmp_path / "tiny", hidden_size=256) / "model.safetensors"


def fails_to_load(weights: Path, message: str) -> None:
    files, cpu = ModelFiles("tiny", None, weights.parent, "folder"), torch.device("cpu")
    with pytest.raises(JobFailed) as failed:
        load_base_model(files, quantization="none", dtype=torch.float32, device=cpu, job=NoJob())
    assert failed.value.failure.code == FailureCode.MODEL_UNREADABLE
    assert message in failed.value.failure.message
    assert failed.value.failure.remedy


@pytest.mark.parametrize("size", [5000, 0])
@pytest.mark.parametrize("tensors", [1, 7])
def test_weights_that_are_cut_short_between_two_tensors_are_named(
    weights: Path, monkeypatch: pytest.MonkeyPatch, tensors: int, size: int
) -> None:
    see, seen = ValueWatch.see, 0

    def cut(watch: ValueWatch, value: torch.Tensor) -> None:
        nonlocal seen
        seen += 1
        if seen == tensors + 1:  # after the first one the files are looked at
            os.truncate(weights, size)
        see(watch, value)

    monkeypatch.setattr(ValueWatch, "see", cut)
    told = "model.safetensors was changed or replaced while it was read"
    assert lives(lambda: fails_to_load(weights, told))


def test_weights_that_are_cut_short_while_the_broken_ones_are_named_cost_the_job(
    weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tensors = load_file(weights)
    for name in tensors:
        tensors[name][0] = torch.nan
    save_file(tensors, weights, metadata={"format": "pt"})
    wrong, looked_at = values._wrong, 0

    def cut(tensor: values.Tensor, dtype: torch.dtype) -> int:
        nonlocal looked_at
        looked_at += 1
        if looked_at == 2:
            os.truncate(weights, 5000)
            return 1
        return wrong(tensor, dtype)

    monkeypatch.setattr(values, "_wrong", cut)
    told = "model.safetensors was changed or replaced while it was read"
    assert lives(lambda: fails_to_load(weights, told))


def test_only_pages_that_went_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "x.safetensors"
    save_file({"first": torch.ones(4096), "later": torch.ones(2**20)}, file)

    def look() -> None:
        with safe_open(file, "pt") as opened:
            first, later = opened.get_tensor("first"), opened.get_tensor("later")
            for whole in (first, later, torch.ones(3), torch.empty(0)):
                require_pages(whole)
            require_ends(mappings_of([file]))
            os.truncate(file, 3 * 2**20)
            require_pages(first)
            with pytest.raises(OSError, match="Bad address"):
                require_pages(later)
            with pytest.raises(OSError, match="Bad address"):
                require_ends(mappings_of([file]))

    assert lives(look)

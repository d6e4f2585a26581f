"""Weights that are no numbers are found while they are loaded, and named; matrices of zeros are told."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from services.worker.failures import FailureCode, JobFailed
from services.worker.models.hub.model_places import ModelFiles
from services.worker.models.load import LoadedModel, Quantization, load_base_model
from tests.tiny_models import make_tiny_exaone, make_tiny_llama
from tests.worker.training.tiny_bases import RecordedJob

MATRIX = "model.layers.1.mlp.down_proj.weight"


def load(folder: Path, quantization: Quantization, job: RecordedJob) -> LoadedModel:
    return load_base_model(
        ModelFiles("tiny", None, folder, "folder"),
        quantization=quantization,
        dtype=torch.bfloat16,
        device=torch.device("cpu"),
        job=job,
    )


def change(file: Path, name: str, place: tuple[int, ...] | slice, value: float) -> None:
    tensors = load_file(file)
    tensors[name][place] = value
    save_file(tensors, file, metadata={"format": "pt"})


@pytest.mark.parametrize("quantization", ["nf4", "none"])
@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_a_weight_that_is_no_number_is_refused_by_its_name(
    tmp_path: Path, quantization: Quantization, value: float
) -> None:
    folder = make_tiny_llama(tmp_path)
    change(folder / "model.safetensors", MATRIX, (3, 5), value)
    with pytest.raises(JobFailed) as failed:
        load(folder, quantization, RecordedJob())
    failure = failed.value.failure
    assert failure.code == FailureCode.MODEL_UNREADABLE
    assert failure.message.startswith("One weight holds values that are not finite numbers")
    assert f"{MATRIX} in model.safetensors" in failure.message
    assert f"In {MATRIX} these are 1 of " in failure.message
    assert failure.remedy


def test_the_first_weights_that_are_no_numbers_are_named_with_their_files(tmp_path: Path) -> None:
    folder = make_tiny_exaone(tmp_path)
    for file in sorted(folder.glob("*.safetensors")):
        for name in load_file(file):
            change(file, name, slice(None), float("nan"))
    with pytest.raises(JobFailed) as failed:
        load(folder, "nf4", RecordedJob())
    message = failed.value.failure.message
    assert "weights hold values that are not finite numbers" in message
    assert message.count("model-0000") == 3


def test_a_matrix_of_zeros_is_told_and_a_bias_of_zeros_is_not(tmp_path: Path) -> None:
    folder = make_tiny_llama(tmp_path)
    job = RecordedJob()
    load(folder, "nf4", job)
    assert not [data for _, data in job.events if data.get("code") == "weights_all_zero"]
    change(folder / "model.safetensors", MATRIX, slice(None), 0.0)
    change(folder / "model.safetensors", "model.norm.weight", slice(None), 0.0)
    load(folder, "nf4", job)
    (told,) = [message for message, data in job.events if data.get("code") == "weights_all_zero"]
    assert told.startswith(
        f"One matrix of the weights holds nothing but zeros: {MATRIX} in model.safetensors."
    )

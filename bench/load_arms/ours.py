"""Our way: the base model kept as quantized, read, hashed and put together, then resident."""

from pathlib import Path

import torch
from transformers.models.llama import modeling_llama

from bench.load_arms.loaded import Loaded
from services.worker.models.hub.model_places import ModelFiles
from services.worker.models.quantized import nf4
from services.worker.models.residency import Residency
from services.worker.running_job import NoJob

IMPORTED_BEFORE = (modeling_llama, nf4)


def prepare(model: Path, artifact: Path) -> Loaded:
    """Not measured: makes the artifact, which must not be there yet."""
    _residency(artifact).base(_files(model), NoJob())
    assert artifact.is_dir(), f"no copy in {artifact}"
    return Loaded()


def prepared(model: Path, artifact: Path) -> Loaded:
    residency = _residency(artifact)
    loaded, _ = residency.base(_files(model), NoJob())
    assert loaded.from_artifact, f"{artifact} was not used"

    def again() -> None:
        _, resident = residency.base(_files(model), NoJob())
        assert resident

    return Loaded(loaded.model.state_dict().values(), residency, again)


def _residency(artifact: Path) -> Residency:
    return Residency(torch.device("cpu"), artifact.parent)


def _files(model: Path) -> ModelFiles:
    return ModelFiles(model.name, None, model, "folder")

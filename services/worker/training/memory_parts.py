"""The memory of a training by what it is for."""

from collections.abc import Mapping

from torch import nn

from services.worker.computing.predicting.counted_memory import MicroBatchBytes
from services.worker.models.load import LoadedModel
from shared.reports.training_facts import MemoryParts
from shared.schemas.hyperparameters import OptimizerName

# A trained parameter's gradient in fp32, and its two moments.
BYTES_OF_MOMENTS: dict[OptimizerName, int] = {"adamw": 8, "adamw_8bit": 2}
BYTES_OF_WEIGHT = BYTES_OF_GRADIENT = 4


def memory_parts(
    base: LoadedModel,
    counted: MicroBatchBytes,
    parameters: Mapping[str, nn.Parameter],
    optimizer: OptimizerName,
    *,
    held: int,
    free: int | None,
) -> MemoryParts:
    """`held` and `free` before anything was tried. The model carries its adapter; the peak is predicted."""
    trained = sum(parameter.numel() for parameter in parameters.values())
    to_come = trained * (BYTES_OF_GRADIENT + BYTES_OF_MOMENTS[optimizer])
    table = base.model.get_input_embeddings().weight
    embedding = table.numel() * table.element_size()
    weights = base.model.get_memory_footprint() - trained * BYTES_OF_WEIGHT - embedding
    return MemoryParts(
        weights=weights,
        embedding=embedding,
        adapter_and_optimizer=trained * BYTES_OF_WEIGHT + to_come,
        activations=counted.activations,
        logits=counted.logits,
        context=max(0, held - weights - embedding - trained * BYTES_OF_WEIGHT) + counted.hidden,
        peak=held + to_come + counted.peak,
        limit=None if free is None else held + free,
    )

"""A model with half of its layers for a while: what a layer takes is the difference."""

from collections.abc import Iterator
from contextlib import contextmanager

from transformers import PreTrainedModel


@contextmanager
def half_the_layers(model: PreTrainedModel) -> Iterator[int]:
    """Within it `model` computes its first layers alone; yields how many are left out.

    transformers' decoders go through `layers[: config.num_hidden_layers]`, so the number is all there is to
    change; where a model does not, nothing gets faster, and who measures sees it.
    """
    config = model.get_decoder().config
    layers: int = config.num_hidden_layers
    config.num_hidden_layers = max(1, layers // 2)
    try:
        yield layers - config.num_hidden_layers
    finally:
        config.num_hidden_layers = layers

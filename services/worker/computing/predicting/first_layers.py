"""A model with its first layers alone, for a while: what all of them take follows from few."""

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn
from transformers import PreTrainedModel


def layers_of(model: PreTrainedModel) -> nn.ModuleList | None:
    """The decoder's layers; None where it keeps none in one list, so that it can't be run with some alone."""
    name = _name_of_layers(model)
    return None if name is None else getattr(model.get_decoder(), name)


@contextmanager
def first_layers(model: PreTrainedModel, count: int) -> Iterator[None]:
    """Within it `model` has its first `count` layers; afterwards it is what it was.

    A decoder goes through the list of its layers, or through as many of them as its configuration says.
    Raises ValueError where there is no such list.
    """
    name = _name_of_layers(model)
    if name is None:
        raise ValueError("the model's layers are not in one list")
    decoder = model.get_decoder()
    layers = getattr(decoder, name)
    setattr(decoder, name, nn.ModuleList(layers[:count]))
    try:
        yield
    finally:
        setattr(decoder, name, layers)


def _name_of_layers(model: PreTrainedModel) -> str | None:
    decoder = model.get_decoder()
    if decoder is None:
        return None
    wanted = getattr(model.config.get_text_config(), "num_hidden_layers", None)
    lists = [
        name
        for name, child in decoder.named_children()
        if isinstance(child, nn.ModuleList) and len(child) == wanted
    ]
    return lists[0] if len(lists) == 1 else None

"""The 4-bit weights of a model that computes by its own forward, dequantized once instead of for each use."""

from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import PreTrainedModel

from services.worker.computing.engine.weights import FrozenWeights
from services.worker.models.quantized.own_kernels import bitsandbytes


class KeptWeights:
    """bitsandbytes dequantizes a layer's weight in each forward and in each backward pass of a micro-batch.

    Between `put_in` and `take_out` the 4-bit layers multiply by a matrix that is made when it is first needed
    and lives as long as this object. Product and rounding are those of bitsandbytes' training, so the numbers
    are the same to the bit where that dequantizes and multiplies, too (on a card it has another kernel for
    few tokens).
    """

    def __init__(self, model: PreTrainedModel) -> None:
        self._layers = [part for part in model.modules() if isinstance(part, bitsandbytes.nn.Linear4bit)]
        self._matrices: dict[nn.Module, Tensor] = {}

    def put_in(self) -> None:
        for layer in self._layers:
            layer.forward = partial(self._forward, layer)

    def take_out(self) -> None:
        for layer in self._layers:
            vars(layer).pop("forward", None)

    def _forward(self, layer: Any, x: Tensor) -> Tensor:
        """[…, in] -> […, out], computed in the layer's dtype, returned in that of `x`."""
        dtype = layer.compute_dtype or x.dtype
        if dtype != layer.weight.quant_state.dtype:  # a trial in other arithmetic: rounded otherwise each way
            plain: Tensor = type(layer).forward(layer, x)
            return plain
        bias = None if layer.bias is None else layer.bias.to(dtype)
        return F.linear(x.to(dtype), self._matrix(layer, dtype), bias).to(x.dtype)

    def _matrix(self, layer: nn.Linear, dtype: torch.dtype) -> Tensor:
        """[out, in]"""
        if layer not in self._matrices:
            (self._matrices[layer],) = FrozenWeights([layer], "use", dtype).matrices()
        return self._matrices[layer]

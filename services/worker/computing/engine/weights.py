"""Frozen linear layers that read the same input, as matrices of the dtype they compute in."""

from collections.abc import Sequence
from typing import Any, Literal

import torch
from torch import Tensor, nn

from services.worker.models.quantized.own_kernels import bitsandbytes

Keep = Literal["use", "run"]


class FrozenWeights:
    """The matrices of layers with one input, in `dtype`: 4-bit ones dequantized into one, others as they are.

    `keep` says how long a dequantized matrix stays: for one use, or as long as this object.
    """

    def __init__(self, layers: Sequence[nn.Linear], keep: Keep, dtype: torch.dtype) -> None:
        self.out_features = [layer.out_features for layer in layers]
        self.dtype = dtype
        self._layers, self._keep = layers, keep
        self._quantized = any(isinstance(layer, bitsandbytes.nn.Linear4bit) for layer in layers)
        self._kept: list[Tensor] | None = None
        # [out] each, one for each of `matrices()`; None where there is none.
        self.biases = _biases(layers, dtype, joined=self._quantized)

    def matrices(self) -> list[Tensor]:
        """[out, in] each; stacked they are all layers in order."""
        if not self._quantized:
            return [layer.weight for layer in self._layers]
        if self._kept is not None:
            return self._kept
        matrices = [self._dequantized()]
        if self._keep == "run":
            self._kept = matrices
        return matrices

    @torch.no_grad()
    def _dequantized(self) -> Tensor:
        like = self._layers[0].weight
        matrix = torch.empty(
            sum(self.out_features), self._layers[0].in_features, dtype=self.dtype, device=like.device
        )
        for layer, part in zip(self._layers, matrix.split(self.out_features), strict=True):
            _dequantize(layer, part)
        return matrix


def _biases(layers: Sequence[nn.Linear], dtype: torch.dtype, *, joined: bool) -> Sequence[Tensor | None]:
    biases: list[Tensor | None] = [layer.bias for layer in layers]
    if all(bias is None for bias in biases):
        return [None] * (1 if joined else len(layers))
    whole = [
        torch.zeros(layer.out_features, dtype=dtype, device=layer.weight.device)
        if bias is None
        else bias.detach().to(dtype)
        for layer, bias in zip(layers, biases, strict=True)
    ]
    return [torch.cat(whole)] if joined else whole


def _dequantize(layer: nn.Linear, into: Tensor) -> None:
    weight: Any = layer.weight
    if not isinstance(layer, bitsandbytes.nn.Linear4bit):
        into.copy_(weight.data)  # a quantized checkpoint may leave single layers as they are
    elif into.is_cuda and weight.quant_state.dtype == into.dtype:
        bitsandbytes.functional.dequantize_4bit(weight.data, weight.quant_state, out=into)
    else:
        into.copy_(bitsandbytes.functional.dequantize_4bit(weight.data, weight.quant_state))

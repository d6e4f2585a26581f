"""Frozen linear layers that read the same input, as matrices of the dtype they compute in."""

from collections.abc import Iterator, Sequence
from typing import Any, Literal

import bitsandbytes
import torch
from torch import Tensor, nn

Keep = Literal["use", "step", "run"]


class FrozenWeights:
    """The matrices of layers with one input, in `dtype`: 4-bit ones dequantized into one, others as they are.

    `keep` says how long a dequantized matrix stays: for one use, until `forget` (a step), or the run.
    """

    def __init__(self, layers: Sequence[nn.Linear], keep: Keep, dtype: torch.dtype) -> None:
        self.out_features = [layer.out_features for layer in layers]
        self.dtype = dtype
        self._layers, self._keep = layers, keep
        self._quantized = any(isinstance(layer, bitsandbytes.nn.Linear4bit) for layer in layers)
        self._kept: list[Tensor] | None = None

    def matrices(self) -> list[Tensor]:
        """[out, in] each; stacked they are all layers in order."""
        if not self._quantized:
            return [layer.weight for layer in self._layers]
        if self._kept is not None:
            return self._kept
        matrices = [self._dequantized()]
        if self._keep != "use":
            self._kept = matrices
        return matrices

    def forget(self) -> None:
        """A step is over."""
        if self._keep == "step":
            self._kept = None

    @torch.no_grad()
    def _dequantized(self) -> Tensor:
        parts = list(self._parts())
        return parts[0] if len(parts) == 1 else torch.cat(parts)

    def _parts(self) -> Iterator[Tensor]:
        for layer in self._layers:
            weight: Any = layer.weight
            if isinstance(layer, bitsandbytes.nn.Linear4bit):
                yield bitsandbytes.functional.dequantize_4bit(weight.data, weight.quant_state).to(self.dtype)
            else:  # a quantized checkpoint may leave single layers as they are
                yield weight.data.to(self.dtype)

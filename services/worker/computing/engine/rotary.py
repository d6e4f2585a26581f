"""Attention's heads, and rotary positions (Su et al. 2021)."""

from dataclasses import dataclass

import torch
from torch import Tensor

from services.worker.computing.engine.fused import fused


@dataclass(frozen=True)
class Heads:
    """`queries` heads share `keys` heads of keys and values, each of size `size`."""

    queries: int
    keys: int
    size: int

    @property
    def all(self) -> int:
        return self.queries + 2 * self.keys

    @property
    def rotated(self) -> int:
        """Those with a position, which stand first: queries, then keys."""
        return self.queries + self.keys


@dataclass(frozen=True)
class Positions:
    """cos and sin, fp32 [tokens, 1, size / 2], of each token's angles."""

    cos: Tensor
    sin: Tensor

    def rotate(self, heads: Tensor, into: Tensor, *, back: bool = False) -> None:
        """Rotate [tokens, heads, size] in fp32; `into`, of the same shape, may be `heads` itself.

        Products are rounded before their sum, as the model does it; fused they would differ in the last bit.
        """
        a, b = (half.float() for half in heads.chunk(2, dim=-1))
        sin = -self.sin if back else self.sin
        rotated = (a * self.cos).sub_(b * sin), (b * self.cos).add_(a * sin)
        for half, values in zip(into.chunk(2, dim=-1), rotated, strict=True):
            half.copy_(values)


def rotated(heads: Tensor, count: int, positions: Positions, dtype: torch.dtype) -> Tensor:
    """[tokens, heads, size] in `dtype`, the first `count` heads rotated: compiled, on a card, to one pass.

    `Positions.rotate` is the same for a processor, where results in place are passes saved.
    """
    return _rotated(heads, count, positions.cos, positions.sin, dtype)


def rotated_back(heads: Tensor, count: int, positions: Positions, dtype: torch.dtype) -> Tensor:
    """Its transpose, for gradients."""
    return _rotated(heads, count, positions.cos, -positions.sin, dtype)


@fused
def _rotated(heads: Tensor, count: int, cos: Tensor, sin: Tensor, dtype: torch.dtype) -> Tensor:
    a, b = heads[:, :count].float().chunk(2, dim=-1)
    rotated = torch.cat([a * cos - b * sin, b * cos + a * sin], dim=-1)
    return torch.cat([rotated.to(dtype), heads[:, count:].to(dtype)], dim=1)

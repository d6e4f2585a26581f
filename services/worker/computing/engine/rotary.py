"""Attention's heads, and rotary positions (Su et al. 2021)."""

from dataclasses import dataclass

import torch
from torch import Tensor

from services.worker.computing.engine.fused import fused


@dataclass(frozen=True)
class Heads:
    """`queries` heads share `keys` heads of keys and values, each of size `size`.

    A score is multiplied by `scale` (None: by size to the power -1/2), and where there is a `cap` it becomes
    cap · tanh(score / cap). A token sees `window` keys, itself included (None: all before it).
    """

    queries: int
    keys: int
    size: int
    scale: float | None = None
    cap: float | None = None
    window: int | None = None

    @property
    def factor(self) -> float:
        return float(self.size**-0.5) if self.scale is None else self.scale

    @property
    def all(self) -> int:
        return self.queries + 2 * self.keys

    @property
    def rotated(self) -> int:
        """Those with a position, which stand first: queries, then keys."""
        return self.queries + self.keys


@dataclass(frozen=True)
class Positions:
    """cos and sin, fp32 [tokens, 1, size / 2], of each token's angles: the first `size` numbers of a head are
    rotated, in most families all. An angle rotates a number of these numbers' first half and one of their
    second, or with `interleaved` two neighbours.
    """

    cos: Tensor
    sin: Tensor
    interleaved: bool = False

    def rotate(self, heads: Tensor, into: Tensor, *, back: bool = False) -> None:
        """Rotate [tokens, heads, size] in fp32; `into`, of the same shape, may be `heads` itself.

        Products are rounded before their sum, as the model does it; fused they would differ in the last bit.
        """
        if (size := 2 * self.cos.shape[-1]) < heads.shape[-1]:
            heads, into = heads[..., :size], into[..., :size]
        a, b = (half.float() for half in self._halves(heads))
        sin = -self.sin if back else self.sin
        rotated = (a * self.cos).sub_(b * sin), (b * self.cos).add_(a * sin)
        for half, values in zip(self._halves(into), rotated, strict=True):
            half.copy_(values)

    def _halves(self, heads: Tensor) -> tuple[Tensor, ...]:
        """The first and the second number of each pair, as views."""
        return (heads[..., ::2], heads[..., 1::2]) if self.interleaved else heads.chunk(2, dim=-1)


def rotated(heads: Tensor, count: int, positions: Positions | None, dtype: torch.dtype) -> Tensor:
    """[tokens, heads, size] in `dtype`, the first `count` heads rotated: compiled, on a card, to one pass.

    `Positions.rotate` is the same for a processor, where results in place are passes saved.
    """
    if positions is None:
        return heads.to(dtype)
    return _rotated(heads, count, positions.cos, positions.sin, positions.interleaved, dtype)


def rotated_back(heads: Tensor, count: int, positions: Positions | None, dtype: torch.dtype) -> Tensor:
    """Its transpose, for gradients."""
    if positions is None:
        return heads.to(dtype)
    return _rotated(heads, count, positions.cos, -positions.sin, positions.interleaved, dtype)


@fused
def _rotated(
    heads: Tensor, count: int, cos: Tensor, sin: Tensor, interleaved: bool, dtype: torch.dtype
) -> Tensor:
    size = 2 * cos.shape[-1]
    wide = heads[:, :count, :size].float()
    a, b = (wide[..., ::2], wide[..., 1::2]) if interleaved else wide.chunk(2, dim=-1)
    parts = [a * cos - b * sin, b * cos + a * sin]
    if interleaved:
        parts = [torch.stack(parts, dim=-1).flatten(-2)]
    if size < heads.shape[-1]:
        parts.append(heads[:, :count, size:].float())
    rotated = torch.cat(parts, dim=-1)
    return torch.cat([rotated.to(dtype), heads[:, count:].to(dtype)], dim=1)

"""What an arm of `bench load` hands back, and when that counts as loaded."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch

PAGE_BYTES = 4096


@dataclass(frozen=True)
class Loaded:
    """The weights; `keep` is whatever they live in; `again` loads the same model a second time."""

    tensors: Iterable[torch.Tensor] = ()
    keep: object = None
    again: Callable[[], None] | None = None

    def touch(self) -> None:
        """Read a byte of every page of every weight.

        On a CPU some libraries leave weights in the mapped file until they are used.
        """
        for tensor in self.tensors:
            if tensor.nbytes:
                tensor.contiguous().view(-1).view(torch.uint8)[::PAGE_BYTES].sum()

"""The memory of the tensors that a stretch of work makes, counted on any device."""

import weakref
from collections.abc import Callable, Sequence
from typing import Any

from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

BLOCK = 512  # torch's allocator on a card hands out multiples of so many bytes


class LiveMemory(TorchDispatchMode):
    """Within it, the bytes of tensors that were made and are alive: now (`live`) and at most (`peak`).

    Of the peak, `wide_at_peak` bytes were in tensors whose last dimension is `wide`, as logits have the
    vocabulary's. What an operator makes for itself and lets go is not seen, nor what was there before. The
    idea is that of `torch.distributed._tools.MemTracker`, which needs modules and an optimizer to follow.
    """

    def __init__(self, *, wide: int, on_cuda: bool) -> None:
        super().__init__()
        self.live = self.peak = self.wide_at_peak = 0
        self._wide, self._live_wide = wide, 0
        self._block = BLOCK if on_cuda else 1
        self._known: dict[int, weakref.ref[Any]] = {}

    def __torch_dispatch__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        out = func(*args, **(kwargs or {}))
        made = [tensor for tensor in tree_leaves(out) if isinstance(tensor, Tensor)]
        if made:
            given = {_key(tensor) for tensor in tree_leaves((args, kwargs)) if isinstance(tensor, Tensor)}
            for tensor in made:
                self._see(tensor, given)
        return out

    def _see(self, tensor: Tensor, given: set[int]) -> None:
        key = _key(tensor)
        if key in self._known or key in given:
            return
        storage = tensor.untyped_storage()
        size = -(-storage.nbytes() // self._block) * self._block
        wide = size if tensor.ndim and tensor.shape[-1] == self._wide else 0

        def gone(_: object) -> None:
            del self._known[key]
            self.live -= size
            self._live_wide -= wide

        self._known[key] = weakref.ref(storage, gone)
        self.live += size
        self._live_wide += wide
        if self.live > self.peak:
            self.peak, self.wide_at_peak = self.live, self._live_wide


def _key(tensor: Tensor) -> int:
    return int(tensor.untyped_storage()._cdata)

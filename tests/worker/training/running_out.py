"""Memory that runs out where a test wants it to: at one operation of torch within one step."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from services.worker.training.done_step import DoneStep


class RunningOut(TorchDispatchMode):
    """Raises `error` at the `at`-th operation of what is computed after step `after`, `times` times (counted
    anew after each).

    What comes before the first embedding (a checkpoint, making micro-batches) is not counted. With `only`,
    operations of that name are counted. `counts` are the operations of each step, by its number.
    """

    def __init__(
        self,
        *,
        after: int = 0,
        at: int | None = None,
        times: int = 1,
        only: str = "",
        error: Callable[[], Exception] = lambda: torch.OutOfMemoryError("CUDA out of memory. Tried …"),
    ) -> None:
        super().__init__()
        self.counts: dict[int, int] = {}
        self.raised = 0
        self._after, self._at, self._times, self._only, self._error = after, at, times, only, error
        self._steps = self._count = 0
        self._computing = False

    def observe(self, step: DoneStep) -> None:
        """To be told of each step that is done."""
        self.counts[step.step] = self._count
        self._steps, self._count, self._computing = step.step, 0, False

    def __torch_dispatch__(
        self, func: Any, types: Sequence[type], args: Any = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        self._computing |= "embedding" in str(func)
        if self._computing and self._only in str(func) and "profiler" not in str(func):
            self._count += 1
            if self._steps == self._after and self._count == self._at and self.raised < self._times:
                self.raised, self._count, self._computing = self.raised + 1, 0, False
                raise self._error()
        return func(*args, **(kwargs or {}))

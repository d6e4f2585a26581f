"""Where time goes: every moment belongs to one phase, so that phases add up to the whole."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from itertools import pairwise
from time import perf_counter
from typing import ParamSpec, TypeVar

import torch

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


class PhaseClock:
    """Wall seconds by phase. A phase within another is taken out of it; what lies in none belongs to the one
    that `turn` named last.

    On CUDA the host runs ahead of the device, so moments are events in its stream, which `take` reads.
    Moments may be marked from autograd's threads, while the one that called it waits.
    """

    def __init__(self, device: torch.device | None = None, first: str = "other") -> None:
        self._on_cuda = device is not None and device.type == "cuda"
        self._open = [first]
        self._is_whole = False
        self._seconds: dict[str, float] = {}
        self._since = perf_counter()
        self._moments: list[tuple[str, torch.cuda.Event]] = []  # the phase that ended, and when
        self._unused: list[torch.cuda.Event] = []
        if self._on_cuda:
            self._mark()

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """What happens within is `name`'s, but for phases of its own."""
        if self._is_whole:
            yield
            return
        self._mark()
        self._open.append(name)
        try:
            yield
        finally:
            self._mark()
            self._open.pop()

    @contextmanager
    def whole(self, name: str) -> Iterator[None]:
        """A phase in which no others are told apart, whatever is called there."""
        with self.phase(name):
            before, self._is_whole = self._is_whole, True
            try:
                yield
            finally:
                self._is_whole = before

    def becomes(self, name: str) -> None:
        """The innermost phase goes on under another name."""
        if not self._is_whole:
            self._mark()
            self._open[-1] = name

    def turn(self, name: str) -> None:
        """From here on `name` has what lies in no phase."""
        self._mark()
        self._open[0] = name

    def so_far(self) -> dict[str, float]:
        """The seconds of every phase since the last `take`. Waits for the device."""
        self._mark()
        if self._on_cuda:
            self._read()
        return dict(self._seconds)

    def take(self, then: str | None = None) -> dict[str, float]:
        """The same, and forget them; `turn` to `then`."""
        taken, self._seconds = self.so_far(), {}
        self._open[0] = then or self._open[0]
        return taken

    def computing_again(self, function: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
        """`function`, whose calls within a backward pass are the phase "recomputation".

        For what `torch.utils.checkpoint` is given: it ends the second call early, by an exception.
        """

        def timed(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
            again: AbstractContextManager[None] = (
                self.phase("recomputation") if in_backward() else nullcontext()
            )
            with again:
                return function(*args, **kwargs)

        return timed

    def _mark(self) -> None:
        if self._on_cuda:
            moment = self._unused.pop() if self._unused else torch.cuda.Event(enable_timing=True)
            moment.record()
            self._moments.append((self._open[-1], moment))
            return
        now = perf_counter()
        self._seconds[self._open[-1]] = self._seconds.get(self._open[-1], 0.0) + now - self._since
        self._since = now

    def _read(self) -> None:
        self._moments[-1][1].synchronize()
        for (_, start), (name, end) in pairwise(self._moments):
            self._seconds[name] = self._seconds.get(name, 0.0) + start.elapsed_time(end) / 1000
        *past, last = self._moments
        self._unused += [moment for _, moment in past]
        self._moments = [last]


def in_backward() -> bool:
    """Whether autograd runs this: a forward pass there is one that is computed again."""
    return torch._C._current_graph_task_id() != -1

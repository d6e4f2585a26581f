"""The micro-batches of a run's steps, by their sizes: what a run computes, before it does."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from services.worker.computing.batching import Schedule, micro_batches, packed_batches
from services.worker.computing.plan.plan import Plan
from services.worker.computing.plan.workload import common_prefix
from services.worker.text.marked_text import TokenRow

LISTING_SECONDS = 1.0
CPU = torch.device("cpu")


@dataclass(frozen=True)
class Size:
    """Tokens of a micro-batch: computed, and of these not padding; `index` is its place in its step."""

    step: int
    index: int
    computed: int
    real: int


@dataclass(frozen=True)
class StepList:
    """The sizes of the steps from `first` to before `total`; only the first ones where listing all takes too
    long, and then the others are taken to be like them.
    """

    first: int
    total: int
    steps: tuple[tuple[Size, ...], ...]

    @property
    def micro_batches(self) -> list[Size]:
        return [size for step in self.steps for size in step]

    @property
    def different_sizes(self) -> int:
        """How many of these are told apart by their computed tokens."""
        return len({size.computed for size in self.micro_batches})

    @property
    def padded_ratio(self) -> float:
        """Computed ÷ real tokens; below 1 where rows share a prefix."""
        sizes = self.micro_batches
        return sum(size.computed for size in sizes) / sum(size.real for size in sizes)

    @property
    def largest(self) -> Size:
        return max(self.micro_batches, key=lambda size: size.computed)

    @property
    def usual_small(self) -> Size:
        """One of the smaller ones: a tenth is smaller still. It is the largest where all are alike."""
        ordered = sorted(self.micro_batches, key=lambda size: size.computed)
        small = ordered[len(ordered) // 10]
        return self.largest if small.computed == self.largest.computed else small

    def small_ones(self, count: int) -> list[Size]:
        """Up to `count` of different sizes, from `usual_small` on; that one alone where sizes recur."""
        ordered = self._by_size()
        first = next(
            place for place, size in enumerate(ordered) if size.computed == self.usual_small.computed
        )
        return ordered[first : first + count] if self._seldom_recur else [self.usual_small]

    def large_ones(self, count: int) -> list[Size]:
        """Up to `count` of different sizes, the largest first; that one alone where sizes recur."""
        return self._by_size()[-count:][::-1] if self._seldom_recur else [self.largest]

    def _by_size(self) -> list[Size]:
        """One of each size, smallest first."""
        return [size for _, size in sorted({size.computed: size for size in self.micro_batches}.items())]

    @property
    def _seldom_recur(self) -> bool:
        return 2 * len({size.computed for size in self.micro_batches}) > len(self.micro_batches)


def list_steps(rows: Sequence[TokenRow], schedule: Schedule, plan: Plan, *, first: int = 0) -> StepList:
    """At least one step, which must be due."""
    until, steps = time.monotonic() + LISTING_SECONDS, list[tuple[Size, ...]]()
    for step in range(first, schedule.total_steps):
        batches = batches_of([rows[index] for index in schedule.rows_of(step)], plan)
        steps.append(
            tuple(
                Size(step, index, batch.computed_tokens, batch.real_tokens)
                for index, batch in enumerate(batches)
            )
        )
        if time.monotonic() > until:
            break
    return StepList(first, schedule.total_steps, tuple(steps))


def batches_of(rows: Sequence[TokenRow], plan: Plan) -> Iterator[Any]:
    """As the plan's forward splits them, but on the processor."""
    if plan.own_layers:
        prefix = min(plan.shared_prefix_tokens, common_prefix(rows))
        return packed_batches(rows, plan, CPU, prefix_tokens=prefix)
    return micro_batches(rows, plan, CPU)

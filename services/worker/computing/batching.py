"""Which rows make a step, and how a step is split into micro-batches."""

import math
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import accumulate

import torch

from services.worker.computing.engine.layout import PackedBatch, pack, split_sorted
from services.worker.computing.plan.activations import rows_at_most
from services.worker.computing.plan.plan import Plan
from services.worker.text.marked_text import TokenRow


@dataclass(frozen=True)
class Schedule:
    """The rows of every step, decided by the seed alone; nothing about speed can change them.

    Each epoch visits every row once, in the order of one random key per row drawn from
    `random.Random(seed:epoch)` (Python keeps `random()` the same between versions for the same seed, which
    it does not promise of `shuffle`). The last step of an epoch may be smaller, as in HF Trainer.
    """

    rows: int
    rows_per_step: int
    seed: int
    total_steps: int

    @classmethod
    def of(
        cls, rows: int, *, rows_per_step: int, seed: int, n_epochs: int, max_steps: int | None
    ) -> "Schedule":
        """`max_steps`, if given, decides alone, be it more or less than `n_epochs` would give."""
        total = max_steps or n_epochs * math.ceil(rows / rows_per_step)
        return cls(rows, rows_per_step, seed, total)

    @property
    def steps_per_epoch(self) -> int:
        return math.ceil(self.rows / self.rows_per_step)

    def rows_of(self, step: int) -> tuple[int, ...]:
        """Indices of the rows of `step`, which counts from 0."""
        epoch, within = divmod(step, self.steps_per_epoch)
        order = _epoch_order(self.rows, self.seed, epoch)
        return order[within * self.rows_per_step : (within + 1) * self.rows_per_step]

    def ends_epoch(self, step: int) -> bool:
        """Whether an epoch, or the run, is over once `step` steps are done."""
        return step > 0 and (step % self.steps_per_epoch == 0 or step == self.total_steps)


@dataclass(frozen=True)
class MicroBatch:
    """Right-padded rows: `ids` int64 and `targets` bool, both [rows, width]; `attention_mask` likewise or
    None.

    Without a mask the padding stands right of every real token, where a causal model can't look: the same
    numbers. No two rows are joined to one: transformers would take them for one document unless there is
    neither mask nor cache and the positions restart.
    """

    ids: torch.Tensor
    targets: torch.Tensor
    attention_mask: torch.Tensor | None
    real_tokens: int

    @property
    def rows(self) -> int:
        return len(self.ids)

    @property
    def computed_tokens(self) -> int:
        return self.ids.numel()

    def to(self, device: torch.device) -> "MicroBatch":
        mask = self.attention_mask
        return replace(
            self,
            ids=self.ids.to(device),
            targets=self.targets.to(device),
            attention_mask=None if mask is None else mask.to(device),
        )

    @property
    def own_tokens(self) -> int:
        """As the plan's budget of tokens counts them."""
        return self.computed_tokens


def micro_batches(rows: Sequence[TokenRow], plan: Plan, device: torch.device) -> Iterator[MicroBatch]:
    """The rows as the plan splits and pads them; together they are exactly `rows`."""
    groups = (
        _by_count(rows, plan.rows_per_micro_batch)
        if plan.rows_per_micro_batch is not None
        else _by_tokens(rows, plan, len)
    )
    for group in groups:
        yield _pad(group, plan, device)


def packed_batches(
    rows: Sequence[TokenRow],
    plan: Plan,
    device: torch.device,
    *,
    prefix_tokens: int,
    dropout_seed: int | None = None,
) -> Iterator[PackedBatch]:
    """The same for the engine; all rows begin with the same `prefix_tokens` tokens. With a `dropout_seed`
    rows are told apart by their places.
    """
    if dropout_seed is not None:
        rows = [replace(row, place=place) for place, row in enumerate(rows)]

    def own_tokens(row: TokenRow) -> int:
        return max(row.needed - prefix_tokens, 0)

    for group in _by_tokens(rows, plan, own_tokens, prefix_tokens):
        yield pack(
            group,
            device,
            prefix_tokens=prefix_tokens,
            padded=plan.layout == "padded",
            dropout_seed=dropout_seed,
        )


def target_count(rows: Sequence[TokenRow]) -> int:
    return sum(int(row.targets.sum()) for row in rows)


@lru_cache(maxsize=2)
def _epoch_order(rows: int, seed: int, epoch: int) -> tuple[int, ...]:
    draw = random.Random(f"{seed}:{epoch}")
    keys = [draw.random() for _ in range(rows)]
    return tuple(sorted(range(rows), key=keys.__getitem__))


def _by_count(rows: Sequence[TokenRow], count: int) -> Iterator[Sequence[TokenRow]]:
    for start in range(0, len(rows), count):
        yield rows[start : start + count]


def _by_tokens(
    rows: Sequence[TokenRow], plan: Plan, length: Callable[[TokenRow], int], prefix_tokens: int = 0
) -> Iterator[list[TokenRow]]:
    """Neighbours in `length` share a micro-batch; of all such splits, the one that is computed fastest.

    A split costs its padded tokens and `micro_batch_cost_tokens` for each of its parts. Every part stays
    within the budget, but a row longer than that stands alone. Longest first, so that a step too large for
    the memory fails at its start.

    The budget is for what rows have beside the prefix, which comes on top once: within it, a prefix nearly as
    long would be computed anew for every few rows, a longer one for every row.
    """
    ordered = sorted(rows, key=length, reverse=True)
    most = rows_at_most(plan.tokens_per_micro_batch, prefix_tokens)
    lengths = [length(row) for row in ordered]
    sums = [0, *accumulate(lengths)]

    def own_tokens(first: int, last: int) -> int:
        if plan.layout == "flat":
            return sums[last] - sums[first]
        return lengths[first] * (last - first)

    def cost(first: int, last: int) -> float | None:
        count = last - first
        own = own_tokens(first, last)
        if count > 1 and (count > most or own > plan.tokens_per_micro_batch):
            return None
        return own + prefix_tokens + plan.micro_batch_cost_tokens

    for first, last in split_sorted(ordered, cost):
        yield ordered[first:last]


def _pad(rows: Sequence[TokenRow], plan: Plan, device: torch.device) -> MicroBatch:
    width = plan.pad_to or max(len(row) for row in rows)
    ids = torch.zeros(len(rows), width, dtype=torch.int64)
    targets = torch.zeros(len(rows), width, dtype=torch.bool)
    mask = torch.zeros(len(rows), width, dtype=torch.int64)
    for index, row in enumerate(rows):
        ids[index, : len(row)] = torch.from_numpy(row.ids)
        targets[index, : len(row)] = torch.from_numpy(row.targets)
        mask[index, : len(row)] = 1
    return MicroBatch(
        ids.to(device),
        targets.to(device),
        mask.to(device) if plan.attention_mask else None,
        real_tokens=int(mask.sum()),
    )

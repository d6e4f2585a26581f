"""Where each token of a micro-batch stands: a shared prefix once, then the rows' own tokens."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor

from services.worker.computing.engine.dropout import token_keys
from services.worker.computing.engine.varlen import RowBorders
from services.worker.text.marked_text import TokenRow

# What one more attention group costs (its dozen small operations), in slots of the group's score matrix.
GROUP_COST_SCORES = 2048


@dataclass(frozen=True)
class AttentionGroup:
    """Rows that attention computes together, each in `width` slots: tokens `start` to `stop`.

    Where all rows are as long as the group is wide, slots and tokens are the same and the indices are None.
    Otherwise `slots` int64 [rows · width] says which token (counted from `start`) stands in a slot, `places`
    int64 [tokens] in which slot a token stands, and `empty` int64 which slots have none; there `slots` names
    any token. Empty slots stand right of all tokens of their row, where causal attention does not look.
    """

    start: int
    stop: int
    rows: int
    width: int
    slots: Tensor | None = None
    places: Tensor | None = None
    empty: Tensor | None = None


@dataclass(frozen=True)
class PackedBatch:
    """`ids` int64 [tokens]: `prefix_tokens` that all rows share, then each row's own; `positions` int64
    likewise, each token's place in its row. `row_tokens`, descending, are the rows' own with their padding.
    `keys` int32 [tokens] are the tokens' own numbers where adapters drop some of their inputs.

    `sources` int64 [sources] are the tokens from which something is to be predicted, ascending. Target n is
    the token `labels[n]`, predicted from source `label_sources[n]` (ascending), for `label_rows[n]` rows
    (fp32). A source has several targets where the rows part; those of source s are `first_targets[s]` to
    before `first_targets[s + 1]`: no tensor, so that dividing them asks nothing of a card.
    """

    ids: Tensor
    positions: Tensor
    prefix_tokens: int
    row_tokens: tuple[int, ...]
    sources: Tensor
    labels: Tensor
    label_sources: Tensor
    label_rows: Tensor
    first_targets: tuple[int, ...]
    real_tokens: int
    keys: Tensor | None = None

    @property
    def rows(self) -> int:
        return len(self.row_tokens)

    @property
    def computed_tokens(self) -> int:
        return self.ids.numel()

    def to(self, device: torch.device) -> "PackedBatch":
        return replace(
            self,
            ids=self.ids.to(device),
            positions=self.positions.to(device),
            sources=self.sources.to(device),
            labels=self.labels.to(device),
            label_sources=self.label_sources.to(device),
            label_rows=self.label_rows.to(device),
            keys=None if self.keys is None else self.keys.to(device),
        )

    @property
    def own_tokens(self) -> int:
        """As a plan's budget of tokens counts them: without the prefix."""
        return self.computed_tokens - self.prefix_tokens

    @cached_property
    def groups(self) -> list[AttentionGroup]:
        """The rows, for attention by groups; made where they are asked for."""
        return _groups(self.row_tokens, self.prefix_tokens, self.ids.device)

    @cached_property
    def borders(self) -> RowBorders:
        """The rows, for attention of all in one kernel; likewise."""
        return RowBorders.of(self.row_tokens, self.prefix_tokens, self.ids.device)


def pack(
    rows: Sequence[TokenRow],
    device: torch.device,
    *,
    prefix_tokens: int = 0,
    padded: bool = False,
    dropout_seed: int | None = None,
) -> PackedBatch:
    """One micro-batch of `rows`, which all begin with the same `prefix_tokens` tokens. Where adapters drop
    inputs they do so by their step's `dropout_seed`, and there is no prefix: rows drop other inputs of it.

    `padded` fills every row up to the longest; otherwise no token is there twice or for nothing. A row's
    last target, and what follows it, is seen by no target, so it isn't there at all.
    """
    by_need = sorted(rows, key=lambda row: row.needed, reverse=True)
    owned = [row for row in by_need if row.needed > prefix_tokens]
    lengths = [row.needed - prefix_tokens for row in owned]
    ids = [rows[0].ids[:prefix_tokens]]
    positions = [np.arange(prefix_tokens)]
    targets = _prefix_targets(rows, prefix_tokens)
    row_tokens = lengths[:1] * len(lengths) if padded else lengths
    start = prefix_tokens
    for row, length, slots in zip(owned, lengths, row_tokens, strict=True):
        targets += _own_targets(row, start, prefix_tokens)
        ids += [row.ids[prefix_tokens : row.needed], np.zeros(slots - length, dtype=np.int32)]
        positions.append(np.arange(prefix_tokens, prefix_tokens + slots))
        start += slots
    return PackedBatch(
        torch.from_numpy(np.concatenate(ids).astype(np.int64)).to(device),
        torch.from_numpy(np.concatenate(positions)).to(device),
        prefix_tokens,
        tuple(row_tokens),
        **_target_tensors(targets, device),
        real_tokens=sum(len(row) for row in rows),
        keys=None if dropout_seed is None else _keys(owned, row_tokens, dropout_seed).to(device),
    )


def _keys(rows: Sequence[TokenRow], row_tokens: Sequence[int], seed: int) -> Tensor:
    keys = [token_keys(seed, row.place, slots) for row, slots in zip(rows, row_tokens, strict=True)]
    return torch.from_numpy(np.concatenate(keys))


def split_sorted(items: Sequence[object], cost: Callable[[int, int], float | None]) -> list[tuple[int, int]]:
    """The cheapest cut of a sorted sequence into stretches [first, last), as a shortest path.

    `cost(first, last)` of a stretch; None if it may not be, which must then hold for every longer one that
    ends there. A stretch of one is always possible.
    """
    costs, starts = [0.0], [0]
    for end in range(1, len(items) + 1):
        best, best_start = float("inf"), end - 1
        for start in range(end - 1, -1, -1):
            price = cost(start, end)
            if price is None:
                break
            if costs[start] + price < best:
                best, best_start = costs[start] + price, start
        costs.append(best)
        starts.append(best_start)
    borders = [len(items)]
    while borders[-1]:
        borders.append(starts[borders[-1]])
    return list(zip(borders[:0:-1], borders[-2::-1], strict=True))


def _groups(row_tokens: Sequence[int], prefix_tokens: int, device: torch.device) -> list[AttentionGroup]:
    def scores(first: int, last: int) -> float:
        width = row_tokens[first]
        return (last - first) * width * (prefix_tokens + width) + GROUP_COST_SCORES

    groups, start = list[AttentionGroup](), prefix_tokens
    for first, last in split_sorted(row_tokens, scores) if row_tokens else ():
        groups.append(_group(start, row_tokens[first:last], device))
        start = groups[-1].stop
    return groups


def _group(start: int, row_tokens: Sequence[int], device: torch.device) -> AttentionGroup:
    stop, width = start + sum(row_tokens), row_tokens[0]
    if row_tokens[-1] == width:
        return AttentionGroup(start, stop, len(row_tokens), width)
    within = np.arange(width)
    full = within < np.asarray(row_tokens)[:, None]
    places = np.flatnonzero(full)
    slots = np.zeros(full.size, dtype=np.int64)
    slots[places] = np.arange(len(places))
    indices = (torch.from_numpy(part).to(device) for part in (slots, places, np.flatnonzero(~full)))
    return AttentionGroup(start, stop, len(row_tokens), width, *indices)


_Targets = list[tuple[int, int, int]]
"""(token it is predicted from, label, rows)"""


def _prefix_targets(rows: Sequence[TokenRow], prefix_tokens: int) -> _Targets:
    """Targets within the prefix, by how many rows learn them, and the rows' first own tokens after it."""
    if not prefix_tokens:
        return []
    learned = np.sum([row.targets[:prefix_tokens] for row in rows], axis=0)
    prefix = rows[0].ids
    targets = [(at - 1, int(prefix[at]), int(learned[at])) for at in range(1, prefix_tokens) if learned[at]]
    firsts: dict[int, int] = {}
    for row in rows:
        if len(row) > prefix_tokens and row.targets[prefix_tokens]:
            label = int(row.ids[prefix_tokens])
            firsts[label] = firsts.get(label, 0) + 1
    return targets + [(prefix_tokens - 1, label, count) for label, count in sorted(firsts.items())]


def _own_targets(row: TokenRow, start: int, prefix_tokens: int) -> _Targets:
    """Targets after a row's first own token, whose source is the token before them."""
    own = row.targets[prefix_tokens:].copy()
    own[0] = False
    return [(start + int(at) - 1, int(row.ids[prefix_tokens + at]), 1) for at in np.flatnonzero(own)]


def _target_tensors(targets: _Targets, device: torch.device) -> dict[str, Any]:
    table = np.asarray(targets, dtype=np.int64).reshape(-1, 3)
    sources, label_sources = np.unique(table[:, 0], return_inverse=True)
    return {
        "sources": torch.from_numpy(sources).to(device),
        "labels": torch.from_numpy(table[:, 1].copy()).to(device),
        "label_sources": torch.from_numpy(label_sources.reshape(-1).astype(np.int64)).to(device),
        "label_rows": torch.from_numpy(table[:, 2].astype(np.float32)).to(device),
        "first_targets": tuple(
            np.searchsorted(label_sources.reshape(-1), np.arange(len(sources) + 1)).tolist()
        ),
    }

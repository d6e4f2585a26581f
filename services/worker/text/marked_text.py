"""A row as text with the stretches that the model is to learn."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from transformers import PreTrainedTokenizerBase


@dataclass(frozen=True)
class MarkedText:
    """`spans` are half-open character ranges of `text`; `complete` adds BOS (if the model has one) and EOS.

    A chat template writes its own special tokens, so chat rows are not completed.
    """

    text: str
    spans: tuple[tuple[int, int], ...]
    complete: bool = False


@dataclass(frozen=True)
class TokenRow:
    """`ids` int32 [tokens]; `targets` bool [tokens], true where a token is to be predicted from those before
    it.
    """

    ids: npt.NDArray[np.int32]
    targets: npt.NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def needed(self) -> int:
        """How many tokens, from the first on, a causal model must compute: those before the last target.

        At least one, so that no row is nothing.
        """
        targets = np.flatnonzero(self.targets)
        return max(1, int(targets[-1])) if len(targets) else 1

    def cut(self, tokens: int) -> "TokenRow":
        return TokenRow(self.ids[:tokens], self.targets[:tokens])


def tokenize(marked: Sequence[MarkedText], tokenizer: PreTrainedTokenizerBase) -> list[TokenRow]:
    """Token rows of `marked`, which agree on `complete`; nothing is cut.

    A token is a target if it reaches into a span: one that straddles the border between prompt and
    completion counts, so the whole completion is learned.
    """
    if not marked:
        return []
    complete = marked[0].complete
    encoded = tokenizer(
        [row.text for row in marked],
        add_special_tokens=complete,
        return_offsets_mapping=True,
        return_attention_mask=False,
        verbose=False,
    )
    pairs = zip(marked, encoded["input_ids"], encoded["offset_mapping"], strict=True)
    eos = tokenizer.eos_token_id if complete else None
    return [_token_row(row, ids, offsets, eos) for row, ids, offsets in pairs]


def _token_row(row: MarkedText, ids: list[int], offsets: list[tuple[int, int]], eos: int | None) -> TokenRow:
    starts, ends = np.asarray(offsets, dtype=np.int64).reshape(-1, 2).T
    targets = np.zeros(len(ids), dtype=np.bool_)
    for start, end in row.spans:
        targets |= (starts < end) & (ends > start)
    tokens = np.asarray(ids, dtype=np.int32)
    if eos is not None:
        # The tokenizer may have put its own there, which stands for no text.
        if len(tokens) and tokens[-1] == eos and ends[-1] == starts[-1]:
            tokens, targets = tokens[:-1], targets[:-1]
        tokens = np.append(tokens, np.int32(eos))
        targets = np.append(targets, True)
    targets[:1] = False  # nothing stands before the first token to predict it from
    return TokenRow(tokens, targets)

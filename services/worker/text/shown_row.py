"""A row as it is learned, for people: its text with the learned stretches marked."""

from dataclasses import dataclass
from itertools import groupby

import numpy as np
from transformers import PreTrainedTokenizerBase

from services.worker.text.marked_text import TokenRow

TOKENS_SHOWN = 400
TOKENS_BEFORE = 200  # as many of the prompt are shown before the first stretch


@dataclass(frozen=True)
class ShownRow:
    """`learned` are half-open character ranges of `text`; `left_out` counts tokens that are not shown."""

    text: str
    learned: tuple[tuple[int, int], ...]
    left_out: int

    @property
    def marked(self) -> str:
        """The text with ⟦ and ⟧ around each learned stretch."""
        parts, at = [], 0
        for start, end in self.learned:
            parts += [self.text[at:start], "⟦", self.text[start:end], "⟧"]
            at = end
        return "".join([*parts, self.text[at:]])


def shown_row(row: TokenRow, tokenizer: PreTrainedTokenizerBase) -> ShownRow:
    """Decoded from the tokens themselves, so it is what the model sees; around the first learned stretch."""
    first = int(np.flatnonzero(row.targets)[0])
    begin = max(0, min(first - TOKENS_BEFORE, len(row) - TOKENS_SHOWN))
    ids, targets = row.ids[begin : begin + TOKENS_SHOWN], row.targets[begin : begin + TOKENS_SHOWN]
    text, learned, at = "", [], 0
    for is_learned, group in groupby(targets.tolist()):
        length = len(list(group))
        part = tokenizer.backend_tokenizer.decode(ids[at : at + length].tolist(), skip_special_tokens=False)
        if is_learned:
            learned.append((len(text), len(text) + len(part)))
        text += part
        at += length
    return ShownRow(text, tuple(learned), len(row) - len(ids))
